import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Captured, captured } from '../../../test/captured.js';
import { PrestageError } from '../../core/errors.js';
import type { PrestageEvent } from '../../core/events.js';
import { type HumanFlags, HumanReporter } from './human-reporter.js';

const flags: HumanFlags = { color: true, quiet: false, json: false, verbose: false };
const terminal = { columns: 80, rows: 24 };
const ESC = '\u001b';

const started: PrestageEvent = { type: 'package.started', package: 'a', tree: 'a-1', bytesTotal: 100 };
const progress = (bytes: number): PrestageEvent => ({
  type: 'package.progress',
  package: 'a',
  bytes,
  bytesTotal: 100,
  files: 1,
});
const published: PrestageEvent = {
  type: 'package.published',
  package: 'a',
  tree: 'a-1',
  digest: '',
  reused: false,
  files: 1,
  bytes: 100,
  durationMs: 5,
};

describe('in a pipe', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** Lets seconds go by, with something at each one's end. */
  function seconds(io: Captured, count: number, each: (second: number) => void = () => {}): void {
    for (let second = 1; second <= count; second += 1) {
      io.clock.ms += 1000;
      each(second);
      vi.advanceTimersByTime(1000);
    }
  }

  test('there is one line an event, progress every 5 seconds, and nothing but text', () => {
    const io = captured();
    const reporter = new HumanReporter(io, flags);
    reporter.emit(started);
    seconds(io, 12, (second) => reporter.emit(progress(second)));
    reporter.emit(published);
    reporter.succeed({ result: {}, output: ['0123'], summary: ['all is well'] });
    expect(io.stderr.lines).toEqual([
      'a: 5%, 5 B of 100 B, 1 file, 1 B/s, 1 min 35 s left',
      'a: 10%, 10 B of 100 B, 1 file, 1 B/s, 1 min 30 s left',
      'a: prepared, 1 file, 100 B in 5 ms',
      'all is well',
    ]);
    expect(io.stdout.lines).toEqual(['0123']);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('several packages have one line together, and in CI one in 30 seconds', () => {
    const io = captured({ env: { CI: 'true' } });
    const reporter = new HumanReporter(io, flags);
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const name of names)
      reporter.emit({ type: 'package.detected', package: name, tree: name, action: 'prepare', reason: '', bytes: 100 });
    io.stderr.text = '';
    reporter.emit(started);
    seconds(io, 70, (second) => reporter.emit(progress(second)));
    expect(io.stderr.lines).toEqual([
      'progress  0 of 6 packages prepared, 5%, 30 B of 600 B, 1 file, 1 B/s, 9 min 30 s left; now a 30%',
      'progress  0 of 6 packages prepared, 10%, 60 B of 600 B, 1 file, 1 B/s, 9 min 00 s left; now a 60%',
    ]);
  });

  test('phase 2 says which hosts it waits for, and that it goes on where nothing else does', () => {
    const io = captured();
    const reporter = new HumanReporter(io, flags);
    reporter.emit({ type: 'phase.started', phase: 2, release: 'r', reason: 'hosts run on release r', hosts: 3 });
    io.stderr.text = '';
    const host = { service: 'api', index: 0, address: '127.0.0.1', port: 1 };
    for (const name of ['api-0', 'api-1'])
      reporter.emit({ type: 'host.starting', host: name, ...host, replaces: false });
    reporter.emit({ type: 'host.healthy', host: 'api-0', ...host, durationMs: 1 });
    io.stderr.text = '';
    seconds(io, 5);
    reporter.emit({ type: 'phase.finished', phase: 2, release: 'r', outcome: 'applied', durationMs: 1 });
    reporter.emit({ type: 'phase.started', phase: 1, release: 'r', reason: 'nothing is prepared yet' });
    seconds(io, 5);
    expect(io.stderr.lines.filter((line) => line.startsWith('progress'))).toEqual([
      'progress  1 of 3 hosts healthy; api-1 starting for 5.0 s',
      'progress  phase 1 has been running for 5.0 s',
    ]);
  });

  test('uploads and fetches are told of like packages, also one whose size nobody knows', () => {
    const io = captured();
    const reporter = new HumanReporter(io, flags);
    reporter.emit({ type: 'upload.started', source: 'app.jar', bytesTotal: 100 });
    reporter.emit({ type: 'fetch.started', package: 'a', bytesTotal: 100 });
    reporter.emit({ type: 'fetch.started', package: 'b' });
    seconds(io, 7, (second) => {
      reporter.emit({ type: 'upload.progress', source: 'app.jar', bytes: second, bytesTotal: 100 });
      reporter.emit({ type: 'fetch.progress', package: 'a', bytes: second, bytesTotal: 100 });
      reporter.emit({ type: 'fetch.progress', package: 'b', bytes: second });
    });
    reporter.emit({ type: 'upload.finished', source: 'app.jar', bytes: 100, durationMs: 8000 });
    reporter.emit({ type: 'fetch.finished', package: 'a', bytes: 100, durationMs: 8000 });
    expect(io.stderr.lines).toEqual([
      'upload app.jar: 5%, 5 B of 100 B, 1 B/s, 1 min 35 s left',
      'fetch a: 5%, 5 B of 100 B, 1 B/s, 1 min 35 s left',
      'fetch b: 5 B, 1 B/s',
      'uploaded  app.jar (100 B, 8.0 s)',
      'fetched   a (100 B, 8.0 s)',
    ]);
  });

  test('long lines stay one line', () => {
    const io = captured();
    new HumanReporter(io, flags).emit({ type: 'notice', message: 'word '.repeat(60).trim() });
    expect(io.stderr.lines).toHaveLength(1);
  });
});

