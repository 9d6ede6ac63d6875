import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PrestageError } from '../../../core/errors.js';
import { applyHunks } from './apply-hunks.js';
import { parsePatch } from './parse.js';
import { splitLines } from './patch-lines.js';

const lines = fc.constantFrom(
  ...[
    '--- a/x',
    '+++ b/x',
    '@@ -1,2 +1,2 @@',
    '@@ -0,0 +1 @@',
    ' a',
    '-b',
    '+c',
    '',
    '\\ No newline',
    'diff --git a/x b/x',
    'new file mode 100755',
  ],
  ...[
    'rename from x',
    'rename to y',
    'Index: x',
    '--- "a\\303',
    '+++ /dev/null',
    'index 0..e69de29',
    '\t',
    'text',
    'X @@ -1 +1 @@',
    '=z',
  ],
);

describe('parsing a patch', () => {
  test('gives parts or says what is wrong in which line, whatever the bytes', () => {
    const text = fc.array(lines, { maxLength: 30 }).map((all) => Buffer.from(all.join('\n'), 'latin1'));
    fc.assert(
      fc.property(
        fc.oneof(
          text,
          fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
        ),
        (content) => {
          try {
            for (const part of parsePatch(content, 'p', 1)) expect(part.line).toBeGreaterThan(0);
          } catch (error) {
            expect(error).toBeInstanceOf(PrestageError);
            expect(error).toMatchObject({ code: 'PATCH_INVALID', context: { file: 'p', line: expect.any(Number) } });
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test('takes no time to go to a line that no file has, which it once counted to', () => {
    const [part] = parsePatch(Buffer.from('--- a/x\n+++ b/x\n@@ -9007199254740990,0 +1 @@\n+b\n'), 'p', 1);
    expect(applyHunks(part?.hunks ?? [], ['a\n'], 0)).toMatchObject({ lines: ['a\n', 'b\n'] });
  });

  test('finds its lines again, byte for byte', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('\n', '\r', 'a') }), (text) => {
        expect(splitLines(text).join('')).toBe(text);
      }),
    );
  });
});
