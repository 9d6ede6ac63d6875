import { withoutCredentials } from '../../core/errors.js';
import { isSecretName } from '../../core/secret-lines.js';

export interface Difference {
  /** `values.db.host`, `patches[10-dnf.patch]` */
  key: string;
  before?: string;
  after?: string;
}

/** The single values that differ between two pieces of a recipe. */
export function differingLeaves(before: object, after: object): Difference[] {
  const [old, now] = [new Map(leavesOf(before)), new Map(leavesOf(after))];
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((key) => old.get(key) !== now.get(key))
    .map((key) => {
      const show = (value: string | undefined) => (isSecretName(key) ? '***' : withoutCredentials(value ?? ''));
      return {
        key,
        ...(old.has(key) ? { before: show(old.get(key)) } : {}),
        ...(now.has(key) ? { after: show(now.get(key)) } : {}),
      };
    });
}

function leavesOf(value: unknown, path = ''): [string, string][] {
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item !== 'object')) return [[path, JSON.stringify(value)]];
    return value.flatMap((item, i) => leavesOf(item, `${path}[${nameOf(item) ?? i}]`));
  }
  if (typeof value !== 'object' || value === null) return [[path, JSON.stringify(value) ?? 'undefined']];
  if (isFile(value)) return [[path, `${value.name} sha256:${value.sha256.slice(0, 16)}`]];
  return Object.entries(value).flatMap(([key, item]) => leavesOf(item, path === '' ? key : `${path}.${key}`));
}

/** A file or a folder of a recipe is one thing: its name, and which bytes. */
function isFile(value: object): value is { name: string; sha256: string } {
  return 'sha256' in value && 'name' in value && typeof value.sha256 === 'string';
}

function nameOf(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null && isFile(value) ? value.name : undefined;
}
