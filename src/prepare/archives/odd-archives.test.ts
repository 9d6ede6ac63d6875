import { crc32, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ar, cpio, deb } from '../../../test/archives/cpio-builder.js';
import { pax, type TarItem, tar, tarEntry } from '../../../test/archives/tar-builder.js';
import { entriesOf, type Place, place, unpack } from '../../../test/archives/unpacked.js';
import { DESCRIPTOR, UTF8, zip } from '../../../test/archives/zip-builder.js';

/**
 * Archives that people met, and that readers see differently or refuse for no reason: each is the tree that all programs
 * see who read it, or a refusal.
 */

let where: Place;
beforeEach(() => {
  where = place();
});
afterEach(() => where.remove());

const HELLO = 'hello\n';
const file = (name: string): TarItem => ({ name, content: HELLO });
const longName = (name: string) =>
  tarEntry({ name: '././@LongLink', type: 'L', content: `${name}\0`, magic: 'ustar  \0' });
const linkOf = (name: string, target: string): TarItem => ({ name, type: '2', link: target });
const unix = 0o100644;
const zipped = { name: 'a', content: HELLO, flags: 0, unixMode: unix };

const unicodePath = (raw: string, text: string) => {
  const head = Buffer.alloc(9);
  head.writeUInt16LE(0x7075, 0);
  head.writeUInt16LE(5 + Buffer.byteLength(text), 2);
  head[4] = 1;
  head.writeUInt32LE(crc32(raw), 5);
  return Buffer.concat([head, Buffer.from(text)]);
};

/** Behind the end mark, up to the end of the record, what an earlier record left. */
const staleRecord = () => {
  const archive = tar(file('a'));
  return Buffer.concat([archive, Buffer.alloc(10_240 - archive.length, 'stale bytes of an earlier record ')]);
};

const inComment = () => {
  const evil = zip([{ ...zipped, name: 'b.txt', content: 'evil\n' }]);
  return zip([{ ...zipped, name: 'a.txt', content: 'good\n' }], {
    comment: Buffer.concat([evil.subarray(evil.indexOf('PK\x01\x02')), Buffer.from(' '.repeat(8))]),
  });
};

const dataTar = tar({ name: './', type: '5' }, { name: './usr/', type: '5' }, file('./usr/a'));
/** The same by xz's `lzma` format, which nothing in Node can write. */
const DATA_LZMA =
  'XQAAgAD//////////wAXC8snifLr+7L+ieH3QO4FDCo+jFCoID22OjsAWVhu6V4B7xJCX/QSxK5vAYRUs+s4pnmUA18p+CBdT/M4bVQsNyM9hOLPqTbpk6wi3rmkt//9KHZq';

const member = (name: string, content: Buffer | string) => {
  const bytes = Buffer.from(content);
  const numbers = `${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}`;
  const header = `${name.padEnd(16)}${numbers}${String(bytes.length).padEnd(10)}\`\n`;
  return Buffer.concat([Buffer.from(header), bytes, Buffer.alloc(bytes.length % 2, '\n')]);
};

