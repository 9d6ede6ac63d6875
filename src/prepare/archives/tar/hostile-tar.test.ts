import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pax, setChecksum, type TarItem, tar, tarEntry } from '../../../../test/archives/tar-builder.js';
import {
  entriesOf,
  expectUntouched,
  listing,
  type Place,
  place,
  refusal,
  unpack,
} from '../../../../test/archives/unpacked.js';
import type { PrestageError } from '../../../core/errors.js';

let where: Place;
beforeEach(() => {
  where = place();
});
afterEach(() => {
  expectUntouched(where);
  where.remove();
});

const BLOCK = 512;

/** Unpacks as a stream and as a file: both must be refused, in the same words. */
async function expectRefusal(archive: Buffer, code: string, says = ''): Promise<void> {
  for (const [bytes, chunkBytes] of [
    [archive, undefined],
    [gzipSync(archive), 1000],
  ] as const) {
    const other = place(); // a fresh one each: what comes before the refusal may have been written
    await expect(unpack(other, bytes, { name: 'evil.tar', ...(chunkBytes ? { chunkBytes } : {}) })).rejects.toEqual(
      refusal('evil.tar', code, says),
    );
    expectUntouched(other);
    other.remove();
  }
}

const file = (name: string, content = 'evil'): TarItem => ({ name, content });
const link = (name: string, target: string): TarItem => ({ name, type: '2', link: target });
const long = (name: string, type = 'L') => tarEntry({ name: '././@LongLink', type, content: `${name}\0` });
const hard = (name: string, target: string): TarItem => ({ name, type: '1', link: target });

