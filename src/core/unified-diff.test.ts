import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lacks } from '../../test/requirements.js';
import { unifiedDiff } from './unified-diff.js';

const lines = (...all: string[]) => `${all.join('\n')}\n`;

describe('what makes one text the other', () => {
  test('is shown with three lines around it', () => {
    const before = lines('1', '2', '3', '4', '5', '6', '7', '8', '9');
    const after = lines('1', '2', '3', '4', 'five', '6', '7', '8', '9');
    expect(unifiedDiff(before, after)).toEqual(['@@ -2,7 +2,7 @@', ' 2', ' 3', ' 4', '-5', '+five', ' 6', ' 7', ' 8']);
  });
  test('is in several hunks where it is far apart', () => {
    const many = Array.from({ length: 20 }, (_, i) => `${i}`);
    const heads = unifiedDiff(lines(...many), lines('first', ...many, 'last')).filter((line) => line.startsWith('@@'));
    expect(heads).toEqual(['@@ -1,3 +1,4 @@', '@@ -18,3 +19,4 @@']);
  });
  test('tells a last line without a line feed', () => {
    expect(unifiedDiff('a', 'a\n')).toEqual(['@@ -1,1 +1,1 @@', '-a', '\\ No newline at end of file', '+a']);
  });
  test('is nothing where they are the same', () => expect(unifiedDiff('a\nb', 'a\nb')).toEqual([]));
});

test.skipIf(lacks('patch'))('GNU patch makes one text of the other by it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'prestage-diff-'));
  const file = join(folder, 'file');
  const text = fc
    .tuple(fc.array(fc.constantFrom('a', 'b', 'c', '', '-', '@@'), { maxLength: 30 }), fc.constantFrom('\n', ''))
    .map(([all, end]) => (all.length === 0 ? '' : all.join('\n') + end));
  try {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const diff = unifiedDiff(before, after);
        fc.pre(diff.length > 0);
        writeFileSync(file, before);
        const input = lines('--- file', '+++ file', ...diff);
        execFileSync('patch', ['-s', '-F0', file], { input, cwd: folder });
        expect(readFileSync(file, 'utf8')).toBe(after);
      }),
      { numRuns: 60, seed: 19 },
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
