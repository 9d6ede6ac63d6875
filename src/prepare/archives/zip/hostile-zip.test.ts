import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  entriesOf,
  expectUntouched,
  listing,
  type Place,
  place,
  refusal,
  unpack,
} from '../../../../test/archives/unpacked.js';
import { DESCRIPTOR, descriptor, UTF8, type ZipItem, zip } from '../../../../test/archives/zip-builder.js';
import { measureArchive } from '../index.js';

let where: Place;
beforeEach(() => {
  where = place();
});
afterEach(() => {
  expectUntouched(where);
  where.remove();
});

async function expectRefusal(archive: Buffer, code: string, says: string): Promise<void> {
  await expect(unpack(where, archive, { name: 'evil.zip' })).rejects.toEqual(refusal('evil.zip', code, says));
}

const file = (name: string, content = 'evil'): ZipItem => ({ name, content });
const link = (name: string, target: string): ZipItem => ({ name, content: target, unixMode: 0o120777 });
const long = 'long '.repeat(1000);

describe('refuses as unsafe', () => {
  test.each<[string, ZipItem[], string]>([
    ['a path upwards (Zip Slip)', [file('../beside/victim')], 'upwards'],
    [
      'a path upwards in the middle (adm-zip, CVE-2018-1002204; unzipper, CVE-2018-1002203)',
      [file('a/../../beside/victim')],
      'upwards',
    ],
    ['an absolute path', [file('/tmp/prestage-escaped')], 'absolute'],
    ['a drive letter', [file('C:/x')], 'drive'],
    ['backslashes upwards, from Windows', [file('..\\beside\\victim')], 'upwards'],
    ['backslashes upwards, from Unix', [{ ...file('..\\beside\\victim'), unixMode: 0o100644 }], 'backslash'],
    ['a backslash without a slash, from Unix', [{ ...file('a\\b'), unixMode: 0o100644 }], 'backslash'],
    ['backslashes from macOS', [{ ...file('a\\b'), host: 19 }], 'backslash'],
    ['backslashes beside slashes, from Windows', [file('a\\b'), file('c/d')], 'backslash'],
    ['a UNC path, from Windows', [file('\\\\server\\share\\x')], 'absolute'],
    ['a UNC path, from Unix', [{ ...file('\\\\server\\share\\x'), unixMode: 0o100644 }], 'backslash'],
    ['a NUL in a name', [file('a\0.txt')], 'control'],
    ['a newline in a name', [file('a\nb')], 'control'],
    ['a last name that looks like a zip64 locator', [file(`PK\x06\x07${'n'.repeat(16)}`)], 'control'],
    [
      'a write through a link (decompress, CVE-2020-12265)',
      [link('l', '../beside'), file('l/victim')],
      'leads through',
    ],
    ['a link out (extract-zip, CVE-2026-56876)', [link('l', '../../../etc/passwd')], 'leaves the tree'],
    ['a link to something beside the tree', [link('l', '../beside/victim')], 'leaves the tree'],
    ['an absolute link', [link('l', '/etc/passwd')], 'absolute'],
    ['a link whose target is not text', [{ ...link('l', ''), content: Buffer.from([0xff, 0xfe]) }], 'no path'],
    ['a link that replaces a file', [file('x'), link('x', 'y')], 'twice'],
    [
      'a file over a link out of the same name (decompress, CVE-2026-10732)',
      [link('x', '../beside/victim'), file('x')],
      'twice',
    ],
    ['a path twice', [file('x', '1'), file('x', '2')], 'twice'],
    ['two names that differ in case', [file('README'), file('Readme')], 'differ only'],
    ['a device', [{ ...file('null'), unixMode: 0o020666 }], 'device'],
    ['a socket', [{ ...file('socket'), unixMode: 0o140666 }], 'device'],
    [
      'a name of Info-ZIP’s field upwards',
      [
        { ...file('x'), extra: unicodePath('x\u0080', '..'), name: 'x' },
        { name: Buffer.from('x\x80', 'latin1'), flags: 0, extra: unicodePath(Buffer.from('x\x80', 'latin1'), '../é') },
      ],
      'upwards',
    ],
  ])('%s', async (_, items, says) => {
    await expectRefusal(zip(items), 'ARCHIVE_UNSAFE', says);
  });
});

