import { resolve } from 'node:path';
import type { HealthCheck, SecretSource, ServicePlan } from '../plan/index.js';
import { DEFAULT_COUNT, DEFAULT_RESTART, DEFAULT_ROLE, DEFAULT_STOP, DEFAULT_TIMEOUT } from './defaults.js';
import type { ParsedConfig } from './schema.js';

type Written = NonNullable<ParsedConfig['services']>[string];

const UNIT_MS = { ms: 1, s: 1000, m: 60_000 };

export function normalizeService(name: string, written: Written, folder: string): ServicePlan {
  const { needs, port, user, bootUser, allow = [], restart, logs, files = {} } = written;
  const stop = normalizeStop(written.stop);
  const boot = written.boot?.replace(/^\.\//, '');
  const run = written.run?.replace(/^\.\//, '');
  const health = normalizeHealth(written);
  return {
    name,
    role: written.role ?? DEFAULT_ROLE,
    ...(boot === undefined ? {} : { boot }),
    ...(run === undefined ? {} : { run }),
    ...(bootUser === undefined ? {} : { bootUser }),
    ...(user === undefined ? {} : { user }),
    ...(stop === undefined ? {} : { stop }),
    ...(restart === undefined || restart === DEFAULT_RESTART ? {} : { restart }),
    ...(logs === undefined ? {} : { logs: [...new Set(logs)] }),
    ...(Object.keys(files).length === 0 ? {} : { files }),
    ...(needs === undefined ? {} : { needs: [...new Set(needs)] }),
    after: [...new Set(written.after ?? [])],
    count: written.count ?? DEFAULT_COUNT,
    ...(port === undefined ? {} : { port }),
    ...(health === undefined ? {} : { health }),
    ...(allow.length === 0 ? {} : { allow: [...new Set(allow)].sort() }),
    ...normalizeVariables(written.environment ?? {}, folder),
  };
}

function normalizeStop(written: Written['stop']): ServicePlan['stop'] {
  if (written === undefined) return undefined;
  const { signal = DEFAULT_STOP.signal, timeout = DEFAULT_STOP.timeout } = written;
  return { signal, timeoutMs: durationMs(timeout) };
}

type Variables = NonNullable<Written['environment']>;

function normalizeVariables(written: Variables, folder: string): Pick<ServicePlan, 'environment' | 'secrets'> {
  const environment: Record<string, string> = {};
  const secrets: Record<string, SecretSource> = {};
  for (const [name, value] of Object.entries(written)) {
    if (typeof value === 'object') secrets[name] = secretSource(value, folder);
    else environment[name] = String(value);
  }
  return { environment, ...(Object.keys(secrets).length === 0 ? {} : { secrets }) };
}

function secretSource(written: Extract<Variables[string], object>, folder: string): SecretSource {
  if ('secret' in written) {
    const { secret, key } = written;
    return { kind: 'secret', name: secret, ...(key === undefined ? {} : { key }) };
  }
  if ('parameter' in written) return { kind: 'parameter', name: written.parameter };
  if ('file' in written) return { kind: 'file', path: resolve(folder, written.file) };
  return { kind: 'command', command: written.command, folder };
}

function normalizeHealth({ health, port }: Written): HealthCheck | undefined {
  if (health === undefined && port === undefined) return undefined;
  if (health === undefined || health === 'tcp') return { kind: 'tcp', timeoutMs: durationMs(DEFAULT_TIMEOUT) };
  const timeoutMs = durationMs(health.timeout ?? DEFAULT_TIMEOUT);
  const path = health.http ?? health.https;
  if (path === undefined) return { kind: 'tcp', timeoutMs };
  const headers = Object.entries(health.headers ?? {}).map(([name, value]) => [name, String(value)]);
  return {
    kind: 'http',
    path,
    ...(health.https === undefined ? {} : { secure: true }),
    ...(health.status === undefined ? {} : { status: [health.status].flat() }),
    ...(headers.length === 0 ? {} : { headers: Object.fromEntries(headers) }),
    timeoutMs,
  };
}

/** `500ms`, `120s` or `2m` in milliseconds. */
function durationMs(duration: string): number {
  const [, value = '', unit = 'ms'] = /^(\d+)(ms|s|m)$/.exec(duration) ?? [];
  return Number(value) * UNIT_MS[unit as keyof typeof UNIT_MS];
}
