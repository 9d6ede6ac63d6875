import { expect, test } from 'vitest';
import type { PrestageEvent, TimedEvent } from '../../core/events.js';
import { chartOf } from './chart.js';

const at = (ms: number, event: PrestageEvent): TimedEvent => ({
  time: new Date(Date.UTC(2026, 10, 26) + ms).toISOString(),
  ...event,
});
const host = { host: 'api-0', service: 'api', index: 0 };

test('bars go from the beginning of each thing to its end, with what happened between', () => {
  const chart = chartOf(
    [
      at(0, { type: 'phase.started', phase: 1, release: 'r', reason: '' }),
      at(50, { type: 'worker.started', run: 'x', release: 'r', packages: 1 }),
      at(100, { type: 'package.started', package: 'app', tree: 'app-1' }),
      at(200, { type: 'package.step', package: 'app', step: 1, kind: 'set', files: 1, changes: 1, summary: '' }),
      at(250, {
        type: 'package.published',
        package: 'app',
        tree: 'app-1',
        digest: '',
        reused: false,
        files: 1,
        bytes: 1,
        durationMs: 150,
      }),
      at(400, { type: 'phase.finished', phase: 1, release: 'r', outcome: 'prepared', durationMs: 400 }),
    ],
    false,
  );
  expect(chart).toEqual({
    startedAt: '2026-11-26T00:00:00.000Z',
    durationMs: 400,
    outcome: 'done',
    spans: [
      { label: 'the worker starts', kind: 'machine', fromMs: 0, toMs: 50, outcome: 'done', marks: [] },
      {
        label: 'app',
        kind: 'package',
        fromMs: 100,
        toMs: 250,
        outcome: 'done',
        marks: [{ atMs: 200, label: 'step 1 (set)' }],
      },
    ],
  });
});

test('what failed, and what was at work when the phase failed, is shown as failed', () => {
  const events = [
    at(0, { type: 'host.starting', ...host, address: 'a', replaces: false }),
    at(10, { type: 'host.starting', ...host, host: 'api-1', address: 'a', replaces: false }),
    at(90, { type: 'host.failed', ...host, reason: 'no', log: [] }),
    at(100, { type: 'stack.started', stack: 's', action: 'update' }),
    at(120, { type: 'stack.finished', stack: 's', status: 'UPDATE_ROLLBACK_COMPLETE', durationMs: 20 }),
  ];
  const outcomes = (failed: boolean) =>
    chartOf(events, failed)?.spans.map(({ label, outcome, toMs }) => [label, outcome, toMs]);
  expect(outcomes(true)).toEqual([
    ['api-0', 'failed', 90],
    ['api-1', 'failed', 120],
    ['stack s', 'failed', 120],
  ]);
  expect(outcomes(false)?.[1]).toEqual(['api-1', 'open', 120]);
});

test('there is no chart of nothing', () => {
  expect(chartOf(undefined, false)).toBeUndefined();
  expect(chartOf([], true)).toBeUndefined();
});
