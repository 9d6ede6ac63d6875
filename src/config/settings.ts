import type { Config } from './config.js';
import { keyText } from './problem.js';
import type { KeyPath } from './read/source-file.js';
import { type EnvironmentData, type EnvironmentValues, isMap } from './values/index.js';

/** A single value of a configuration as it is for one environment, and where it comes from. */
export interface Setting {
  path: KeyPath;
  /** Text, a number, true, false or null; an empty list or map. */
  value: unknown;
  from: 'file' | 'environment' | 'default';
  /** Absent for a default. */
  line?: number;
  isSecret?: boolean;
  references: {
    name: string;
    from: 'file' | 'environment' | 'input' | 'default';
    line?: number;
    isSecret: boolean;
  }[];
}

interface Origins {
  environment: string;
  data: EnvironmentData;
  values: EnvironmentValues;
  defaults: object;
  locate: Config['locate'];
}

/** Every single value, those that the configuration says before the defaults of the same map. */
export function settingsOf({
  environment,
  data: { data, uses, writtenAt },
  values,
  defaults,
  locate,
}: Origins): Setting[] {
  const lineAt = (path: KeyPath) => {
    const line = locate(path);
    return line === undefined ? {} : { line };
  };
  const said = (path: KeyPath, value: unknown): Setting => {
    const from = writtenAt(path);
    const isMoved = keyText(from) !== keyText(path);
    const references = (uses.get(keyText(from)) ?? []).map(({ kind, name, found }) => ({
      name: `${kind}.${name}`,
      from: found.from === 'values' ? ('file' as const) : found.from,
      // Where a variable of the caller is listed does not say what it is.
      ...(found.from === 'input' ? {} : lineAt(found.path)),
      isSecret: found.isSecret,
    }));
    return { path, value, from: isMoved ? 'environment' : 'file', ...lineAt(from), references };
  };
  const walk = (value: unknown, byDefault: unknown, path: KeyPath): Setting[] => {
    if (value === undefined) return byDefault === undefined ? [] : defaultSettings(byDefault, path);
    const members = Array.isArray(value) ? [...value.entries()] : isMap(value) ? Object.entries(value) : [];
    if (members.length === 0 && !isMap(byDefault)) return [said(path, value)];
    const others = isMap(byDefault) ? byDefault : {};
    const missing = Object.keys(others).filter((key) => !isMap(value) || value[key] === undefined);
    return [
      ...members.flatMap(([key, member]) => walk(member, others[key], [...path, key])),
      ...missing.flatMap((key) => defaultSettings(others[key], [...path, key])),
    ];
  };
  const valueSettings = values.names.flatMap((name): Setting[] => {
    const found = values.find({ kind: 'values', name });
    if (!('value' in found)) return []; // nothing uses it, or that would be an error
    const from = found.from === 'environment' ? 'environment' : 'file';
    const path = ['values', name];
    return [{ path, value: found.value, from, ...lineAt(found.path), references: [], isSecret: found.isSecret }];
  });
  return [...walk(withoutChoices(data, environment), defaults, []), ...valueSettings];
}

function defaultSettings(value: unknown, path: KeyPath): Setting[] {
  if (!isMap(value)) return [{ path, value, from: 'default', references: [] }];
  return Object.entries(value).flatMap(([key, member]) => defaultSettings(member, [...path, key]));
}

/** What was chosen from, and is in its place now. */
function withoutChoices(data: unknown, environment: string): unknown {
  if (!isMap(data)) return data;
  const { values: _, inputs: __, environments, ...others } = data;
  const own = isMap(environments) ? environments[environment] : undefined;
  if (!isMap(own)) return others;
  const { values: ___, services, ...settings } = own;
  const types = Object.entries(isMap(services) ? services : {}).flatMap(([name, service]) =>
    isMap(service) && service.instanceType !== undefined ? [[name, { instanceType: service.instanceType }]] : [],
  );
  const machines = types.length === 0 ? {} : { services: Object.fromEntries(types) };
  return { ...others, environments: { [environment]: { ...settings, ...machines } } };
}
