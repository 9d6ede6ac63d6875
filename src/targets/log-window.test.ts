import { describe, expect, test } from 'vitest';
import { type LogWindow, timeOf, WindowedLines } from './log-window.js';

const shown = (window: LogWindow, lines: readonly string[]) => {
  const windowed = new WindowedLines(window, 'UTC');
  for (const line of lines) windowed.add(line);
  return windowed.lines();
};

const at = (minute: number, text: string) => `2026-11-24T10:${String(minute).padStart(2, '0')}:00.000Z ${text}`;
const since = Date.parse('2026-11-24T10:10:00Z');

describe('of a log', () => {
  test.each([
    [3, ['a', 'b', 'c', 'd'], ['b', 'c', 'd']],
    [9, ['a', 'b'], ['a', 'b']],
    [0, ['a', 'b'], []],
  ])('the last %d lines of %j are %j', (tail, lines, expected) => expect(shown({ tail }, lines)).toEqual(expected));

  test('the last lines of very many are the last ones', () => {
    const lines = Array.from({ length: 10_000 }, (_, i) => `line ${i}`);
    expect(shown({ tail: 2 }, lines)).toEqual(['line 9998', 'line 9999']);
  });

  test.each([
    ['what says a later time', [at(9, 'old'), at(10, 'new'), at(11, 'newer')], [at(10, 'new'), at(11, 'newer')]],
    [
      'what follows without a time',
      [at(9, 'old'), '  at x', at(11, 'new'), '  at y'],
      ['  at x', at(11, 'new'), '  at y'],
    ],
    ['all, where nothing says a time', ['a', 'b'], ['a', 'b']],
    ['nothing, where the last line says an earlier time', ['a', at(9, 'old')], []],
  ])('since a time shows %s', (_, lines, expected) => expect(shown({ since }, lines)).toEqual(expected));

  test('both: the last of those that are young', () => {
    expect(shown({ since, tail: 1 }, [at(9, 'old'), at(10, 'a'), at(11, 'b')])).toEqual([at(11, 'b')]);
  });
});

test.each([
  ['2026-11-24T10:10:00.123Z text', '2026-11-24T10:10:00.123Z'],
  ['2026-11-24 10:10:00,123 INFO', '2026-11-24T10:10:00.123Z'],
  ['2026-11-24 10:10:00.123 UTC [17] LOG', '2026-11-24T10:10:00.123Z'],
  ['[2026-11-24T10:10:00+0200] text', '2026-11-24T08:10:00.000Z'],
  ['[prestage] 2026-11-24T10:10:00Z run: x', '2026-11-24T10:10:00.000Z'],
  ['2026-11-24 10:10:00-05:00 text', '2026-11-24T15:10:00.000Z'],
  ['2026-13-24 10:10:00 text', undefined],
  ['at 2026-11-24 10:10:00', undefined],
  ['listening on 8080', undefined],
])('%s is of %s', (line, time) => expect(timeOf(line, 'UTC')).toBe(time && Date.parse(time)));

test('a time without a zone is of the machine that wrote it', () => {
  expect(timeOf('2026-11-24 10:10:00 x', 'local')).toBe(new Date(2026, 10, 24, 10, 10).getTime());
});
