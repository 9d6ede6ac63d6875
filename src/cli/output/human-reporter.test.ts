import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { captured } from '../../../test/captured.js';
import { PrestageError } from '../../core/errors.js';
import type { PrestageEvent } from '../../core/events.js';
import { type HumanFlags, humanReporter } from './human-reporter.js';

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
  test('there is one line an event, progress now and then, and nothing but text', () => {
    const io = captured();
    const reporter = humanReporter(io, flags);
    reporter.emit(started);
    for (let second = 1; second <= 12; second++) {
      io.clock.ms = second * 1000;
      reporter.emit(progress(second));
    }
    reporter.emit(published);
    reporter.succeed({ result: {}, output: ['0123'], summary: ['all is well'] });
    expect(io.stderr.lines).toEqual([
      'a: 6%, 6 B of 100 B, 1 file',
      'a: 11%, 11 B of 100 B, 1 file',
      'a: prepared, 1 file, 100 B in 5 ms',
      'all is well',
    ]);
    expect(io.stdout.lines).toEqual(['0123']);
  });

  test('an upload is told of like a package: now and then, and when it has ended', () => {
    const io = captured();
    const reporter = humanReporter(io, flags);
    const upload = { source: 'app.jar', bytesTotal: 100 };
    reporter.emit({ type: 'upload.started', ...upload });
    for (let second = 1; second <= 7; second++) {
      io.clock.ms = second * 1000;
      reporter.emit({ type: 'upload.progress', ...upload, bytes: second });
    }
    reporter.emit({ type: 'upload.finished', source: 'app.jar', bytes: 100, durationMs: 8000 });
    expect(io.stderr.lines).toEqual(['app.jar: uploaded 6 B of 100 B (6%)', 'uploaded  app.jar (100 B, 8.0 s)']);
  });

  test('so is the fetch of a source that is not pinned, also of one whose size nobody knows', () => {
    const io = captured();
    const reporter = humanReporter(io, flags);
    reporter.emit({ type: 'fetch.started', package: 'a', bytesTotal: 100 });
    reporter.emit({ type: 'fetch.started', package: 'b' });
    for (let second = 1; second <= 7; second++) {
      io.clock.ms = second * 1000;
      reporter.emit({ type: 'fetch.progress', package: 'a', bytes: second, bytesTotal: 100 });
      reporter.emit({ type: 'fetch.progress', package: 'b', bytes: second });
    }
    reporter.emit({ type: 'fetch.finished', package: 'a', bytes: 100, durationMs: 8000 });
    expect(io.stderr.lines).toEqual(['a: fetched 6 B of 100 B (6%)', 'b: fetched 6 B', 'fetched   a (100 B, 8.0 s)']);
  });

  test('long lines stay one line', () => {
    const io = captured();
    humanReporter(io, flags).emit({ type: 'notice', message: 'word '.repeat(60).trim() });
    expect(io.stderr.lines).toHaveLength(1);
  });
});

describe('on a terminal', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('progress is drawn at most ten times a second, and taken away at the end', () => {
    const io = captured({ terminal });
    const reporter = humanReporter(io, flags);
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
    const reporter = humanReporter(io, flags);
    reporter.emit(started);
    reporter.emit(progress(1));
    vi.advanceTimersByTime(100);
    reporter.fail(new PrestageError('DISK_FULL', 'No space left.'));
    const end = io.stderr.text.slice(io.stderr.text.lastIndexOf(`${ESC}[?25`));
    expect(end).toBe(`${ESC}[?25h${ESC}[1m${ESC}[31merror DISK_FULL${ESC}[39m${ESC}[22m: No space left.\n`);
  });

  test('lines are broken at spaces', () => {
    const io = captured({ terminal: { columns: 30, rows: 24 } });
    humanReporter(io, flags).emit({ type: 'notice', message: 'a sentence that is longer than thirty columns' });
    expect(io.stderr.lines).toEqual(['a sentence that is longer', '  than thirty columns']);
  });

  test.each([
    ['NO_COLOR', { env: { NO_COLOR: '1' }, flags }],
    ['a dumb terminal', { env: { TERM: 'dumb' }, flags }],
    ['--no-color', { env: {}, flags: { ...flags, color: false } }],
    ['--quiet', { env: {}, flags: { ...flags, quiet: true } }],
  ])('nothing is drawn, and no timer runs, where %s says not to', (_, { env, flags }) => {
    const io = captured({ terminal, env });
    const reporter = humanReporter(io, flags);
    reporter.emit(started);
    reporter.emit(progress(50));
    expect(vi.getTimerCount()).toBe(0);
    reporter.emit(published);
    reporter.succeed({ result: {}, output: ['0123'] });
    expect(io.stderr.text).not.toContain(`${ESC}[?25l`);
    expect(io.stdout.text).toBe('0123\n');
  });
});

test('--quiet leaves errors and the result', () => {
  const io = captured();
  const reporter = humanReporter(io, { ...flags, quiet: true });
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
  const reporter = humanReporter(io, { ...flags, quiet: true });
  reporter.emit({ type: 'log', source: 'api-0', line: 'hello' });
  reporter.emit({ type: 'check', name: 'files are prepared', ok: true, durationMs: 3 });
  expect(io.stdout.lines).toEqual(['api-0 | hello', 'ok           3 ms  files are prepared']);
  expect(io.stderr.text).toBe('');
});