describe('refuses as unsafe', () => {
  test.each<[string, TarItem[] | Buffer[], string]>([
    ['a path upwards (Zip Slip)', [file('../beside/victim')], 'upwards'],
    ['a path upwards in the middle', [file('a/../../beside/victim')], 'upwards'],
    ['a path upwards that would stay inside', [file('a/../b')], 'upwards'],
    ['a path upwards out of the prefix field', [{ ...file('victim'), prefix: '../beside' }], 'upwards'],
    ['an absolute path (node-tar, CVE-2021-32804)', [file('/tmp/prestage-escaped')], 'absolute'],
    ['an absolute path of many slashes', [file('////tmp/prestage-escaped')], 'absolute'],
    ['a drive letter (node-tar, CVE-2021-37713)', [file('C:/tmp/x')], 'drive'],
    ['a drive letter without a slash', [file('c:..evil')], 'drive'],
    ['backslashes', [file('..\\beside\\victim')], 'backslash'],
    ['a UNC path', [file('\\\\server\\share\\x')], 'backslash'],
    ['a newline in a name', [file('a\nb')], 'control'],
    ['an escape in a name', [file('a\x1b[2Jb')], 'control'],
    ['a NUL in a pax name', [pax({ path: 'a\0b' }), tarEntry(file('x'))], 'control'],
    ['a pax path upwards', [pax({ path: '../beside/victim' }), tarEntry(file('x'))], 'upwards'],
    [
      'a GNU long name upwards',
      [tarEntry({ name: '././@LongLink', type: 'L', content: '../beside/victim\0' }), tarEntry(file('x'))],
      'upwards',
    ],
    ['a file without a name', [file('.')], 'no name'],
    ['a name of more than 255 bytes', [pax({ path: 'n'.repeat(256) }), tarEntry(file('x'))], '255'],
    [
      'a path of more than 4,096 bytes',
      [pax({ path: `${'n'.repeat(200)}/`.repeat(21) }), tarEntry({ name: 'x/', type: '5' })],
      '4,096',
    ],
    [
      'a write through a link to a folder outside (compressing, CVE-2026-24884)',
      [link('l', '../beside'), file('l/victim')],
      'leads through',
    ],
    ['a write through a link that stays inside', [file('real/x'), link('l', 'real'), file('l/y')], 'leads through'],
    [
      'a write through a chain of links',
      [link('a', '.'), link('a/b', '..'), file('a/b/beside/victim')],
      'leads through',
    ],
    [
      'a folder over a link (node-tar, CVE-2021-32803)',
      [{ name: 'd', type: '5' }, link('d2', 'd'), { name: 'd2/', type: '5' }],
      'already',
    ],
    [
      'a link that replaces a folder (node-tar, CVE-2021-37701)',
      [{ name: 'd', type: '5' }, link('d', '../beside'), file('d/victim')],
      'already',
    ],
    ['a link that replaces a file', [file('x'), link('x', '../beside/victim'), file('x')], 'twice'],
    ['a file over a link', [link('x', 'y'), file('x')], 'twice'],
    [
      'links whose names differ in Unicode form (node-tar, CVE-2021-37712)',
      [link('caf\u00e9', 'x'), file('cafe\u0301/y')],
      'differ only',
    ],
    ['an absolute link', [link('l', '/etc/passwd')], 'absolute'],
    ['a link out', [link('a/l', '../../beside/victim')], 'leaves the tree'],
    [
      'a link out through another',
      [{ name: 'a/b/', type: '5' }, link('a/b/up', '../..'), link('l', 'a/b/up/../beside')],
      'leaves the tree',
    ],
    [
      'a link out by way of a drive (node-tar, CVE-2026-31802)',
      [link('a/l', 'C:../../../beside/victim'), file('a/l')],
      'drive',
    ],
    ['links in a circle', [link('a', 'b'), link('b', 'a')], 'circle'],
    ['a link to nothing', [link('a', '')], 'no target'],
    ['a hard link out (node-tar, CVE-2018-20834 and CVE-2026-23745)', [hard('x', '../beside/victim')], 'upwards'],
    [
      'a hard link that is inside only from its own folder (node-tar, CVE-2026-24842)',
      [hard('a/b/c/x', '../../../beside/victim')],
      'upwards',
    ],
    ['a hard link to a path of a drive (node-tar, CVE-2026-29786)', [hard('x', 'C:../beside/victim')], 'not unpacked'],
    [
      'names that only a full case folding makes one (node-tar, CVE-2026-23950)',
      [link('ss', 'x'), file('\u00df')],
      'differ only',
    ],
    [
      'a hard link through a chain of links (node-tar, CVE-2026-26960)',
      [{ name: 'a/b/', type: '5' }, link('a/b/up', '../..'), link('l', 'a/b/up/../beside'), hard('x', 'l/victim')],
      'not unpacked before',
    ],
    ['a hard link to an absolute path (decompress, CVE-2026-39243)', [hard('x', '/etc/passwd')], 'absolute'],
    ['a hard link to what is not in the archive', [hard('x', 'y')], 'not unpacked before'],
    ['a hard link to a later entry', [hard('x', 'y'), file('y')], 'not unpacked before'],
    ['a hard link to itself', [hard('x', 'x')], 'not unpacked before'],
    ['a character device', [{ name: 'null', type: '3' }], 'device'],
    ['a block device', [{ name: 'sda', type: '4' }], 'device'],
    ['a named pipe', [{ name: 'pipe', type: '6' }], 'device or a named pipe'],
    ['a path twice', [file('x', '1'), file('x', '2')], 'twice'],
    ['a path twice, spelt differently', [file('a/x', '1'), file('./a//x', '2')], 'twice'],
    ['two names that differ in case', [file('README'), file('readme')], 'differ only'],
    ['two folders that differ in case', [file('Conf/a'), file('conf/b')], 'differ only'],
    ['a file below a file', [file('a'), file('a/b')], 'leads through'],
    ['a file over a folder', [file('a/b'), file('a')], 'already'],
  ])('%s', async (_, items, says) => {
    await expectRefusal(tar(...items), 'ARCHIVE_UNSAFE', says);
  });
});

test('refuses a path of very many folders (node-tar, CVE-2026-73566), and does not repeat it', async () => {
  const endless = (item: TarItem) => tar(pax({ path: 'a/'.repeat(500_000) + item.name }), tarEntry(item));
  for (const [code, item] of [
    ['ARCHIVE_LIMIT', file('x')],
    ['ARCHIVE_INVALID', { name: '', type: '2', size: 9 }],
  ] as const) {
    const error = await unpack(where, endless(item), { name: 'evil.tar' }).catch((error: unknown) => error);
    expect(error).toMatchObject({ code });
    const { message, context } = error as PrestageError;
    expect(JSON.stringify({ message, context }).length).toBeLessThan(10_000);
  }
});

