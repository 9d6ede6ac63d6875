import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { iso } from '../../../test/archives/iso-builder.js';
import { tar } from '../../../test/archives/tar-builder.js';
import { type Place, place } from '../../../test/archives/unpacked.js';
import { zip } from '../../../test/archives/zip-builder.js';
import type { ArchiveFormat } from './formats.js';
import { recogniseFile, recogniseStart } from './recognise.js';

let where: Place;
beforeEach(() => {
  where = place();
});
afterEach(() => where.remove());

const diskImage = Buffer.concat([Buffer.alloc(1080), Buffer.from([0x53, 0xef]), Buffer.alloc(1990)]);
const small = { name: 'a', content: 'a' };
const script = Buffer.from('#!/bin/sh\nskip=4\nexit 0\n');
const withLongName = (archive: Buffer) => {
  const plain = gzipSync(archive);
  const header = Buffer.from(plain.subarray(0, 10));
  header[3] = 4 | 8; // an extra field and a name, both as long as can be
  const field = Buffer.alloc(65_535, 'e');
  return Buffer.concat([
    header,
    Buffer.from([0xff, 0xff]),
    field,
    Buffer.alloc(60_000, 'n'),
    Buffer.alloc(1),
    plain.subarray(10),
  ]);
};

describe('recognises by content', () => {
  test.each<[string, Buffer, ArchiveFormat | undefined, ArchiveFormat | undefined]>([
    ['a tar', tar(small), 'tar', 'tar'],
    ['a tar of Version 7', tar({ ...small, magic: '' }), 'tar', 'tar'],
    ['an empty tar, which is nothing but zeros, as a file', tar(), undefined, undefined],
    ['an image of a disk, which begins with zeros, as a file', diskImage, undefined, undefined],
    ['a compressed image of a disk as a file', gzipSync(diskImage), undefined, undefined],
    ['a compressed tar', gzipSync(tar(small)), 'tar.gz', 'tar.gz'],
    ['a compressed tar behind the longest gzip header', withLongName(tar(small)), 'tar.gz', 'tar.gz'],
    [
      'a compressed tar whose content does not compress',
      gzipSync(tar({ name: 'a', content: randomBytes(300_000) })),
      'tar.gz',
      'tar.gz',
    ],
    ['a zip', zip([small]), 'zip', 'zip'],
    ['a deb', Buffer.from('!<arch>\ndebian-binary   '), 'deb', 'deb'],
    ['an ar', Buffer.from('!<arch>\nfoo.o/          '), 'ar', 'ar'],
    ['an rpm', Buffer.from('\xed\xab\xee\xdb\x03', 'latin1'), 'rpm', 'rpm'],
    ['a 7z', Buffer.from('7z\xbc\xaf\x27\x1c\0\x04', 'latin1'), '7z', '7z'],
    ['a cpio', Buffer.from(`070701${'0'.repeat(104)}`), 'cpio', 'cpio'],
    ['an old cpio', Buffer.from(`070707${'0'.repeat(70)}`), 'cpio', 'cpio'],
    ['a compressed cpio', gzipSync(`070702${'0'.repeat(104)}`), 'cpio.gz', 'cpio.gz'],
    [
      'an old cpio of numbers',
      Buffer.from('\xc7\x71\0\0\x01\0\xa4\x81\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0a\0', 'latin1'),
      'cpio',
      'cpio',
    ],
    [
      'bytes that start as an old cpio does as a file',
      Buffer.from('\xc7\x71 and something else, which goes on', 'latin1'),
      undefined,
      undefined,
    ],
    ['a number that starts as cpio does as a file', Buffer.from('070701 is a number'), undefined, undefined],
    ['text that starts as bzip2 does as a file', Buffer.from('BZh9 is a word'), undefined, undefined],
    ['a word that starts as skippable frames do as a file', Buffer.from('P*M\x18 hello'), undefined, undefined],
    ['an empty zip', zip([]), 'zip', 'zip'],
    [
      'a zip behind a program, by its end',
      zip([small], { prefix: Buffer.from('#!/bin/sh\nexit 0\n') }),
      undefined,
      'zip',
    ],
    ['a tar behind a script', Buffer.concat([script, tar(small)]), 'tar', 'tar'],
    ['a compressed tar behind a script', Buffer.concat([script, gzipSync(tar(small))]), 'tar.gz', 'tar.gz'],
    [
      'the first tar behind a script, after a compressed program',
      Buffer.concat([script, gzipSync('a program'), Buffer.from('\n'), gzipSync(tar(small))]),
      'tar.gz',
      'tar.gz',
    ],
    [
      'a script with a line that begins as gzip does as a file',
      Buffer.concat([script, Buffer.from('\x1f\x8b\x08 is no gzip\n', 'latin1')]),
      undefined,
      undefined,
    ],
    [
      'a tar behind text that is no script as a file',
      Buffer.concat([Buffer.from('text\n'), tar(small)]),
      undefined,
      undefined,
    ],
    ['a compressed file that is no tar as a file', gzipSync('hello'), undefined, undefined],
    ['an image of a CD', iso([small]), 'iso', 'iso'],
    ['text as a file', Buffer.from('hello '.repeat(1000)), undefined, undefined],
    ['nothing as a file', Buffer.alloc(0), undefined, undefined],
    ['zeros that are no whole blocks as a file', Buffer.alloc(1500), undefined, undefined],
    [
      'text that mentions a signature as a file',
      Buffer.from('text: PK\x05\x06 is at the end of zips'),
      undefined,
      undefined,
    ],
  ])('%s', async (_, content, byStart, byFile) => {
    expect(await recogniseStart(content, 'x')).toBe(byStart);
    expect(await recogniseFile(where.write('x', content))).toBe(byFile);
  });

  test.each([
    ['rar', Buffer.from('Rar!\x1a\x07', 'latin1')],
    ['lha', Buffer.from('\x21\x9c-lh5-rest', 'latin1')],
    ['UDF', Buffer.from(`${'\0'.repeat(32_769)}BEA01${'\0'.repeat(2043)}NSR03`, 'latin1')],
    ['High Sierra', Buffer.from(`${'\0'.repeat(32_777)}CDROM`, 'latin1')],
    ['raw CD', Buffer.from(`\0${'\xff'.repeat(10)}\0`, 'latin1')],
    ['thin ar', Buffer.from('!<thin>\n')],
  ])(
    'an archive in the format %s, which is not supported, instead of keeping it as a file unasked',
    async (format, content) => {
      await expect(recogniseStart(content, 'x')).rejects.toMatchObject({
        code: 'ARCHIVE_UNSUPPORTED',
        message: expect.stringContaining(format),
        hint: expect.stringContaining('extract: false'),
      });
    },
  );

  test('a script of nothing but starts of archives is soon given up', async () => {
    const many = Buffer.concat([script, Buffer.from('\x1f\x8b\x08\0\n'.repeat(200_000), 'latin1')]);
    expect(await recogniseStart(many, 'x')).toBeUndefined();
  });

  test('gzip that is damaged where a tar would show', async () => {
    const damaged = gzipSync(randomBytes(5000));
    damaged.fill(0xff, 10, 40);
    await expect(recogniseStart(damaged, 'x')).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
    await expect(recogniseStart(gzipSync(tar(small)).subarray(0, -20), 'x')).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
    });
  });
});
