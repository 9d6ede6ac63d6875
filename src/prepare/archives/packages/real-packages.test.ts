import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { entriesOf, listing, type Place, place, unpack } from '../../../../test/archives/unpacked.js';
import { lacks } from '../../../../test/requirements.js';

/** Packages by the programs that make them, compared with what their own counterparts unpack. */

let where: Place;
let product: string;

beforeEach(() => {
  where = place();
  product = join(where.folder, 'product');
  mkdirSync(join(product, 'usr/bin'), { recursive: true });
  mkdirSync(join(product, 'etc/empty'), { recursive: true });
  writeFileSync(join(product, 'usr/bin/run'), '#!/bin/sh\necho run\n', { mode: 0o755 });
  writeFileSync(join(product, 'etc/größe.conf'), 'a=1\n');
  writeFileSync(join(product, 'etc/none'), '');
  writeFileSync(join(product, 'etc/big'), Buffer.alloc(2_500_001, 'abcdefghij'));
  for (let i = 0; i < 40; i += 1) writeFileSync(join(product, `etc/f${i}`), 'line\n'.repeat(i * 7));
  symlinkSync('../usr/bin/run', join(product, 'etc/run'));
});
afterEach(() => where.remove());

function run(command: string): void {
  execFileSync('sh', ['-ec', command], { cwd: where.folder, stdio: ['ignore', 'ignore', 'pipe'] });
}

const read = (name: string) => readFileSync(join(where.folder, name));

function linkNames(): void {
  linkSync(join(product, 'usr/bin/run'), join(product, 'usr/bin/also'));
  linkSync(join(product, 'etc/big'), join(product, 'etc/big-too'));
  linkSync(join(product, 'etc/big'), join(product, 'etc/another-big'));
  linkSync(join(product, 'etc/none'), join(product, 'etc/none-too'));
}

async function refusedAtEachCut(archive: Buffer, step: number): Promise<void> {
  for (let length = 120; length < archive.length - 1; length += step) {
    const cut = unpack(where, archive.subarray(0, length), { chunkBytes: 5000 });
    await expect(cut).rejects.toMatchObject({ code: expect.stringMatching(/^ARCHIVE_(INVALID|UNSUPPORTED)$/) });
    where.remove();
    where = place();
  }
}