describe('refuses as invalid', () => {
  const damage = (at: number, text: string) => (header: Buffer) => void header.write(text, at, 'latin1');

  test.each<[string, Buffer, string]>([
    ['a wrong checksum', tar(file('a'), { ...file('b'), damage: damage(0, 'c') }), 'checksum'],
    ['a checksum that is no number', tar(file('a'), { ...file('b'), damage: damage(148, 'zzzzzz') }), 'checksum'],
    ['a size that is no number', tar(file('a'), { ...file('b'), edit: damage(124, '12x') }), 'not a number'],
    ['a negative size', tar(file('a'), { ...file('b'), edit: damage(124, '\xff'.repeat(12)) }), 'not a number'],
    [
      'a size beyond all measure',
      tar(file('a'), { ...file('b'), edit: damage(124, '\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff') }),
      'not a number',
    ],
    [
      'a pax header that lies about its length',
      tar(tarEntry({ name: 'p', type: 'x', content: '99 path=x\n' }), file('a')),
      'pax',
    ],
    ['a pax record without an end', tar(tarEntry({ name: 'p', type: 'x', content: '9 path=xx' }), file('a')), 'pax'],
    ['a pax record without a key', tar(tarEntry({ name: 'p', type: 'x', content: '6 abc\n' }), file('a')), 'pax'],
    ['a pax record of length zero', tar(tarEntry({ name: 'p', type: 'x', content: '0 path=x\n' }), file('a')), 'pax'],
    ['a pax size that is no number', tar(pax({ size: '1e3' }), file('a')), 'pax size'],
    ['a pax size that is empty', tar(pax({ size: '' }), file('a')), 'pax size is empty'],
    ['a pax size of a folder', tar(pax({ size: '3' }), { name: 'd/', type: '5' }, file('a')), 'a folder with a size'],
    [
      'a size that begins with a NUL',
      tar(file('b'), { ...file('a'), edit: damage(124, '\x001\0') }),
      'begins with a NUL',
    ],
    ['a GNU long name that is empty', tar(long(''), file('a')), 'empty long name'],
    ['a global header that names all entries', tar(pax({ path: 'x' }, 'g'), file('a')), 'global'],
    ['a pax header about nothing', tar(pax({ path: 'x' })), 'must follow'],
    ['a link with a size', tar({ ...link('l', 'x'), size: 512 }), 'with a size'],
    [
      'a pax path that is empty',
      tar(tarEntry({ name: 'p', type: 'x', content: '11 path=no\n8 path=\n' }), file('a')),
      'pax path is empty',
    ],
    ['two pax headers for one entry', tar(pax({ path: 'x' }), pax({ mtime: '1' }), file('a')), 'two pax headers'],
    ['two long names for one entry', tar(long('x'), long('y'), file('a')), 'two long names'],
    ['two long link targets', tar(long('x', 'K'), long('y', 'K'), link('a', 'z')), 'two long link targets'],
    ['a pax path and a GNU long name that differ', tar(pax({ path: 'x' }), long('y'), file('a')), 'two names'],
    ['a GNU long name and a pax path that differ', tar(long('y'), pax({ path: 'x' }), file('a')), 'two names'],
    ['two link targets, by pax and by GNU', tar(pax({ linkpath: 'x' }), long('y', 'K'), link('a', 'z')), 'two link'],
    ["a volume's label between an entry and its headers", tar(long('x'), { name: 'l', type: 'V' }, file('a')), 'label'],
    [
      'a global header between an entry and its headers',
      tar(long('x'), pax({ comment: 'c' }, 'g'), file('a')),
      'global',
    ],
    ['a prefix behind the magic of GNU', tar(file('a'), { ...file('b'), magic: 'ustar  \0', prefix: 'p' }), 'prefix'],
    ['a prefix behind other magic', tar(file('a'), { ...file('b'), magic: 'ustar   ', prefix: 'p' }), 'prefix'],
    ['a prefix without magic', tar(file('a'), { ...file('b'), magic: '\0', prefix: 'p' }), 'prefix'],
    [
      'a prefix of star that runs into what follows',
      tar(file('a'), { ...file('b'), prefix: 'p'.repeat(140), edit: (header) => void header.write('tar\0', 508) }),
      'prefix',
    ],
    ['a folder by one of two names', tar(pax({ path: 'a' }), { name: 'd/', type: '\0' }), 'one of its names'],
    ['a file with the name of a folder', tar(file('a'), file('d/')), 'name of a folder'],
    ['a link with the name of a folder', tar(file('a'), link('d/', 'a')), 'name of a folder'],
    [
      'NULs before the last pax record',
      tar(tarEntry({ name: 'p', type: 'x', content: '\0' + '11 path=pp\n' }), file('a')),
      'pax',
    ],
    [
      'an entry after a lone zero block',
      Buffer.concat([tarEntry(file('a')), Buffer.alloc(BLOCK), tar(file('b'))]),
      'after its end',
    ],
    ['something after the end mark', Buffer.concat([tar(file('a')), Buffer.from('garbage')]), 'after its end'],
    ['a second archive after the end mark', Buffer.concat([tar(file('a')), tar(file('b'))]), 'after its end'],
    ['much after the end mark', Buffer.concat([tar(file('a')), Buffer.alloc(9000, 'x')]), 'after its end'],
    ['no end mark', tarEntry(file('a')), 'cut off'],
  ])('%s', async (_, archive, says) => {
    await expectRefusal(archive, 'ARCHIVE_INVALID', says);
  });

  test('an archive that is cut off at any block, naming the entry before the cut', async () => {
    const archive = tar(
      pax({ path: 'long' }),
      file('x', 'x'.repeat(1300)),
      file('b/c', 'c'),
      file('d', 'd'.repeat(512)),
    );
    for (let length = BLOCK; length < archive.length - 2 * BLOCK; length += 1) {
      if (length % BLOCK > 3 && length % 100 !== 0) continue;
      await expectRefusal(archive.subarray(0, length), 'ARCHIVE_INVALID', 'cut off');
    }
    await expectRefusal(archive.subarray(0, -2 * BLOCK), 'ARCHIVE_INVALID', 'after entry \\"d\\"'.replaceAll('\\', ''));
  });

  test('gzip that is cut off anywhere, has a wrong checksum or length, or is followed by something', async () => {
    const archive = gzipSync(tar({ name: 'a', content: randomBytes(5000) }));
    const cut = async (bytes: Buffer) => {
      for (const chunkBytes of [7, 100_000]) {
        const other = place();
        await expect(unpack(other, bytes, { name: 'evil.tar', chunkBytes })).rejects.toEqual(
          refusal('evil.tar', 'ARCHIVE_INVALID'),
        );
        other.remove();
      }
    };
    for (let length = archive.length - 40; length < archive.length; length += 1) await cut(archive.subarray(0, length));
    for (const at of [archive.length - 8, archive.length - 4]) {
      const wrong = Buffer.from(archive);
      wrong[at] = (wrong[at] ?? 0) ^ 1;
      await cut(wrong);
    }
    await cut(Buffer.concat([archive, Buffer.from('garbage')]));
    await cut(Buffer.concat([archive, Buffer.alloc(9), Buffer.from('garbage')]));
    await cut(Buffer.concat([archive, Buffer.alloc(9), archive]));
    await cut(Buffer.concat([archive, archive.subarray(0, 9)]));
  });
});

