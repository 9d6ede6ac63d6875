import { isSecretName } from '../../core/secret-lines.js';
import { describe } from '../problem.js';
import type { KeyPath } from '../read/source-file.js';
import { type Reference, resolveText, type Scalar } from './references.js';

export type Variables = Readonly<Record<string, string | undefined>>;

/** What a reference stands for, and where that is said. */
export type Found =
  | { value: Scalar; from: 'values' | 'environment' | 'input' | 'default'; path: KeyPath; isSecret: boolean }
  /** There is no such value or input: `known` are those that there are. */
  | { unknown: readonly string[] }
  /** An input that is not set and has no default. */
  | { missing: string }
  /** An input of another type than its default: `shown` is what it is, in words. */
  | { variable: string; expected: string; shown: string };

/** The values that one environment has, each looked up when something asks for it: an input that nobody uses may be missing. */
export class EnvironmentValues {
  readonly #inputs: Readonly<Record<string, unknown>>;
  readonly #variables: Variables;
  /** By name: as it is written, and where. */
  readonly #written: ReadonlyMap<string, { text: unknown; path: KeyPath; from: 'values' | 'environment' }>;

  constructor(data: unknown, environment: string | undefined, variables: Variables) {
    const { values, inputs, environments } = record(data);
    const own = environment === undefined ? {} : record(record(record(environments)[environment]).values);
    const entries = (from: 'values' | 'environment', all: unknown, path: KeyPath) =>
      Object.entries(record(all)).map(([name, text]) => [name, { text, path: [...path, name], from }] as const);
    this.#written = new Map([
      ...entries('values', values, ['values']),
      ...entries('environment', own, ['environments', environment ?? '', 'values']),
    ]);
    this.#inputs = record(inputs);
    this.#variables = variables;
  }

  get names(): string[] {
    return [...this.#written.keys()];
  }

  placeOf(name: string): KeyPath {
    return this.#written.get(name)?.path ?? ['values', name];
  }

  find({ kind, name }: Pick<Reference, 'kind' | 'name'>): Found {
    return kind === 'env' ? this.#findInput(name) : this.#findValue(name);
  }

  #findValue(name: string): Found {
    const written = this.#written.get(name);
    if (written === undefined) return { unknown: this.names };
    const { text, path, from } = written;
    if (typeof text !== 'string') return { value: text as Scalar, from, path, isSecret: isSecretName(name) };
    let fault: Found | undefined;
    let isSecret = isSecretName(name);
    const value = resolveText(
      text,
      (reference) => {
        // What is wrong with a value that refers to another is told where it is written (resolve-references.ts).
        const found = reference.kind === 'env' ? this.#findInput(reference.name) : undefined;
        if (found === undefined || !('value' in found)) {
          fault ??= found;
          return undefined;
        }
        isSecret ||= found.isSecret;
        return found.value;
      },
      () => {},
    );
    return fault ?? { value, from, path, isSecret };
  }

  #findInput(name: string): Found {
    if (!Object.hasOwn(this.#inputs, name)) return { unknown: Object.keys(this.#inputs) };
    const { default: byDefault } = record(this.#inputs[name]);
    const path = ['inputs', name];
    const isSecret = isSecretName(name);
    const text = this.#variables[name];
    if (text === undefined) {
      if (byDefault === undefined) return { missing: name };
      return { value: byDefault as Scalar, from: 'default', path: [...path, 'default'], isSecret };
    }
    const value = typed(text, typeof byDefault);
    if (value === undefined) {
      const expected = typeof byDefault === 'number' ? 'a number' : 'true or false';
      return { variable: name, expected, shown: isSecret ? '***' : describe(text) };
    }
    return { value, from: 'input', path, isSecret };
  }
}

/** The environment has texts alone: one is of the type that the input's default has. */
function typed(text: string, type: string): Scalar | undefined {
  if (type === 'number') return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
  if (type === 'boolean') return text === 'true' || text === 'false' ? text === 'true' : undefined;
  return text;
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function record(value: unknown): Record<string, unknown> {
  return isMap(value) ? value : {};
}
