import { expect, test } from 'vitest';
import { PrestageError } from '../../../core/errors.js';
import type { PrestageEvent } from '../../../core/events.js';
import { errorBlock } from '../error-block.js';
import { eventLines } from '../event-lines.js';
import { table } from '../tables/table.js';
import { jsonLine, shown, shownLines } from './shown.js';
import { plainStyle } from './style.js';

const NAME = 'esc\u001b[31mred\nx\u202e';
const SHOWN = 'esc\\x1b[31mred\\nx\\u202e';

test('text keeps what is no control character', () => {
  expect(shown('Größe 12 µm → "x" \u009b\u0000\u007f')).toBe('Größe 12 µm → "x" \\x9b\\x00\\x7f');
  expect(shownLines('a\n\tb\r')).toBe('a\n\tb\\r');
});

test('an error shows the control characters of what it names, and leaves those of a log', () => {
  const error = new PrestageError('ARCHIVE_INVALID', 'It is at \u001b[2J.', {
    hint: 'Look at \u001b[2J.',
    context: { path: NAME, file: NAME, line: 2, found: 'a\n\u001b[2J', other: [NAME, 'b'], log: ['\u001b[1mlog'] },
  });
  expect(errorBlock(error, { style: plainStyle, width: 100, verbose: false })).toEqual([
    'error ARCHIVE_INVALID: It is at \\x1b[2J.',
    `  file: ${SHOWN}:2`,
    '  found:',
    '    a',
    '    \\x1b[2J',
    `  other: ${SHOWN}, b`,
    '  | \u001b[1mlog',
    '  Look at \\x1b[2J.',
  ]);
});

test.each<[PrestageEvent, string]>([
  [{ type: 'source.locked', source: NAME, sha256: 'a'.repeat(64) }, `locked    ${SHOWN} sha256:aaaaaaaaaaaaaaaa`],
  [{ type: 'warning', message: 'of \u001b[2J' }, 'warning: of \\x1b[2J'],
  [{ type: 'log', source: 'api', line: '\u001b[1mbold' }, 'api | \u001b[1mbold'],
])('an event shows control characters: $type', (event, line) => {
  expect(eventLines(event, { style: plainStyle, verbose: false })).toEqual([line]);
});

test('a line of JSON has no character that ends a line or controls a terminal, and says the same', () => {
  const value = { path: `a\u0085b\u009b31m\u007f\u2028\u2029\u202e\u001b\n "\u00a0" Größe`, list: ['\u0080'] };
  const line = jsonLine(value);
  expect(line).not.toMatch(/[\p{Cc}\u2028-\u202e]/u);
  expect(line).toContain('Größe');
  expect(JSON.parse(line)).toEqual(value);
});

test('what caused an error shows control characters too', () => {
  const error = new PrestageError('INTERNAL', 'It failed.', { cause: new Error('of \u009b2J\u2028x') });
  const lines = errorBlock(error, { style: plainStyle, width: 100, verbose: true }).join('\n');
  expect(lines).toContain('of \\x9b2J\\u2028x');
});

test('a table shows control characters', () => {
  expect(table(['path'], [[NAME]])).toEqual(['PATH', SHOWN]);
});