describe('refuses as unsupported', () => {
  test.each<[string, Buffer, string]>([
    ['sparse files of other programs', tar({ name: 's', type: 'S' }), 'sparse'],
    ['sparse files in a format to come', tar(pax({ 'GNU.sparse.major': '2' }), file('a')), 'format 2.0'],
    ['sparse files of Solaris', tar(pax({ 'SUN.holesdata': ' 0 512 ' }), file('a')), 'SUN.holesdata'],
    ['an unknown type', tar({ name: 'x', type: 'Q' }), 'unknown type'],
    ['a part of a multi-volume archive', tar(file('a'), { name: 'x', type: 'M' }), 'another volume'],
    ['an incremental backup by GNU tar', tar({ name: './', type: 'D' }), 'incremental'],
    ['a name in Latin-1', tar(file('a'), { name: Buffer.from('gr\xfc\xdfe', 'latin1'), content: '' }), 'UTF-8'],
    [
      'a link target in Latin-1',
      tar({ ...link('a', 'x'), edit: (header) => void header.write('\xfc', 157, 'latin1') }),
      'UTF-8',
    ],
  ])('%s', async (_, archive, says) => {
    await expectRefusal(archive, 'ARCHIVE_UNSUPPORTED', says);
  });
});

describe('refuses beyond the limits', () => {
  test('more entries, more bytes, more depth (node-tar, CVE-2024-28863) than allowed, and says which key allows more', async () => {
    const archive = tar(file('a/b', '12345'), file('c', '67890'));
    const limited = (limits: object) => unpack(where, archive, { name: 'evil.tar', limits });
    const beyond = (key: string, expected: string, found: string, path: string) => ({
      code: 'ARCHIVE_LIMIT',
      message: expect.stringContaining(`\`${key}\``),
      hint: expect.stringContaining(`raise \`${key}\``),
      context: { key, expected, found, path, file: 'evil.tar' },
    });
    for (const [limits, error] of [
      [{ count: 1 }, beyond('limits.count', '1', '2', 'c')],
      [{ size: 9 }, beyond('limits.size', '9', '10', 'c')],
      [{ depth: 1 }, beyond('limits.depth', '1', '2', 'a/b')],
    ] as const) {
      await expect(limited(limits)).rejects.toMatchObject(error);
      where.remove();
      where = place();
    }
    await expect(limited({ count: 2, size: 10, depth: 2, nameLength: undefined })).resolves.toBeDefined();
  });

  test('a name of more bytes than allowed, in UTF-8', async () => {
    const archive = tar(file('folder/größe'));
    const limited = (nameLength: number) => unpack(where, archive, { name: 'evil.tar', limits: { nameLength } });
    await expect(limited(6)).rejects.toMatchObject({
      code: 'ARCHIVE_LIMIT',
      context: { key: 'limits.nameLength', expected: '6', found: '7' },
    });
    await expect(limited(7)).resolves.toBeDefined();
  });

  test('a gzip bomb (node-tar, CVE-2026-59873)', async () => {
    const bomb = gzipSync(
      Buffer.concat([tarEntry({ ...file('a', ''), size: 104 * 1024 ** 2 }), Buffer.alloc(104 * 1024 ** 2)]),
      { level: 1 },
    );
    await expect(unpack(where, bomb, { name: 'evil.tar', limits: { ratio: 100 } })).rejects.toEqual(
      refusal('evil.tar', 'ARCHIVE_LIMIT', '100 times'),
    );
  });

  test('hard links that multiply a file', async () => {
    const links = Array.from({ length: 200 }, (_, i) => hard(`l${i}`, 'a'));
    const archive = tar(file('a', 'x'.repeat(1_000_000)), ...links);
    const limits = { ratio: 100 };
    await expect(unpack(where, archive, { name: 'evil.tar', limits })).rejects.toEqual(
      refusal('evil.tar', 'ARCHIVE_LIMIT', '100 times'),
    );
  });

  test('a header of headers that is larger than any name', async () => {
    await expectRefusal(tar({ name: 'x', type: 'L', size: 2 ** 30 }), 'ARCHIVE_LIMIT', 'header');
  });
});