describe('refuses as invalid', () => {
  test.each<[string, Buffer, string]>([
    ['a local header with another name', zip([{ ...file('good'), local: { name: 'evil' } }]), 'another name'],
    ['a local header with another method', zip([{ ...file('a'), local: { method: 8 } }]), 'another compression'],
    ['a local header with another size', zip([{ ...file('a'), local: { size: 5 } }]), 'another size'],
    [
      'a local header with another compressed size',
      zip([{ ...file('a'), local: { compressedSize: 5 } }]),
      'another size',
    ],
    ['a local header with another checksum', zip([{ ...file('a'), local: { crc: 5 } }]), 'another checksum'],
    ['a local header that is encrypted', zip([{ ...file('a'), local: { flags: UTF8 | 1 } }]), 'one of its headers'],
    ['no local header', zip([file('b'), { ...file('a'), offset: 40 }]), 'overlaps'],
    [
      'a data descriptor that differs',
      zip([{ ...file('a'), flags: UTF8 | DESCRIPTOR, descriptor: descriptor(file('b', 'other')) }]),
      'data descriptor',
    ],
    [
      'a data descriptor that is not there',
      zip([{ ...file('a'), flags: UTF8 | DESCRIPTOR, local: { crc: 0, size: 0, compressedSize: 0 } }]),
      'data descriptor',
    ],
    [
      'a Unicode field in the local header that is about another name',
      zip([{ name: Buffer.from([0x81]), flags: 0, extra: unicodePath('x', '日本') }]),
      'another name',
    ],
    [
      'another name in the local header’s Unicode field',
      zip([{ ...file('x'), flags: 0, local: { extra: unicodePath('x', 'y') } }]),
      'another name',
    ],
    [
      'another name in the second Unicode field of the local header',
      zip([{ ...file('x'), local: { extra: Buffer.concat([unicodePath('x', 'x'), unicodePath('x', 'y')]) } }]),
      'another name',
    ],
    [
      'two Unicode fields that differ',
      zip([{ ...file('x'), flags: 0, extra: Buffer.concat([unicodePath('x', 'y'), unicodePath('x', 'z')]) }]),
      'two that differ',
    ],
    [
      'an entry that the directory does not have',
      zip([{ ...file('a') }, file('b')], { beforeDirectory: localHeader() }),
      'not in the directory',
    ],
    [
      'an entry before the first one',
      zip([file('a')], { prefix: localHeader(), absolute: true }),
      'not in its directory',
    ],
    ['an archive before it', zip([file('a')], { prefix: zip([file('b')]) }), 'not in its directory'],
    [
      'an archive before it, behind a script (7-Zip sees that one)',
      zip([file('a')], { prefix: Buffer.concat([Buffer.from('#!/bin/sh\n'), zip([file('b')])]) }),
      'not in its directory',
    ],
    [
      'an archive before it with an extra field that is broken (7-Zip sees that one)',
      zip([file('a')], {
        prefix: Buffer.concat([
          Buffer.from('#!/bin/sh\n'),
          zip([{ ...file('b'), extra: Buffer.from('990004000000', 'hex') }]),
        ]),
      }),
      'not in its directory',
    ],
    [
      'an entry before the first one, behind the mark of a part (bsdtar sees it)',
      zip([{ ...file('a'), gap: localHeader() }], { prefix: Buffer.from('PK\x07\x08'), zip64: true }),
      'not in its directory',
    ],
    [
      'an entry behind a folder, that the directory does not have',
      zip([{ name: 'd/', descriptor: localHeader() }, file('a')]),
      'not in the directory',
    ],
    [
      'a folder with another name in its local header (bsdtar makes that one)',
      zip([{ name: 'd/', flags: 0, local: { extra: unicodePath('d/', 'y') } }]),
      'another name',
    ],
    [
      'an end record in the comment of another, not at the end',
      zip([file('a')], { comment: Buffer.concat([zip([file('b')]), Buffer.alloc(8, ' ')]) }),
      'two end records',
    ],
    [
      'a folder by its attributes that has nothing in it',
      zip([{ ...file('d', ''), attributes: 0x10 }]),
      'by its attributes',
    ],
    [
      'a folder by its attributes that is one by its name as well',
      zip([file('d/', ''), { ...file('d', ''), attributes: 0x10 }]),
      'by its attributes',
    ],
    [
      'a link by its mode from another system than Unix',
      zip([{ ...file('l', 'x'), host: 0, attributes: (0o120777 << 16) >>> 0 }]),
      'programs differ',
    ],
    ['a wrong checksum, stored', zip([{ ...file('a'), crc: 1 }]), 'CRC'],
    ['a wrong checksum, deflated', zip([{ ...file('a', long), method: 8, crc: 1 }]), 'CRC'],
    ['a wrong checksum, of a large file', zip([{ ...file('a', 'x'.repeat(2_000_000)), method: 8, crc: 1 }]), 'CRC'],
    ['a size that is too small', zip([{ ...file('a', long), method: 8, size: 4999 }]), 'bytes that it says'],
    ['a size that is far too small (bomb)', zip([{ ...file('a', long), method: 8, size: 10 }]), 'larger'],
    ['a size that is too large', zip([{ ...file('a', long), method: 8, size: 5001 }]), 'bytes that it says'],
    [
      'a large size that is too small',
      zip([{ ...file('a', 'x'.repeat(3_000_000)), method: 8, size: 2_000_000 }]),
      'bytes that it says',
    ],
    ['two sizes of a stored file', zip([{ ...file('a', long), size: 4999 }]), 'two sizes'],
    [
      'deflated data that is damaged',
      zip([{ ...file('a', long), method: 8, data: Buffer.from('garbage!') }]),
      'damaged',
    ],
    [
      'deflated data that is cut off',
      zip([{ ...file('a', long), method: 8, data: deflateRawSync(Buffer.from(long)).subarray(0, -3) }]),
      'damaged',
    ],
    [
      'more data than belongs to it',
      zip([
        {
          ...file('a', long),
          method: 8,
          data: Buffer.concat([deflateRawSync(Buffer.from(long)), Buffer.from('hidden')]),
        },
      ]),
      'more compressed data',
    ],
    [
      'entries that overlap (Fifield’s bomb)',
      zip([
        { ...file('a', long), method: 8 },
        { ...file('b', long), method: 8, offset: 0 },
      ]),
      'overlaps',
    ],
    [
      'an entry that reaches into the directory',
      zip([{ ...file('a', 'abc'), size: 500, compressedSize: 500 }]),
      'overlaps',
    ],
    [
      'a wrong number of entries',
      zip([file('a')], { edit: (end) => void end.writeUInt32LE(0x00020002, 8) }),
      'says that it has',
    ],
    [
      'a directory that is larger than it',
      zip([file('a')], { edit: (end) => void end.writeUInt32LE(5000, 12) }),
      'directory',
    ],
    [
      'a directory that is smaller than it',
      zip([file('a'), file('b')], { edit: (end) => void end.writeUInt32LE(47, 12) }),
      '',
    ],
    ['something after its end', zip([file('a')], { after: Buffer.from('garbage') }), 'end'],
    [
      'two end records',
      zip([file('a')], { comment: Buffer.concat([Buffer.from('PK\x05\x06'), Buffer.alloc(18)]) }),
      'two end records',
    ],
    [
      'a zip64 record that differs',
      zip([file('a')], { zip64: true, edit: (end) => void end.writeUInt16LE(2, 10) }),
      'differ',
    ],
    ['a folder with content', zip([{ ...file('d/'), unixMode: 0o040755 }]), 'folder with content'],
    ['zip64 sizes that are not there', zip([{ ...file('a'), size: 0xffffffff }]), 'zip64'],
    ['a link with the name of a folder', zip([link('l/', 'x')]), 'name of a folder'],
    [
      'an extra field that is longer than what there is',
      zip([{ ...file('a'), extra: Buffer.from([1, 0, 99, 0, 1]) }]),
      'extra field',
    ],
  ])('%s', async (_, archive, says) => {
    await expectRefusal(archive, 'ARCHIVE_INVALID', says);
  });
});

