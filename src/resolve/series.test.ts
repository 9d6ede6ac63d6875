import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folderWith } from '../../test/folder-with.js';
import { expandPatches, parseSeries } from './series.js';

test('reads a quilt series: order, comments, options, CRLF', () => {
  const text = '# my patches\n\n20-b.patch\n10-a.patch -p0\r\n  sub/c.patch   -p2 # why\nd.patch -pab\ne#1.patch';
  expect(parseSeries(text)).toEqual({
    patches: [
      { path: '20-b.patch', strip: undefined },
      { path: '10-a.patch', strip: 0 },
      { path: 'sub/c.patch', strip: 2 },
      { path: 'd.patch', strip: 1 },
      { path: 'e#1.patch', strip: undefined },
    ],
  });
});

test.each([
  ['a reversed patch', 'a.patch\nb.patch -R\n', 'the option -R on line 2'],
  ['no patch', '# nothing\n', 'no patch'],
])('refuses a series with %s', (_, text, fault) => {
  expect(parseSeries(text)).toEqual({ patches: [], fault });
});

test('reads a series with CRLF after comments and options, as Windows writes it', () => {
  expect(parseSeries('# c\r\nok.patch\r\n\r\np0.patch -p0 # why\r\n')).toEqual({
    patches: [
      { path: 'ok.patch', strip: undefined },
      { path: 'p0.patch', strip: 0 },
    ],
  });
});

test('a series file, its folder, and the patches themselves are the same patches', async () => {
  const folder = await folderWith({
    'patches/series': 'b.patch\na.patch -p0\n',
    'patches/a.patch': '',
    'patches/b.patch': '',
  });
  const at = (path: string) => join(folder, 'patches', path);
  const expected = {
    patches: [
      { path: at('b.patch'), strip: undefined },
      { path: at('a.patch'), strip: 0 },
    ],
  };
  expect(await expandPatches(at('series'))).toEqual(expected);
  expect(await expandPatches(join(folder, 'patches'))).toEqual(expected);
  expect(await expandPatches(at('a.patch'))).toEqual({ patches: [{ path: at('a.patch'), strip: undefined }] });
});

test('a folder without a series file is an error', async () => {
  await expect(expandPatches(await folderWith({ 'a.patch': '' }))).rejects.toMatchObject({ code: 'ENOENT' });
});