describe('reads as tar programs do', () => {
  test.each<[string, Buffer, string[]]>([
    [
      'signed checksums',
      tar({
        name: 'gr\u00fc\u00dfe',
        damage: (h) => setChecksum(h, (b) => new Int8Array(b).reduce((t, x) => t + x, 0)),
      }),
      ['grüße'],
    ],
    [
      'sizes in base 256',
      tar({ name: 'a', content: 'abc', edit: (h) => void h.write('\x80\0\0\0\0\0\0\0\0\0\0\x03', 124, 'latin1') }),
      ['a'],
    ],
    [
      'version 7: a folder by its slash',
      tar({ name: 'd/', type: '\0', magic: '' }, { name: 'f', type: '\0', magic: '' }),
      ['d', 'f'],
    ],
    ['the prefix of ustar', tar({ name: 'name', prefix: 'pre/fix' }), ['pre', 'pre/fix', 'pre/fix/name']],
    ['no prefix in GNU, where times are', tar({ name: 'name', prefix: '12345', magic: 'ustar  \0' }), ['name']],
    [
      'a pax size before the header’s, whose content is an archive (tokio-tar, CVE-2025-62518)',
      tar(tarEntry({ name: 'p', type: 'x', content: '10 size=3\n' }), tarEntry({ name: 'a', content: 'abc', size: 0 })),
      ['a'],
    ],
    [
      'a pax size before a GNU long name, which it is not about (node-tar, CVE-2026-53655)',
      tar(
        pax({ size: '3' }),
        tarEntry({ name: '././@LongLink', type: 'L', content: 'a/long/name\0' }),
        tarEntry({ name: 'x', content: 'abc', size: 0 }),
        file('b'),
      ),
      ['a', 'a/long', 'a/long/name', 'b'],
    ],
    [
      'pax paths of digits alone (node-tar, CVE-2026-59871)',
      tar(pax({ path: '012' }), file('x'), pax({ path: '03/4' }), file('y'), pax({ linkpath: '012' }), link('z', 'x')),
      ['012', '03', '03/4', 'z'],
    ],
    ['a name by pax and by GNU, the same', tar(long('x'), pax({ path: 'x' }), file('a')), ['x']],
    [
      'pax records filled up with NULs',
      tar(tarEntry({ name: 'p', type: 'x', content: '11 path=pp\n\0\0\0' }), file('a')),
      ['pp'],
    ],
    [
      'a folder with the size that it had on the disk',
      tar({ name: 'd/', type: '5', size: 4096 }, file('d/a')),
      ['d', 'd/a'],
    ],
    ['a comment in a global header', tar(pax({ comment: 'abc' }, 'g'), file('a')), ['a']],
    ['a volume label', tar({ name: 'label', type: 'V' }, file('a')), ['a']],
    ['one zero block at the end', tar(file('a')).subarray(0, -BLOCK), ['a']],
    [
      'dots and double slashes',
      tar({ name: './', type: '5' }, { name: './a//b/', type: '5' }, file('./a/./b/c')),
      ['a', 'a/b', 'a/b/c'],
    ],
    ['a contiguous file', tar({ ...file('a'), type: '7' }), ['a']],
  ])('%s', async (_, archive, paths) => {
    const tree = await unpack(where, archive);
    expect(Object.keys(entriesOf(tree))).toEqual(paths);
    expect(listing(where.tree)).toEqual(entriesOf(tree));
  });

  test('hard links as copies with the first one’s mode, small and large, and of links', async () => {
    const large = 'L'.repeat(1_500_000);
    const items = [
      { ...file('x', 's'), mode: 0o755 },
      file('y', large),
      link('z', 'x'),
      hard('d/x2', 'x'),
      hard('y2', './y'),
      hard('z2', 'z'),
    ];
    const tree = await unpack(where, tar(...items));
    const entries = entriesOf(tree);
    expect(entries['d/x2']).toEqual(entries.x);
    expect(entries.y2).toEqual(entries.y);
    expect(entries.z2).toEqual(entries.z);
    expect(listing(where.tree)).toEqual(entries);
  });

  test('and keeps of modes only who may execute', async () => {
    const modes = [0o4755, 0o2711, 0o1644, 0o600, 0o777, 0o010];
    const tree = await unpack(where, tar(...modes.map((mode, i) => ({ ...file(`f${i}`), mode }))));
    expect(Object.values(entriesOf(tree)).map((entry) => entry.type === 'file' && entry.mode)).toEqual([
      0o755, 0o755, 0o644, 0o644, 0o755, 0o755,
    ]);
  });
});
