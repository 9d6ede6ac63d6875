import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { TreeEntry } from '../../store/index.js';
import { fileChanges, fileListOf } from './file-list.js';
import type { TreeTrace } from './trace.js';

const file = (sha = 'a', mode = 0o644): TreeEntry => ({ type: 'file', mode, size: 7, sha256: sha.repeat(64) });
const about = { package: 'app', destination: 'opt/app', source: 'app.tar.gz', hasSteps: true };

const step = (number: number, files: [string, 'added' | 'changed' | 'removed' | 'mode'][], more = 0) => ({
  type: 'package.changed' as const,
  time: '',
  package: 'app',
  step: number,
  files: files.map(([path, change]) => ({ path, change })),
  more,
});

test('a list has a number for each file and link, and folders are in their paths', () => {
  const entries = new Map<string, TreeEntry>([
    ['bin', { type: 'dir', mode: 0o755 }],
    ['bin/run', file('a', 0o755)],
    ['bin/runner', file('b')],
    ['link', { type: 'link', target: 'bin/run' }],
  ]);
  expect(fileListOf(about, entries, undefined)).toEqual({
    package: 'app',
    destination: 'opt/app',
    source: 'app.tar.gz',
    shared: [0, 7, 0],
    rest: ['bin/run', 'ner', 'link'],
    sizes: [7, 7, 0],
    digests: `${'a'.repeat(16)}${'b'.repeat(16)}${' '.repeat(16)}`,
    modes: { 0: '755' },
    links: { 2: 'bin/run' },
    addedBy: {},
    changedBy: {},
    unnamed: [],
    traced: false,
  });
});

test('paths can be read from it again, whatever is in them', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ minLength: 1 })), (paths) => {
      const { shared, rest } = fileListOf(about, new Map(paths.map((path) => [path, file()])), undefined);
      let last = '';
      const read = rest.map((end, i) => {
        last = last.slice(0, shared[i]) + end;
        return last;
      });
      expect(read).toEqual(paths);
    }),
  );
});

test('a file comes from the last step that added it, and has been changed by those after that', () => {
  const trace: TreeTrace = {
    steps: [
      step(1, [
        ['a', 'changed'],
        ['b', 'added'],
        ['c', 'removed'],
      ]),
      step(
        2,
        [
          ['a', 'mode'],
          ['b', 'changed'],
          ['c', 'added'],
        ],
        12,
      ),
    ],
  };
  const list = fileListOf(about, new Map(['a', 'b', 'c', 'd'].map((path) => [path, file()])), trace);
  expect(list).toMatchObject({ addedBy: { 1: 1, 2: 2 }, changedBy: { 0: [1, 2], 1: [2] }, unnamed: [2], traced: true });
  expect(Object.keys(list.changedBy)).toEqual(['0', '1']);
});

test('two trees differ in files, by what is in them or how', () => {
  const before = new Map<string, TreeEntry>([
    ['same', file()],
    ['gone', file()],
    ['mode', file()],
    ['x', { type: 'dir', mode: 0o755 }],
  ]);
  const after = new Map<string, TreeEntry>([
    ['same', file()],
    ['new', file()],
    ['mode', file('a', 0o755)],
    ['x', file()],
  ]);
  expect(fileChanges(before, after)).toEqual({
    added: ['new', 'x'],
    removed: ['gone'],
    changed: ['mode'],
    modes: [{ path: 'mode', before: '644', after: '755', only: true }],
  });
});
