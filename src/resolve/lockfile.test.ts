import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { folderWith } from '../../test/folder-with.js';
import { sha256 } from '../core/digest.js';
import { lockfileText, readLockfile } from './lockfile.js';

const digest = sha256('x');

test('is text for people and for diffs: sorted, indented, with a line feed at the end', () => {
  const text = lockfileText({
    'https://b': { version: '"etag"', size: 2, sha256: digest },
    'a.jar': { sha256: digest, size: 1 },
  });
  expect(text).toBe(`{
  "version": 1,
  "sources": {
    "a.jar": {
      "sha256": "${digest}",
      "size": 1
    },
    "https://b": {
      "sha256": "${digest}",
      "size": 2,
      "version": "\\"etag\\""
    }
  }
}
`);
});

test('is read back as it was written', async () => {
  const source = fc.record(
    { sha256: fc.constant(digest), size: fc.nat(), version: fc.string() },
    { requiredKeys: ['sha256', 'size'] },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(
        fc.string().filter((name) => name !== '__proto__'),
        source,
        { noNullPrototype: true },
      ),
      async (sources) => {
        const path = join(await folderWith({ 'prestage.lock': lockfileText(sources) }), 'prestage.lock');
        expect((await readLockfile(path)).sources).toEqual(sources);
      },
    ),
    { numRuns: 30 },
  );
});

test('is empty where there is none', async () => {
  expect(await readLockfile(join(await folderWith(), 'prestage.lock'))).toEqual({ text: '', sources: {} });
});

test('is refused where it is a folder', async () => {
  const path = join(await folderWith({ 'prestage.lock/x': '' }), 'prestage.lock');
  await expect(readLockfile(path)).rejects.toMatchObject({
    code: 'LOCKFILE_INVALID',
    message: `${path}: the lockfile cannot be read: it is a folder`,
    context: { file: path },
  });
});

test.each<[string, string, number, string]>([
  ['damaged', '{\n  "version": 1,\n', 3, 'not valid JSON: property name expected'],
  ['empty', '', 1, 'not valid JSON: value expected'],
  ['in a merge conflict', '{\n<<<<<<< HEAD\n', 2, 'it has the marks of a merge conflict'],
  ['newer', '{\n  "version": 2, "sources": {}}', 2, 'it has the format 2, and this Prestage reads 1'],
  [
    'without a digest',
    '{"version": 1, "sources": {\n"a": {"size": 1}}}',
    2,
    'sources.a.sha256: expected a SHA-256 in 64 lower-case hex digits',
  ],
  [
    'with a bad digest',
    '{"version": 1, "sources": {"a": {\n"sha256": "XY",\n"size": 1}}}',
    2,
    'sources.a.sha256: expected a SHA-256 in 64 lower-case hex digits',
  ],
])('is refused where it is %s, with the line', async (_, text, line, fault) => {
  const path = join(await folderWith({ 'prestage.lock': text }), 'prestage.lock');
  await expect(readLockfile(path)).rejects.toMatchObject({
    code: 'LOCKFILE_INVALID',
    message: `${path}:${line}: the lockfile cannot be read: ${fault}`,
    context: { file: path, line },
  });
});