const READ: [what: string, archive: Buffer, files: string[]][] = [
  ['stale bytes behind the end mark in its own record (Ant, Plexus)', gzipSync(staleRecord()), ['a']],
  [
    'folders with the sizes that they had on the disk (BackupPC#562)',
    tar({ name: './', type: '5', size: 4096 }, file('./a'), { name: './efi/', type: '5', size: 512 }, file('./efi/b')),
    ['a', 'efi', 'efi/b'],
  ],
  ['a deb with a member behind its files', Buffer.concat([deb(dataTar), member('extra.bin', 'xy')]), ['usr', 'usr/a']],
  [
    'a deb with data.tar.lzma',
    Buffer.concat([
      Buffer.from('!<arch>\n'),
      member('debian-binary', '2.0\n'),
      member('control.tar', Buffer.alloc(1024)),
      member('data.tar.lzma', Buffer.from(DATA_LZMA, 'base64')),
    ]),
    ['usr', 'usr/a'],
  ],
  [
    'the flag for a descriptor, all in the local header, and no descriptor',
    zip([{ ...zipped, method: 8, flags: DESCRIPTOR }]),
    ['a'],
  ],
  [
    'a hard link to itself (libarchive#449)',
    tar(file('Mesa/VERSION'), { name: 'Mesa/VERSION', type: '1', link: 'Mesa/VERSION' }),
    ['Mesa', 'Mesa/VERSION'],
  ],
  [
    'a pax header whose size is rounded to a block',
    tar(tarEntry({ name: 'x', type: 'x', content: '11 path=pp\n'.padEnd(512, '\0') }), file('short')),
    ['pp'],
  ],
  [
    'pax records filled up with NULs',
    tar(tarEntry({ name: 'x', type: 'x', content: '11 path=pp\n'.padEnd(31, '\0') }), file('short')),
    ['pp'],
  ],
  ['the root as an entry, in a zip of .NET', zip([{ name: '/', attributes: 0x10 }, { ...zipped }]), ['a']],
  ['the root as an entry, in a tar', tar({ name: '/', type: '5' }, file('a')), ['a']],
  [
    'links with spaces, letters and backslashes',
    tar(file('a'), linkOf('l', 'with space'), linkOf('m', 'é'), linkOf('n', 'a\\x2db')),
    ['a', 'l', 'm', 'n'],
  ],
  ['the same link twice', tar(linkOf('l', 'a'), file('a'), linkOf('l', 'a')), ['a', 'l']],
  [
    'names of systemd with backslashes',
    tar(file('lib/system-systemd\\x2dcryptsetup.slice')),
    ['lib', 'lib/system-systemd\\x2dcryptsetup.slice'],
  ],
  [
    'names in the Unicode field over ASCII',
    zip(
      [
        ['%U20AC.txt', '€.txt'],
        ['?.txt', 'ö.txt'],
      ].map(([raw = '', text = '']) => {
        const extra = unicodePath(raw, text);
        return { ...zipped, name: raw, extra, local: { extra } };
      }),
    ),
    ['ö.txt', '€.txt'],
  ],
  [
    'a name in UTF-8 and in a code page',
    zip([
      {
        name: 'ä.txt',
        content: HELLO,
        flags: UTF8,
        local: { name: Buffer.from([0x84, ...Buffer.from('.txt')]), flags: 0 },
      },
    ]),
    ['ä.txt'],
  ],
  [
    'a name in UTF-8, and in a code page that is said to be UTF-8 as well',
    zip([
      {
        name: 'ä.txt',
        content: HELLO,
        flags: UTF8,
        local: { name: Buffer.from([0x84, ...Buffer.from('.txt')]), flags: UTF8 },
      },
    ]),
    ['ä.txt'],
  ],
  [
    'an entry without a name or content in front, by which Android aligns its packages',
    Buffer.concat([
      Buffer.from('PK\x03\x04'),
      Buffer.alloc(24),
      Buffer.from([0x66, 0]),
      Buffer.alloc(0x66),
      zip([zipped]),
    ]),
    ['a'],
  ],
  [
    'backslashes of Windows',
    zip([
      { name: 'dir\\sub\\a.txt', content: HELLO },
      { name: 'dir\\b.txt', content: HELLO },
    ]),
    ['dir', 'dir/b.txt', 'dir/sub', 'dir/sub/a.txt'],
  ],
  [
    'a folder of DOS without a slash',
    zip([
      { name: 'def', attributes: 0x10 },
      { name: 'def/foo', content: HELLO },
    ]),
    ['def', 'def/foo'],
  ],
  [
    'a folder whose mode says nothing',
    zip([
      { name: 'META-INF/', host: 3, attributes: 0xffff0010 },
      { ...zipped, name: 'META-INF/a' },
    ]),
    ['META-INF', 'META-INF/a'],
  ],
  ['a file packed from standard input', zip([{ ...zipped, name: '-', unixMode: 0o010600 }]), ['-']],
  ['zeros behind the end of gzip', Buffer.concat([gzipSync(tar(file('a'))), Buffer.alloc(512)]), ['a']],
];

test.each(READ)('%s is read', async (_, archive, files) => {
  expect(Object.keys(entriesOf(await unpack(where, archive)))).toEqual(files);
});