describe('refuses as unsupported', () => {
  test.each<[string, Buffer, string]>([
    ['encrypted entries', zip([{ ...file('a'), flags: UTF8 | 1 }]), 'encrypted'],
    ['strong encryption', zip([{ ...file('a'), flags: UTF8 | (1 << 6) }]), 'encrypted'],
    ['Implode', zip([{ ...file('a'), method: 6 }]), 'Implode'],
    ['PPMd', zip([{ ...file('a'), method: 98 }]), 'PPMd'],
    ['an unknown method', zip([{ ...file('a'), method: 77 }]), '77'],
    ['parts of an archive', zip([file('a')], { edit: (end) => void end.writeUInt16LE(1, 4) }), 'one part'],
    [
      'parts of an archive, by zip64 (bsdtar reads it in order, and makes files of links)',
      zip([link('l', 'a'), file('a')], { zip64: true, edit64: (end) => void end.writeUInt32LE(1, 16) }),
      'one part',
    ],
    [
      'a directory in another part, by zip64',
      zip([file('a')], { zip64: true, edit64: (end) => void end.writeUInt32LE(1, 20) }),
      'one part',
    ],
    [
      'a part of the entries, by zip64',
      zip([file('a')], { zip64: true, edit64: (end) => void end.writeBigUInt64LE(2n, 24) }),
      'one part',
    ],
    ['an entry in another part', zip([{ ...file('a'), disk: 3 }]), 'another part'],
    ['a name that says it is UTF-8 and is not', zip([{ name: Buffer.from([0xfc]), flags: UTF8 }]), 'UTF-8'],
    ['a name that may be UTF-8 or code page 437', zip([{ name: 'ü', flags: 0 }]), 'nothing says'],
    [
      'a Unicode field that makes a file of a folder',
      zip([{ name: 'd/', flags: 0, extra: unicodePath('d/', 'ä') }]),
      'nothing says',
    ],
    ['the label of a volume', zip([{ ...file('a'), attributes: 8 }]), 'label'],
    ['the label of a volume, with the name of a folder', zip([{ name: 'd/', attributes: 8 }]), 'label'],
  ])('%s', async (_, archive, says) => {
    await expectRefusal(archive, 'ARCHIVE_UNSUPPORTED', says);
  });
});

