import { expect, test } from 'vitest';
import type { HostReport } from './host-report.js';
import { hostState } from './host-state.js';

const NOW = Date.parse('2026-11-25T12:00:00Z');
const RUNNING = { id: 'i-1', state: 'running' } as const;
const report = (state: HostReport['state'], minutesAgo: number, detail?: string): HostReport => ({
  state,
  release: 'r1',
  time: new Date(NOW - minutesAgo * 60_000).toISOString(),
  ...(detail === undefined ? {} : { detail }),
});

test.each([
  ['said so a minute ago', report('healthy', 1), { state: 'healthy' }],
  [
    'has stopped reporting',
    report('healthy', 6),
    { state: 'unhealthy', detail: 'instance i-1 is running and has said nothing since 2026-11-25T11:54:00.000Z' },
  ],
  ['was unhealthy and went silent', report('unhealthy', 90, 'GET /: no answer'), { state: 'unhealthy' }],
  ['is preparing for long', report('preparing', 60), { state: 'starting', detail: 'prepares the release itself' }],
  ['failed long ago', report('failed', 999, 'no boot'), { state: 'failed', detail: 'no boot' }],
  ['has said nothing', undefined, { state: 'starting', detail: 'instance i-1 is running and has said nothing yet' }],
] as const)('a host that %s', (_, said, expected) => {
  expect(hostState(RUNNING, said, NOW)).toMatchObject(expected);
});

test('a host whose instance is stopped, whatever it said', () => {
  expect(hostState({ id: 'i-1', state: 'stopped' }, report('healthy', 0), NOW).state).toBe('stopped');
});