const REFUSED: [what: string, archive: Buffer, code: string, reason: string][] = [
  ['an end record in the comment of another', inComment(), 'ARCHIVE_INVALID', 'headers-differ'],
  [
    'a signature of an end record in a comment',
    zip([zipped], { comment: Buffer.concat([Buffer.from('PK\x05\x06'), Buffer.alloc(30)]) }),
    'ARCHIVE_INVALID',
    'headers-differ',
  ],
  [
    'two pax headers for one entry',
    tar(pax({ path: 'first' }), pax({ mtime: '1' }), file('short')),
    'ARCHIVE_INVALID',
    'headers-differ',
  ],
  [
    'a GNU long name, then a pax path',
    tar(longName('from-L'), pax({ path: 'from-pax' }), file('short')),
    'ARCHIVE_INVALID',
    'headers-differ',
  ],
  [
    'a pax path, then a GNU long name',
    tar(pax({ path: 'from-pax' }), longName('from-L'), file('short')),
    'ARCHIVE_INVALID',
    'headers-differ',
  ],
  [
    'a prefix behind a magic with blanks',
    tar(file('a'), { ...file('n'), magic: 'ustar   ', prefix: 'p' }),
    'ARCHIVE_INVALID',
    'malformed',
  ],
  [
    'a Unicode path in the local header alone',
    zip([{ ...zipped, name: 'x.txt', local: { extra: unicodePath('x.txt', 'y.txt') } }]),
    'ARCHIVE_INVALID',
    'headers-differ',
  ],
  ['a name that bsdtar takes for one on a drive', tar(file('a:b')), 'ARCHIVE_UNSAFE', 'path-drive'],
  [
    'two initramfs one after the other',
    Buffer.concat([cpio([{ name: 'a', content: HELLO }]), Buffer.alloc(512), cpio([{ name: 'b', content: HELLO }])]),
    'ARCHIVE_INVALID',
    'trailing-data',
  ],
  [
    'a hard link with a size by pax',
    tar(file('a'), pax({ size: '6' }), { name: 'b', type: '1', link: 'a' }, file('z')),
    'ARCHIVE_INVALID',
    'malformed',
  ],
  ['absolute names in a deb (nfpm#209)', deb(tar(file('/usr/a'))), 'ARCHIVE_UNSAFE', 'path-absolute'],
  [
    'hard-linked links of which the first has no target (rpm#418)',
    cpio([
      { name: 'a', mode: 0o120777, content: '' },
      { name: 'b', mode: 0o120777, content: 'foo' },
    ]),
    'ARCHIVE_INVALID',
    'malformed',
  ],
  [
    'a folder that is a file as well, which bsdtar makes a file',
    cpio(
      [
        { name: 'd', content: 'xx', links: 3 },
        { name: 'a', mode: 0o40755, links: 2 },
      ],
      'odc',
    ),
    'ARCHIVE_INVALID',
    'headers-differ',
  ],
  [
    'a link that is a file as well, which bsdtar makes a file',
    cpio([
      { name: 'a', content: 'xx', links: 2 },
      { name: 'b', mode: 0o120777, content: 'a', links: 2 },
    ]),
    'ARCHIVE_INVALID',
    'headers-differ',
  ],
  [
    'a file again without its content, which GNU cpio and 7-Zip make empty',
    cpio([
      { name: 'a', content: 'xx', links: 2 },
      { name: 'a', links: 2 },
    ]),
    'ARCHIVE_INVALID',
    'headers-differ',
  ],
  [
    'a file again without its content, by another name of its path',
    cpio([
      { name: 'a', content: 'xx', links: 2 },
      { name: './a', links: 2 },
    ]),
    'ARCHIVE_INVALID',
    'headers-differ',
  ],
  [
    'a name of a file behind its content, which 7-Zip makes empty',
    cpio([
      { name: 'a', content: 'xx', links: 2 },
      { name: 'b', links: 2 },
    ]),
    'ARCHIVE_INVALID',
    'headers-differ',
  ],
  [
    'a file with more names than it says, of which bsdtar makes the last a file of its own',
    cpio([
      { name: 'a', links: 2 },
      { name: 'b', links: 2 },
      { name: 'c', content: 'xx', links: 2 },
    ]),
    'ARCHIVE_INVALID',
    'headers-differ',
  ],
  [
    'a checksum in a cpio that has none, at which 7-Zip ends',
    cpio([{ name: 'a', content: 'xx', checksum: 5 }]),
    'ARCHIVE_INVALID',
    'headers-differ',
  ],
  ['a type of Solaris', tar({ name: 'acl', type: 'A' }, file('a')), 'ARCHIVE_UNSUPPORTED', 'feature'],
  [
    'a write through a link of its own (usrmerge)',
    tar({ name: 'usr/lib/', type: '5' }, linkOf('lib', 'usr/lib'), file('lib/a')),
    'ARCHIVE_UNSAFE',
    'through-link',
  ],
  [
    'a link of a zip with a NUL behind its target',
    zip([{ name: 'l', content: 'a\0', unixMode: 0o120777 }, zipped]),
    'ARCHIVE_UNSAFE',
    'link-target',
  ],
  ['a name of a zip with a NUL at its end', zip([{ ...zipped, name: 'a\0' }]), 'ARCHIVE_UNSAFE', 'path-control'],
  [
    'a name in UTF-8 that nothing calls so',
    zip([{ name: '日本.txt', content: HELLO, flags: 0, host: 11 }]),
    'ARCHIVE_UNSUPPORTED',
    'encoding',
  ],
  [
    'an image of a CD',
    gzipSync(Buffer.concat([Buffer.alloc(32_768), Buffer.from('\x01CD001\x01'), Buffer.alloc(4000, 'x')])),
    'ARCHIVE_UNSUPPORTED',
    'format',
  ],
  [
    'an image of an ext4',
    gzipSync(Buffer.concat([Buffer.alloc(1080), Buffer.from([0x53, 0xef]), Buffer.alloc(4000)])),
    'ARCHIVE_UNSUPPORTED',
    'format',
  ],
  ['nothing but zeros', gzipSync(Buffer.alloc(2048)), 'ARCHIVE_UNSUPPORTED', 'format'],
  [
    'a second table of names in an ar, at which bsdtar ends and of which 7-Zip makes a file',
    ar([
      { name: '//', content: 'x/\n' },
      { name: 'a', content: 'x' },
      { name: '//', content: 'y/\n' },
    ]),
    'ARCHIVE_INVALID',
    'headers-differ',
  ],
  [
    'an ar whose members are links by their mode',
    ar([{ name: 'a', content: 'x', mode: 0o120777 }]),
    'ARCHIVE_INVALID',
    'malformed',
  ],
];

test.each(REFUSED)('%s is refused', async (_, archive, code, reason) => {
  await expect(unpack(where, archive)).rejects.toMatchObject({ code, context: { reason } });
});