test('refuses a bomb by what its directory says (adm-zip, CVE-2026-39244), before anything is written', async () => {
  const bomb = zip([{ name: 'a', method: 8, data: deflateRawSync(Buffer.alloc(1000)), size: 2 ** 30 }]);
  await expectRefusal(bomb, 'ARCHIVE_LIMIT', '1000 times');
  expect(listing(where.tree)).toEqual({});
});

test('refuses an archive that is written to while it is read', async () => {
  const archive = zip([file('a'), file('b')]);
  const onProgress = () => appendFileSync(join(where.folder, 'archive.bin'), 'more');
  await expect(unpack(where, archive, { onProgress })).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
});

test('refuses more entries than the limit by the end record alone', async () => {
  const options = { name: 'evil.zip', limits: { count: 1 } };
  await expect(unpack(where, zip([file('a'), file('b')]), options)).rejects.toMatchObject({ code: 'ARCHIVE_LIMIT' });
});

describe('reads', () => {
  test.each<[string, Buffer, string[]]>([
    ['names in code page 437', zip([{ name: Buffer.from('gr\x94\xe1e', 'latin1'), flags: 0 }]), ['größe']],
    ['names in UTF-8 by the flag', zip([{ name: 'üß' }]), ['üß']],
    ['names in UTF-8 from Unix, without the flag', zip([{ name: 'üß', flags: 0, unixMode: 0o100644 }]), ['üß']],
    [
      'names in Info-ZIP’s field',
      zip([{ name: Buffer.from([0x81]), flags: 0, extra: unicodePath(Buffer.from([0x81]), '日本') }]),
      ['日本'],
    ],
    [
      'names whose Info-ZIP field in the directory is about another name',
      zip([
        { name: Buffer.from([0x81]), flags: 0, extra: unicodePath('x', '日本'), local: { extra: Buffer.alloc(0) } },
      ]),
      ['ü'],
    ],
    [
      'names in Info-ZIP’s field over ASCII',
      zip([
        { name: '%U20AC', flags: 0, extra: unicodePath('%U20AC', '€'), local: { extra: unicodePath('%U20AC', '€') } },
      ]),
      ['€'],
    ],
    ['names in two encodings', zip([{ name: 'ü', local: { name: Buffer.from([0x81]), flags: 0 } }]), ['ü']],
    ['backslashes of Windows', zip([file('d\\a'), { ...file('d\\e\\b'), host: 11 }]), ['d', 'd/a', 'd/e', 'd/e/b']],
    [
      'backslashes of Windows, with slashes in the local header (IZArc)',
      zip([{ ...file('d\\a'), local: { name: 'd/a' } }]),
      ['d', 'd/a'],
    ],
    ['backslashes of Unix as letters', zip([{ ...file('d/a\\x2db'), unixMode: 0o100644 }]), ['d', 'd/a\\x2db']],
    ['folders by their slash', zip([{ name: 'd/' }, file('d/x')]), ['d', 'd/x']],
    ['folders by their slash, whatever their mode', zip([{ name: 'd/', unixMode: 0xffff }, file('d/x')]), ['d', 'd/x']],
    ['folders by their attributes', zip([{ name: 'd', attributes: 0x10 }, file('d/x')]), ['d', 'd/x']],
    ['what was packed from standard input', zip([{ ...file('-'), unixMode: 0o010600 }]), ['-']],
    ['the root of the archive', zip([{ name: '/' }, file('a')]), ['a']],
    ['the flag for a data descriptor, and none', zip([{ ...file('a'), flags: UTF8 | DESCRIPTOR }]), ['a']],
    [
      'more than 65,535 entries without zip64',
      zip(Array.from({ length: 65_537 }, () => ({ name: '/' })).concat([{ name: 'a/' }, { name: 'b/' }])),
      ['a', 'b'],
    ],
    [
      'data descriptors with a signature',
      zip([
        {
          ...file('a'),
          flags: UTF8 | DESCRIPTOR,
          local: { crc: 0, size: 0, compressedSize: 0 },
          descriptor: descriptor(file('a')),
        },
      ]),
      ['a'],
    ],
    [
      'data descriptors without one',
      zip([{ ...file('a'), flags: UTF8 | DESCRIPTOR, descriptor: descriptor(file('a'), false) }, file('b')]),
      ['a', 'b'],
    ],
    ['a comment', zip([file('a')], { comment: 'hello' }), ['a']],
    [
      'what stands before it, with offsets from its start',
      zip([file('a')], { prefix: Buffer.from('#!/bin/sh\n') }),
      ['a'],
    ],
    [
      'what stands before it, with offsets from the file’s',
      zip([file('a')], { prefix: Buffer.from('#!/bin/sh\n'), absolute: true }),
      ['a'],
    ],
    ['zip64', zip([file('a'), file('b')], { zip64: true }), ['a', 'b']],
    [
      'what is in a program before it like an entry, and is none',
      zip([file('a')], { prefix: Buffer.from(`MZ PK\x03\x04PK\x01\x02PK\x03\x04\x14\0${'\0'.repeat(40)}`) }),
      ['a'],
    ],
    ['zip64 behind a program', zip([file('a')], { zip64: true, prefix: Buffer.from('MZ program') }), ['a']],
    [
      'nothing of times of NTFS that are cut off (yauzl, CVE-2026-31988)',
      zip([
        { ...file('a'), extra: Buffer.from([0x0a, 0, 6, 0, 0, 0, 0, 0, 1, 0]) },
        { ...file('b'), extra: Buffer.from([0x0a, 0, 8, 0, 0, 0, 0, 0, 1, 0, 24, 0]) },
        { ...file('c'), extra: Buffer.from([0x0a, 0, 0, 0]) },
      ]),
      ['a', 'b', 'c'],
    ],
    ['empty files, stored and deflated', zip([file('a', ''), { ...file('b', ''), method: 8 }]), ['a', 'b']],
  ])('%s', async (_, archive, paths) => {
    const tree = await unpack(where, archive);
    expect(Object.keys(entriesOf(tree))).toEqual(paths);
    expect(listing(where.tree)).toEqual(entriesOf(tree));
  });

  test('links, executables and large files', async () => {
    const large = Buffer.alloc(2_500_000, 'large');
    const items = [
      { ...file('run'), unixMode: 0o100700 },
      link('l', 'run'),
      { ...file('big'), content: large, method: 8 },
      { ...file('big-stored'), content: large },
    ];
    const tree = await unpack(where, zip(items));
    expect(tree.entries.get('run')).toMatchObject({ mode: 0o755 });
    expect(tree.entries.get('l')).toEqual({ type: 'link', target: 'run' });
    expect(readFileSync(join(where.tree, 'big')).equals(large)).toBe(true);
    expect(listing(where.tree)).toEqual(entriesOf(tree));
  });

  test('its measure, in which a link is no bytes', async () => {
    const archive = where.write('a.zip', zip([file('a', '123'), link('l', 'a'), { name: 'd/' }]));
    expect(await measureArchive({ file: archive })).toEqual({ format: 'zip', files: 2, bytes: 3, exact: true });
  });

  test('nothing of encrypted entries that are left out', async () => {
    const archive = zip([file('a'), { ...file('secret'), flags: UTF8 | 1 }]);
    expect(Object.keys(entriesOf(await unpack(where, archive, { exclude: ['secret'] })))).toEqual(['a']);
  });
});

/** An entry's local header and content, of which no directory knows. */
function localHeader(): Buffer {
  const archive = zip([file('unlisted')]);
  return archive.subarray(0, archive.indexOf('PK\x01\x02'));
}

function unicodePath(raw: string | Buffer, name: string): Buffer {
  const content = Buffer.from(name);
  const header = Buffer.alloc(9);
  header.writeUInt16LE(0x7075, 0);
  header.writeUInt16LE(5 + content.length, 2);
  header[4] = 1;
  header.writeUInt32LE(crc32(raw), 5);
  return Buffer.concat([header, content]);
}
