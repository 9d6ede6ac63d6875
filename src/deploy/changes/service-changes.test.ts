import { expect, test } from 'vitest';
import type { ServicePlan, ServicesPlan } from '../../plan/index.js';
import { serviceChanges } from './service-changes.js';

const service = (name: string, more: Partial<ServicePlan> = {}): ServicePlan => ({
  name,
  role: 'service',
  after: [],
  count: 1,
  environment: {},
  ...more,
});
const plan = (...services: ServicePlan[]): ServicesPlan => ({ services });

test.each<[string, ServicesPlan, ServicesPlan, object[]]>([
  ['nothing', plan(service('api')), plan(service('api')), []],
  [
    'settings',
    plan(service('api', { count: 1, port: 80, health: { kind: 'tcp', timeoutMs: 1 } })),
    plan(service('api', { count: 2, health: { kind: 'tcp', timeoutMs: 2 } })),
    [
      { what: 'service api', key: 'count', before: '1', after: '2' },
      { what: 'service api', key: 'port', before: '80' },
      { what: 'service api', key: 'health.timeoutMs', before: '1', after: '2' },
    ],
  ],
  [
    'variables, without what is secret',
    plan(service('api', { environment: { A: '1', DB_PASSWORD: 'old', URL: 'http://me:old@host/' } })),
    plan(service('api', { environment: { A: '2', DB_PASSWORD: 'new', URL: 'http://me:new@host/' } })),
    [
      { what: 'service api', key: 'environment.A', before: '"1"', after: '"2"' },
      { what: 'service api', key: 'environment.DB_PASSWORD', before: '***', after: '***' },
      { what: 'service api', key: 'environment.URL', before: '"http://***@host/"', after: '"http://***@host/"' },
    ],
  ],
  [
    'services',
    plan(service('api'), service('old')),
    plan(service('api'), service('web')),
    [
      { what: 'service old', before: 'removed' },
      { what: 'service web', after: 'added' },
    ],
  ],
  [
    'the database and the zone',
    { services: [], database: { engine: 'postgres', version: '16' } },
    { services: [], database: { engine: 'postgres', version: '17' }, dnsZone: 'a.internal' },
    [
      { what: 'database', key: 'version', before: '"16"', after: '"17"' },
      { what: 'dns', key: 'zone', after: '"a.internal"' },
    ],
  ],
])('what changed of services: %s', (_, before, after, expected) =>
  expect(serviceChanges(before, after)).toEqual(expected),
);
