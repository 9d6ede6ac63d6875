import { nearest } from '../../core/nearest.js';
import { keyText, type Problem } from '../problem.js';
import type { KeyPath } from '../read/source-file.js';
import type { EnvironmentValues, Found } from './environment-values.js';
import { type Reference, resolveText, type Scalar } from './references.js';

/** A reference in a text, with what it stands for. */
export interface Use extends Reference {
  /** Where the text is written. */
  path: KeyPath;
  found: Extract<Found, { value: Scalar }>;
}

export interface ResolvedTexts {
  data: unknown;
  problems: Problem[];
  /** Inputs that are not set: no concern of a command for another environment. */
  missing: Problem[];
  /** By the place of the text, as keyText() writes it. */
  uses: Map<string, Use[]>;
}

/** The data with what the references in all of its texts stand for. */
export function resolveReferences(data: unknown, values: EnvironmentValues): ResolvedTexts {
  const walk = new Walk(values);
  return { data: walk.value(data, []), problems: walk.problems, missing: walk.missing, uses: walk.uses };
}

class Walk {
  readonly problems: Problem[] = [];
  readonly missing: Problem[] = [];
  readonly uses = new Map<string, Use[]>();
  readonly #values: EnvironmentValues;
  /** What is being walked through: a program's data may go in a circle, which the schema refuses. */
  readonly #around = new Set<object>();

  constructor(values: EnvironmentValues) {
    this.#values = values;
  }

  value(value: unknown, path: KeyPath): unknown {
    if (typeof value === 'string') return this.#text(value, path);
    if (typeof value !== 'object' || value === null || this.#around.has(value)) return value;
    this.#around.add(value);
    const resolved = this.#members(value, path);
    this.#around.delete(value);
    return resolved;
  }

  #members(value: object, path: KeyPath): unknown {
    if (Array.isArray(value)) return value.map((item, i) => this.value(item, [...path, i]));
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [this.#key(key, path), this.value(member, [...path, key])]),
    );
  }

  /** A key is what others refer to and what messages name: it is the same everywhere. */
  #key(key: string, path: KeyPath): string {
    const at = [...path, key];
    const refuse = (written: string) =>
      void this.#refuse(at, written, `a key without it, or $${written} for this text itself`);
    return String(resolveText(key, ({ written }) => refuse(written), refuse));
  }

  #text(text: string, path: KeyPath): unknown {
    const malformed = (written: string) => {
      const kind = written.includes('values') ? 'values' : 'env';
      this.#refuse(path, written, `\${${kind}.name}, closed and without blanks, or $${written} for this text itself`);
    };
    const resolved = resolveText(text, (reference) => this.#resolve(reference, path), malformed);
    // A value is looked up where it is used.
    return isValue(path) ? text : resolved;
  }

  #resolve(reference: Reference, path: KeyPath): Scalar | undefined {
    const { written, kind } = reference;
    const wrong = refusal(path, kind);
    if (wrong !== undefined) return void this.#refuse(path, written, wrong);
    const found = this.#values.find(reference);
    if ('unknown' in found) return void this.problems.push(unknownProblem(reference, found.unknown, path));
    if (isValue(path)) return undefined;
    if ('value' in found) {
      const key = keyText(path);
      this.uses.set(key, [...(this.uses.get(key) ?? []), { ...reference, path, found }]);
      return found.value;
    }
    this.missing.push({ ...missingProblem(found, path), excerpt: written });
    return undefined;
  }

  #refuse(path: KeyPath, written: string, expected: string): void {
    this.problems.push({ path, expected, found: written, excerpt: written });
  }
}

function isValue([top, , third]: KeyPath): boolean {
  return top === 'values' || (top === 'environments' && third === 'values');
}

/** What is expected in place of a reference where none may be. Names do not depend on values, and values not on each other. */
function refusal(path: KeyPath, kind: Reference['kind']): string | undefined {
  const [top, , third] = path;
  const isSetting = top === 'environments' && third !== 'services';
  if (top === 'name' || top === '$schema' || top === 'inputs' || (isSetting && third === 'target'))
    return 'a text of its own, the same in every environment';
  if (kind === 'env') return undefined;
  if (isValue(path)) return 'a text without other values, but for inputs';
  if (isSetting) return 'a text without values, which an environment gives; an input may be in it';
  return undefined;
}

function unknownProblem({ kind, name, written }: Reference, known: readonly string[], path: KeyPath): Problem {
  const where =
    kind === 'values' ? 'a value, under `values` or those of the environment' : 'an input, listed under `inputs`';
  const there = known.length === 0 ? 'there is none' : known.join(', ');
  const meant = nearest(name, known);
  return {
    path,
    expected: `${where} (${there}), or $${written} for this text itself`,
    found: written,
    nearest: meant === undefined ? undefined : `\${${kind}.${meant}}`,
    excerpt: written,
  };
}

/** An input without which a text, or a value, is not known. */
export function missingProblem(
  found: Exclude<Found, { value: Scalar } | { unknown: unknown }>,
  path: KeyPath,
): Problem {
  const code = 'CONFIG_INPUT';
  if ('missing' in found) {
    const expected = `the variable ${found.missing} in the environment of this command, or a default under \`inputs\``;
    return { path, code, expected, found: 'neither' };
  }
  return { path, code, expected: `${found.expected} in the variable ${found.variable}`, found: found.shown };
}