describe('on a terminal', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('progress is drawn at most ten times a second, and taken away at the end', () => {
    const io = captured({ terminal });
    const reporter = new HumanReporter(io, flags);
    reporter.emit(started);
    const before = io.stderr.text;
    for (let i = 1; i <= 50; i++) reporter.emit(progress(i));
    expect(io.stderr.text).toBe(before);
    vi.advanceTimersByTime(100);
    expect(io.stderr.text.slice(before.length)).toContain('50%');
    reporter.emit({ type: 'upload.progress', source: 'app.jar', bytes: 30, bytesTotal: 40 });
    vi.advanceTimersByTime(100);
    expect(io.stderr.text).toMatch(/upload app\.jar.*75%/);
    reporter.emit({ type: 'upload.finished', source: 'app.jar', bytes: 40, durationMs: 1 });
    reporter.emit(published);
    reporter.succeed({ result: {}, output: ['0123'] });
    expect(io.stderr.text.endsWith(`${ESC}[?25h`)).toBe(true);
    expect(io.stdout.text).toBe('0123\n');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('the cursor is back after a failure, above the error', () => {
    const io = captured({ terminal });
    const reporter = new HumanReporter(io, flags);
    reporter.emit(started);
    reporter.emit(progress(1));
    vi.advanceTimersByTime(100);
    reporter.fail(new PrestageError('DISK_FULL', 'No space left.'));
    const end = io.stderr.text.slice(io.stderr.text.lastIndexOf(`${ESC}[?25`));
    expect(end).toBe(`${ESC}[?25h${ESC}[1m${ESC}[31merror DISK_FULL${ESC}[39m${ESC}[22m: No space left.\n`);
  });

  test('lines are broken at spaces', () => {
    const io = captured({ terminal: { columns: 30, rows: 24 } });
    new HumanReporter(io, flags).emit({ type: 'notice', message: 'a sentence that is longer than thirty columns' });
    expect(io.stderr.lines).toEqual(['a sentence that is longer', '  than thirty columns']);
  });

  test.each([
    ['NO_COLOR', { env: { NO_COLOR: '1' }, flags }],
    ['a dumb terminal', { env: { TERM: 'dumb' }, flags }],
    ['--no-color', { env: {}, flags: { ...flags, color: false } }],
    ['--quiet', { env: {}, flags: { ...flags, quiet: true } }],
  ])('nothing is drawn where %s says not to', (_, { env, flags }) => {
    const io = captured({ terminal, env });
    const reporter = new HumanReporter(io, flags);
    reporter.emit(started);
    reporter.emit(progress(50));
    vi.advanceTimersByTime(1000);
    reporter.emit(published);
    reporter.succeed({ result: {}, output: ['0123'] });
    expect(io.stderr.text).not.toContain(`${ESC}[?25l`);
    expect(io.stdout.text).toBe('0123\n');
  });
});

test('--quiet leaves errors and the result', () => {
  const io = captured();
  const reporter = new HumanReporter(io, { ...flags, quiet: true });
  reporter.emit({ type: 'warning', message: 'careful' });
  reporter.succeed({
    result: {},
    output: ['table'],
    summary: ['all is well'],
    error: new PrestageError('VERIFY_DIFFERENCE', 'It differs.'),
  });
  expect(io.stdout.text).toBe('table\n');
  expect(io.stderr.text).toBe('error VERIFY_DIFFERENCE: It differs.\n');
});

test('logs and checks go to stdout', () => {
  const io = captured();
  const reporter = new HumanReporter(io, { ...flags, quiet: true });
  reporter.emit({ type: 'log', source: 'api-0', line: 'hello' });
  reporter.emit({ type: 'check', name: 'files are prepared', ok: true, durationMs: 3 });
  expect(io.stdout.lines).toEqual(['api-0 | hello', 'ok           3 ms  files are prepared']);
  expect(io.stderr.text).toBe('');
});
