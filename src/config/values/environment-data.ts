import { nearest } from '../../core/nearest.js';
import { keyText, type Problem } from '../problem.js';
import type { KeyPath } from '../read/source-file.js';
import { type EnvironmentValues, isMap } from './environment-values.js';
import { hasReference, resolveText } from './references.js';
import { type ResolvedTexts, resolveReferences } from './resolve-references.js';

/** A configuration as it would be written for one environment alone. */
export interface EnvironmentData extends ResolvedTexts {
  /** Where the file says what is at a place of the data: what an environment says of a service is written there. */
  writtenAt(path: KeyPath): KeyPath;
  /** Values that nobody else is to read, by their names. */
  secrets: string[];
}

/** What an environment may say of a service that is no property of the service, but of its machines. */
const OF_MACHINES = ['instanceType'];

/** The texts with their values, and services as the environment has them. The rest is as it was, for the schema to check. */
export function environmentData(
  written: unknown,
  environment: string | undefined,
  values: EnvironmentValues,
): EnvironmentData {
  const alone = withoutOthers(written, environment);
  const { data, problems, ...resolved } = resolveReferences(alone, values);
  const moved = new Map<string, KeyPath>();
  const unknown: Problem[] = [];
  const merged =
    environment === undefined || !isMap(data) ? data : withOwnServices(data, environment, { moved, unknown });
  return {
    ...resolved,
    data: merged,
    secrets: secretsAmong(resolved.uses),
    problems: [...problems, ...unknown],
    writtenAt: (path) => {
      for (let length = path.length; length > 0; length--) {
        const from = moved.get(keyText(path.slice(0, length)));
        if (from !== undefined) return [...from, ...path.slice(length)];
      }
      return path;
    },
  };
}

function secretsAmong(uses: ResolvedTexts['uses']): string[] {
  const secret = [...uses.values()].flat().filter(({ found }) => found.isSecret);
  return [...new Set(secret.map(({ found }) => String(found.value)))];
}

function withoutOthers(data: unknown, environment: string | undefined): unknown {
  if (environment === undefined || !isMap(data) || !isMap(data.environments)) return data;
  return { ...data, environments: { [environment]: data.environments[environment] } };
}

/** `environment` is merged by name; anything else takes the place of what the service says itself. */
function withOwnServices(
  data: Record<string, unknown>,
  environment: string,
  noted: { moved: Map<string, KeyPath>; unknown: Problem[] },
): unknown {
  const { services } = data;
  const own = isMap(data.environments) ? data.environments[environment] : undefined;
  if (!isMap(own) || !isMap(own.services)) return data;
  const all = isMap(services) ? { ...services } : {};
  for (const [name, change] of Object.entries(own.services)) {
    const from = ['environments', environment, 'services', name];
    const service = Object.hasOwn(all, name) ? all[name] : undefined;
    if (service === undefined) {
      const names = Object.keys(all);
      const expected = names.length === 0 ? 'a service (there is none)' : `a service (${names.join(', ')})`;
      noted.unknown.push({ path: from, expected, found: JSON.stringify(name), nearest: nearest(name, names) });
    } else if (isMap(service) && isMap(change)) {
      all[name] = mergedService(service, change, { from, to: ['services', name], moved: noted.moved });
    }
  }
  return services === undefined && Object.keys(all).length === 0 ? data : { ...data, services: all };
}

function mergedService(
  service: Record<string, unknown>,
  change: Record<string, unknown>,
  { from, to, moved }: { from: KeyPath; to: KeyPath; moved: Map<string, KeyPath> },
): Record<string, unknown> {
  const merged = { ...service };
  for (const [key, value] of Object.entries(change)) {
    if (OF_MACHINES.includes(key)) continue;
    const variables = merged[key];
    if (key === 'environment' && isMap(value) && isMap(variables)) {
      merged[key] = { ...variables, ...value };
      for (const name of Object.keys(value)) moved.set(keyText([...to, key, name]), [...from, key, name]);
    } else {
      merged[key] = value;
      moved.set(keyText([...to, key]), [...from, key]);
    }
  }
  return merged;
}

/** Values of environments that no text uses and that take the place of no other: most likely they are misspelt. */
export function unusedValues(data: unknown): Problem[] {
  if (!isMap(data) || !isMap(data.environments)) return [];
  const general = isMap(data.values) ? Object.keys(data.values) : [];
  const used = [...namesIn(data)];
  return Object.entries(data.environments).flatMap(([environment, settings]): Problem[] => {
    const own = isMap(settings) && isMap(settings.values) ? Object.keys(settings.values) : [];
    return own
      .filter((name) => !general.includes(name) && !used.includes(name))
      .map((name) => ({
        path: ['environments', environment, 'values', name],
        expected: `a value that a text uses, as in \${values.${name}}`,
        found: 'none that does',
        nearest: nearest(name, new Set([...general, ...used])),
      }));
  });
}

function namesIn(value: unknown, around: ReadonlySet<unknown> = new Set()): Set<string> {
  const names = new Set<string>();
  if (typeof value === 'string' && hasReference(value))
    resolveText(
      value,
      ({ kind, name }) => void (kind === 'values' && names.add(name)),
      () => {},
    );
  if (typeof value !== 'object' || value === null || around.has(value)) return names;
  const within = new Set([...around, value]);
  for (const member of Object.values(value)) for (const name of namesIn(member, within)) names.add(name);
  return names;
}
