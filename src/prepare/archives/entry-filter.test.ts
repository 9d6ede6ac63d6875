import { expect, test } from 'vitest';
import { EntryFilter, type Selection } from './entry-filter.js';

const places = (selection: Partial<Selection>, ...names: string[]) => {
  const filter = new EntryFilter('a.tar', { strip: 0, ...selection });
  return { placed: names.map((name) => filter.place(name)), filter };
};

test.each<[string, Partial<Selection>, Record<string, string | undefined>]>([
  ['nothing but what is redundant in a path', {}, { './a//b/': 'a/b', a: 'a', './': undefined }],
  ['leading names', { strip: 2 }, { 'a/b/c/d': 'c/d', 'a/b/c': 'c', 'a/b': undefined, a: undefined }],
  [
    'what no pattern includes',
    { include: ['bin/**', '*.md'] },
    { 'bin/x/y': 'bin/x/y', bin: 'bin', 'a.md': 'a.md', 'x/a.md': undefined, lib: undefined },
  ],
  [
    'what a pattern excludes',
    { exclude: ['docs/**', '**/*.bak'] },
    { 'docs/x': undefined, 'a/b.bak': undefined, 'b.bak': undefined, a: 'a' },
  ],
  [
    'what is excluded though it is included',
    { include: ['a/**'], exclude: ['a/b'] },
    { 'a/c': 'a/c', 'a/b': undefined },
  ],
  [
    'all that is in an excluded folder',
    { exclude: ['docs'] },
    { 'docs/x/y': undefined, docs: undefined, docsX: 'docsX' },
  ],
  ['all that is not in an included folder', { include: ['docs'] }, { 'docs/x/y': 'docs/x/y', docsX: undefined }],
  ['hidden files like others', { include: ['*'] }, { '.env': '.env', '.d/x': '.d/x' }],
  ['by paths after the leading names', { strip: 1, include: ['bin/*'] }, { 'p/bin/x': 'bin/x', 'bin/x': undefined }],
])('leaves out %s', (_, selection, expected) => {
  expect(places(selection, ...Object.keys(expected)).placed).toEqual(Object.values(expected));
});

test('complains of a pattern that matched nothing, and only of such', () => {
  const { filter } = places({ include: ['a/**', 'b'], exclude: ['a/x', '**/x'] }, 'a/x', 'b');
  expect(() => filter.checkAllUsed()).not.toThrow();
  const unused = places({ include: ['a/**'], exclude: ['nothing/**'] }, 'a/x').filter;
  expect(() => unused.checkAllUsed()).toThrow(
    expect.objectContaining({ code: 'STEP_FILE_MISSING', message: expect.stringContaining('nothing/**') }),
  );
});

test.each(['/a', '../a', 'a/..', 'a/../b', '..'])('refuses %s, whatever would be stripped of it', (name) => {
  expect(() => places({ strip: 3 }, name)).toThrow(expect.objectContaining({ code: 'ARCHIVE_UNSAFE' }));
});
