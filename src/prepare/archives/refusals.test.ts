import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { ar, cpio, deb, rpm } from '../../../test/archives/cpio-builder.js';
import { iso } from '../../../test/archives/iso-builder.js';
import { tar } from '../../../test/archives/tar-builder.js';
import { place, unpack } from '../../../test/archives/unpacked.js';
import { zip } from '../../../test/archives/zip-builder.js';

/** Every rule, in every format that can break it: the code, the reason, and nothing outside of the tree. */

interface Entry {
  name: string;
  content?: string;
  /** A symbolic link's target. */
  link?: string;
  folder?: true;
  /** A device, a pipe, a socket. */
  special?: 'device' | 'block' | 'pipe' | 'socket';
}

const TYPES = { device: 0o020644, block: 0o060644, pipe: 0o010644, socket: 0o140644 };

function mode({ link, folder, special }: Entry): number {
  if (special) return TYPES[special];
  if (folder) return 0o040755;
  return link === undefined ? 0o100644 : 0o120777;
}

const tarOf = (entries: readonly Entry[]) =>
  tar(
    ...entries.map(({ name, content = '', link, folder, special }) => {
      if (special) return { name, type: { device: '3', block: '4', pipe: '6', socket: '0' }[special] };
      if (folder) return { name: `${name}/`, type: '5' };
      return link === undefined ? { name, content } : { name, type: '2', link };
    }),
  );
const items = (entries: readonly Entry[]) =>
  entries.map((entry) => ({ name: entry.name, content: entry.link ?? entry.content ?? '', mode: mode(entry) }));

/** What makes an archive of entries, and what it cannot hold. */
const FORMATS: Record<
  string,
  {
    pack: (entries: readonly Entry[]) => Buffer;
    lacks?: (entry: Entry) => boolean;
    /** Where another rule comes first. */
    reasons?: Record<string, unknown>;
  }
> = {
  tar: { pack: tarOf, lacks: ({ special }) => special === 'socket' },
  'tar.gz': { pack: (entries) => gzipSync(tarOf(entries)), lacks: ({ special }) => special === 'socket' },
  zip: {
    pack: (entries) =>
      zip(
        entries.map((entry) => ({
          name: entry.folder ? `${entry.name}/` : entry.name,
          content: entry.link ?? entry.content ?? '',
          unixMode: mode(entry),
        })),
      ),
    // The mode of a pipe is that of a file which was packed from standard input.
    lacks: ({ special }) => special === 'pipe',
  },
  'cpio (newc)': { pack: (entries) => cpio(items(entries)) },
  'cpio (crc)': { pack: (entries) => cpio(items(entries), 'crc') },
  'cpio (odc)': { pack: (entries) => cpio(items(entries), 'odc') },
  ar: {
    pack: (entries) => ar(entries),
    lacks: ({ link, folder, special }) => Boolean(link !== undefined || folder || special),
  },
  deb: { pack: (entries) => deb(tarOf(entries)), lacks: ({ special }) => special === 'socket' },
  rpm: { pack: (entries) => rpm(gzipSync(cpio(items(entries)))) },
  iso: {
    pack: (entries) => iso(entries.map((entry) => ({ ...entry, mode: mode(entry) }))),
    lacks: ({ name }) => name.startsWith('/'),
    // Each folder of a path is an entry, which may come before the link.
    reasons: { 'through-link': expect.stringMatching(/^(through-link|replaces)$/) },
  },
};

/** The first bytes that show what an image is. */
const SHOWN_BY: Record<string, number> = { iso: 32_774 };
/** Read at random, so not in pieces. */
const FILE_FORMATS = ['zip', 'iso'];

const file = (name: string, content = 'evil'): Entry => ({ name, content });
const link = (name: string, target: string): Entry => ({ name, link: target });
const folder = (name: string): Entry => ({ name, folder: true });

