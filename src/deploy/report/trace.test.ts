import { expect, test } from 'vitest';
import { PrestageError } from '../../core/errors.js';
import type { PrestageEvent, TimedEvent } from '../../core/events.js';
import { parseTrace, Recording, type Trace, traceOf } from './trace.js';

const at = (second: number, event: PrestageEvent): TimedEvent => ({
  time: `2026-11-26T10:00:0${second}.000Z`,
  ...event,
});

const started = (phase: 1 | 2) => at(0, { type: 'phase.started', phase, release: 'r', reason: '' });
const finished = (phase: 1 | 2, outcome: string) =>
  at(9, { type: 'phase.finished', phase, release: 'r', outcome, durationMs: 1 });
const step = at(2, {
  type: 'package.step',
  package: 'app',
  step: 1,
  kind: 'set',
  files: 1,
  changes: 1,
  summary: '1 key',
});
const changed = at(2, {
  type: 'package.changed',
  package: 'app',
  step: 1,
  files: [{ path: 'a', change: 'changed', diff: ['@@ -1 +1 @@', '-a', '+b'] }],
  more: 0,
});
const published = at(3, {
  type: 'package.published',
  package: 'app',
  tree: 'app-1',
  digest: '',
  reused: false,
  files: 1,
  bytes: 1,
  durationMs: 1234,
});
const begun = at(1, { type: 'package.started', package: 'app', tree: 'app-1' });
const prepared = [started(1), begun, step, changed, published, finished(1, 'prepared')];
const applied = [started(2), finished(2, 'applied')];

const about = { release: 'r', trees: ['app-1'] };

test('the two phases are kept apart, and what steps did with the tree that they made', () => {
  const trace = traceOf([...prepared, ...applied], about, []);
  expect(trace.prepared?.map(({ type }) => type)).toEqual([
    'phase.started',
    'package.started',
    'package.step',
    'package.published',
    'phase.finished',
  ]);
  expect(trace.applied?.map(({ type }) => type)).toEqual(['phase.started', 'phase.finished']);
  expect(trace.trees).toEqual({ 'app-1': { steps: [step, changed], durationMs: 1234 } });
  expect(parseTrace(JSON.stringify(trace))).toEqual(JSON.parse(JSON.stringify(trace)));
});

test('what this deployment did not do is as the one before it told', () => {
  const first = traceOf(prepared, about, []);
  const second = traceOf([finished(1, 'ready'), ...applied], about, [first]);
  expect(second.prepared).toEqual(first.prepared);
  expect(second.applied).toEqual(applied);
  expect(second.trees).toEqual(first.trees);
});

test('a tree that another release made is told of as that one told, and its times are not', () => {
  const first = traceOf(prepared, about, []);
  const other: Trace = traceOf([finished(1, 'ready'), ...applied], { ...about, release: 'other' }, [first]);
  expect(other.prepared).toBeUndefined();
  expect(other.trees).toEqual(first.trees);
});

test('a phase that failed is kept, with why', () => {
  const error = new PrestageError('STEP_COUNT', 'no').serialize();
  const trace = traceOf([started(1), begun], { ...about, error }, []);
  expect(trace.prepared).toHaveLength(2);
  expect(parseTrace(JSON.stringify(trace))?.error).toMatchObject({ code: 'STEP_COUNT', message: 'no' });
});

test('steps of an attempt that was repeated are told of once', () => {
  const retry = at(2, { type: 'package.retry', package: 'app', attempt: 1, delayMs: 1, reason: '' });
  const trace = traceOf(
    [started(1), begun, step, changed, retry, step, changed, published, finished(1, 'prepared')],
    about,
    [],
  );
  expect(trace.trees['app-1']?.steps).toEqual([step, changed]);
});

test.each(['', '{}', '{"format":2,"release":"r","trees":{}}', '[]'])('%j is no trace', (text) =>
  expect(parseTrace(text)).toBeUndefined(),
);

test('a recording passes everything on, keeps the time that a worker wrote, and leaves out what only passes', () => {
  const told: PrestageEvent[] = [];
  const recording = new Recording((event) => told.push(event));
  recording.emit(step);
  recording.emit({ type: 'package.progress', package: 'app', bytes: 1, files: 1 });
  expect(told).toHaveLength(2);
  expect(recording.events).toEqual([step]);
  expect([recording.hasBegun, recording.didSomething]).toEqual([false, false]);
  recording.emit(started(2));
  recording.emit(finished(2, 'unchanged'));
  expect([recording.hasBegun, recording.didSomething]).toEqual([true, false]);
  recording.emit(finished(1, 'prepared'));
  expect(recording.didSomething).toBe(true);
});

test('a recording leaves out how far anything is, whatever it is', () => {
  const recording = new Recording(() => {});
  recording.emit({ type: 'digest.progress', source: 'app.jar', bytes: 1, bytesTotal: 2 });
  recording.emit({ type: 'fetch.progress', package: 'app', bytes: 1 });
  recording.emit({ type: 'upload.progress', source: 'app.jar', bytes: 1, bytesTotal: 2 });
  expect(recording.events).toEqual([]);
});