describe.skipIf(lacks('cpio'))('cpio', () => {
  test.each(['newc', 'crc', 'odc'])('in the format %s unpacks to what was packed, hard links too', async (format) => {
    linkNames();
    run(`cd product && find . | LC_ALL=C sort | cpio --quiet -o -H ${format} > ../a.cpio`);
    const tree = await unpack(where, read('a.cpio'));
    expect(entriesOf(tree)).toEqual(listing(product));
    expect(listing(where.tree)).toEqual(listing(product));
  });

  test.each(['newc', 'odc'])('by bsdtar, compressed, in the format %s unpacks the same', async (format) => {
    if (lacks('bsdtar')) return;
    linkNames();
    run(`bsdtar -C product --format=${format} -czf a.cpio.gz .`);
    expect(entriesOf(await unpack(where, read('a.cpio.gz')))).toEqual(listing(product));
  });

  test('is refused wherever it is cut off, with a wrong sum, and with more after it', async () => {
    run('cd product && find etc | cpio --quiet -o -H crc > ../a.cpio');
    const archive = read('a.cpio');
    const at = archive.indexOf('line\n');
    const damaged = Buffer.from(archive);
    damaged[at] = 0x4c;
    await expect(unpack(where, damaged)).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringContaining('checksum'),
    });
    where.remove();
    where = place();
    await expect(unpack(where, Buffer.concat([archive, archive]))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
    where.remove();
    where = place();
    await refusedAtEachCut(archive.subarray(0, archive.lastIndexOf('TRAILER!!!') + 10), 100_003);
  });

  test('with a path out of the tree, a device, or a link out is refused', async () => {
    const entry = (name: string, mode: number, content = '') => {
      const fields = [1, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length + 1, 0];
      const head = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`;
      const padded = (part: string) => part + '\0'.repeat((4 - (part.length % 4)) % 4);
      return padded(head) + padded(content);
    };
    const archive = (...entries: string[]) => Buffer.from([...entries, entry('TRAILER!!!', 0)].join(''));
    for (const hostile of [
      [entry('../beside/victim', 0o100644, 'x')],
      [entry('/tmp/x', 0o100644, 'x')],
      [entry('dev', 0o020644)],
      [entry('pipe', 0o010644)],
      [entry('l', 0o120777, '../beside'), entry('l/victim', 0o100644, 'x')],
      [entry('a', 0o100644, 'x'), entry('a', 0o100644, 'y')],
    ]) {
      await expect(unpack(where, archive(...hostile))).rejects.toMatchObject({ code: 'ARCHIVE_UNSAFE' });
      expect(where.outside()).toEqual(['victim', 'untouched']);
      where.remove();
      where = place();
    }
  });
});

describe.skipIf(lacks('ar'))('ar', () => {
  test('unpacks to what was packed, with long names, and without its symbol table', async () => {
    const folder = join(where.folder, 'members');
    mkdirSync(folder);
    writeFileSync(join(folder, 'short'), 'odd');
    writeFileSync(join(folder, `${'long'.repeat(20)}.txt`), 'even');
    writeFileSync(join(folder, 'with space and more of it'), Buffer.alloc(1_500_001, 'x'));
    run('cd members && ar qc ../a.ar *');
    expect(entriesOf(await unpack(where, read('a.ar')))).toEqual(listing(folder));
    where.remove();
  });

  test('is refused where it is cut off', async () => {
    run('cd product/etc && ar qc ../../a.ar f1 f2 f3 big');
    await refusedAtEachCut(read('a.ar'), 300_007);
  });
});

describe.skipIf(lacks('dpkgDeb'))('a Debian package', () => {
  function pack(options: string): Buffer {
    cpSync(product, join(where.folder, 'deb'), { recursive: true, verbatimSymlinks: true });
    mkdirSync(join(where.folder, 'deb/DEBIAN'));
    const control = 'Package: some\nVersion: 1\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: some\n';
    writeFileSync(join(where.folder, 'deb/DEBIAN/control'), control);
    run(`dpkg-deb ${options} --root-owner-group -b deb a.deb`);
    return read('a.deb');
  }

  test.each(['-Zxz', '-Zgzip', '-Znone', '-Zxz -z0'])('made with %s unpacks to its files', async (options) => {
    const archive = pack(options);
    expect(entriesOf(await unpack(where, archive))).toEqual(listing(product));
    where.remove();
    where = place();
    const tree = await unpack(where, archive, { chunkBytes: 777, strip: 1, include: ['bin/run'] });
    expect([...tree.entries.keys()]).toEqual(['bin', 'bin/run']);
  });

  test('with zstd, as Ubuntu makes them, unpacks to its files', async () => {
    if (lacks('zstd', 'ar')) return;
    pack('-Znone');
    run('ar x a.deb && zstd -q data.tar && rm data.tar && ar qc b.deb debian-binary control.tar* data.tar.zst');
    expect(entriesOf(await unpack(where, read('b.deb')))).toEqual(listing(product));
  });

  test('is refused without its files, with them twice, and where it is cut off', async () => {
    if (lacks('ar')) return;
    const archive = pack('-Zgzip');
    run('ar x a.deb && ar qc no.deb debian-binary control.tar.gz && cp a.deb two.deb && ar q two.deb data.tar.gz');
    await expect(unpack(where, read('no.deb'))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
    await expect(unpack(where, read('two.deb'))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
    where.remove();
    where = place();
    await refusedAtEachCut(archive, 1709);
  });

  test.each((process.env.PRESTAGE_TEST_DEBS ?? '').split(' ').filter(Boolean))(
    'of a distribution unpacks to what dpkg-deb makes of it: %s',
    async (file) => {
      run(`dpkg-deb -x ${file} expected`);
      expect(entriesOf(await unpack(where, readFileSync(file)))).toEqual(listing(join(where.folder, 'expected')));
    },
  );
});

describe.skipIf(lacks('rpmbuild', 'cpio'))('an rpm', () => {
  function pack(payload: string): Buffer {
    const top = join(where.folder, 'rpm');
    mkdirSync(top);
    const spec = [
      'Name: some\nVersion: 1\nRelease: 1\nSummary: some\nLicense: none\nBuildArch: noarch\nAutoReqProv: no',
      `%define _binary_payload ${payload}`,
      '%define __os_install_post %{nil}',
      '%description\nsome\n%install',
      `mkdir -p %{buildroot}/opt && cp -a ${product} %{buildroot}/opt/`,
      '%files\n/opt/product\n',
    ].join('\n');
    writeFileSync(join(top, 'some.spec'), spec);
    run(`HOME=${where.folder} rpmbuild --define '_topdir ${top}' --nodeps -bb rpm/some.spec`);
    const folder = join(top, 'RPMS/noarch');
    return readFileSync(join(folder, readdirSync(folder)[0] ?? ''));
  }

  test.each(['w6.gzdio', 'w6.zstdio', 'w6.bzdio', 'w6.xzdio'])(
    'with the payload %s unpacks to what rpm2cpio and cpio make of it',
    async (payload) => {
      linkNames();
      writeFileSync(join(where.folder, 'a.rpm'), pack(payload));
      run('mkdir expected && cd expected && rpm2cpio ../a.rpm | cpio --quiet -idm');
      const expected = listing(join(where.folder, 'expected'));
      expect(existsSync(join(where.folder, 'expected/opt/product/usr/bin/run'))).toBe(true);
      expect(entriesOf(await unpack(where, read('a.rpm')))).toEqual(expected);
    },
  );

  test('is refused where it is cut off, and where a byte of its header or its payload differs', async () => {
    const archive = pack('w6.gzdio');
    const payloadAt = archive.lastIndexOf(Buffer.from([0x1f, 0x8b, 8]));
    for (const at of [payloadAt - 300, payloadAt + 4, archive.length - 700]) {
      const damaged = Buffer.from(archive);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      const refused = unpack(where, damaged);
      await expect(refused).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
      where.remove();
      where = place();
    }
    await refusedAtEachCut(archive, 3011);
  });
});