const RULES: [reason: string, what: string, entries: Entry[]][] = [
  ['path-upwards', 'a path upwards (Zip Slip; Python, CVE-2007-4559)', [file('../beside/victim')]],
  ['path-upwards', 'a path upwards that would stay inside (tar, CVE-2016-6321)', [file('a/../b')]],
  ['path-absolute', 'an absolute path', [file('/tmp/prestage-escaped')]],
  ['path-drive', 'a drive letter', [file('C:/Windows/x')]],
  ['path-backslash', 'backslashes upwards', [file('..\\beside\\victim')]],
  ['path-backslash', 'a UNC path', [file('\\\\server\\share\\x')]],
  ['path-control', 'a newline in a name', [file('a\nb')]],
  ['path-control', 'an escape in a name', [file('a\x1b[2J')]],
  ['path-control', 'dots around a control character (unzip, CVE-2003-0282)', [file('.\x01./beside/victim')]],
  ['duplicate', 'a path twice', [file('a', '1'), file('b'), file('a', '2')]],
  ['collision', 'names that differ in case', [file('conf/App'), file('conf/app')]],
  ['collision', 'names that differ in Unicode form', [file('caf\u00e9'), file('cafe\u0301')]],
  ['collision', 'folders that differ in case', [file('Conf/a'), file('conf/b')]],
  [
    'through-link',
    'a write through a link (cpio, CVE-2015-1197; decompress, CVE-2020-12265)',
    [link('l', '../beside'), file('l/victim')],
  ],
  ['through-link', 'a write through a link that stays inside', [file('d/x'), link('l', 'd'), file('l/y')]],
  ['through-link', 'a write through a chain of links', [folder('d'), link('a', 'd'), link('b', 'a'), file('b/x')]],
  ['through-link', 'a link below a link', [link('a', '.'), link('a/b', '..'), file('a/b/beside/victim')]],
  ['through-link', 'a file below a file', [file('a'), file('a/b')]],
  [
    'replaces',
    'a link in the place of a folder (node-tar, CVE-2021-37701)',
    [folder('d'), link('d', '../beside'), file('d/victim')],
  ],
  ['replaces', 'a folder in the place of a link (node-tar, CVE-2021-32803)', [link('d', '../beside'), folder('d')]],
  ['link-absolute', 'an absolute link', [link('l', '/etc')]],
  ['link-escape', 'a link out', [link('l', '../beside')]],
  ['link-escape', 'a link out from below', [link('a/b/l', '../../../beside')]],
  [
    'link-escape',
    'a link out by way of another (Python, CVE-2025-4517)',
    [folder('a/b'), link('a/b/up', '../..'), link('l', 'a/b/up/../beside')],
  ],
  ['link-escape', 'a link whose way out comes later', [link('a', 'b/../../beside'), folder('b')]],
  ['link-circle', 'links in a circle', [link('a', 'b'), link('b', 'a')]],
  ['link-target', 'a link with a newline in its target', [link('a', 'b\nc')]],
  ['link-target', 'a link to a drive', [link('a', 'C:/x')]],
  ['link-target', 'a link with a backslash', [link('a', '..\\beside')]],
  ['special-file', 'a character device', [{ name: 'null', special: 'device' }]],
  ['special-file', 'a block device', [{ name: 'sda', special: 'block' }]],
  ['special-file', 'a named pipe', [{ name: 'pipe', special: 'pipe' }]],
  ['special-file', 'a socket', [{ name: 'socket', special: 'socket' }]],
  ['path-length', 'a name of more than 255 bytes', [file('n'.repeat(256))]],
];

/** A tar's header has room for 100 bytes of a name. */
const tooLong = (format: string, entries: readonly Entry[]) =>
  /tar|deb/.test(format) && entries.some(({ name }) => Buffer.byteLength(name) > 100);

describe.each(Object.entries(FORMATS))('%s refuses', (format, { pack, lacks, reasons }) => {
  const possible = RULES.filter(
    ([, , entries]) => !entries.some((entry) => lacks?.(entry)) && !tooLong(format, entries),
  );
  test.each(possible)('%s: %s', async (reason, _, entries) => {
    const archive = pack(entries);
    for (const chunkBytes of FILE_FORMATS.includes(format) ? [undefined] : [undefined, 100]) {
      const where = place();
      await expect(unpack(where, archive, chunkBytes === undefined ? {} : { chunkBytes })).rejects.toMatchObject({
        code: 'ARCHIVE_UNSAFE',
        hint: expect.stringMatching(/\S/),
        context: { reason: reasons?.[reason] ?? reason, file: 'archive' },
      });
      expect(where.outside()).toEqual(['victim', 'untouched']);
      where.remove();
    }
  });

  const whole = pack([file('a', 'some content'), file('b/c', 'more content')]);

  test('an archive that is cut off anywhere', async () => {
    // A tar shows what it is by its first block, and is whole without its last one; an ar may end after any member.
    const [start, end] = format === 'tar' ? [600, whole.length - 1024] : [SHOWN_BY[format] ?? 150, whole.length - 1];
    for (let length = start; length < end; length += Math.max(41, Math.ceil((end - start) / 100))) {
      const where = place();
      await expect(unpack(where, whole.subarray(0, length))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
      where.remove();
    }
  });

  test('an archive with something after its end', async () => {
    const where = place();
    const trailing = unpack(where, Buffer.concat([whole, Buffer.from('#!/bin/sh\nexec evil\n')]));
    await expect(trailing).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
    where.remove();
  });

  test('more entries than allowed, more depth, longer names', async () => {
    for (const limits of [{ count: 1 }, { depth: 1 }, { size: 15 }]) {
      const where = place();
      const [reason] = Object.keys(limits);
      await expect(unpack(where, whole, { limits })).rejects.toMatchObject({
        code: 'ARCHIVE_LIMIT',
        context: { reason },
      });
      where.remove();
    }
  });
});
