import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { entriesOf, listing, type Place, place, unpack } from '../../../test/archives/unpacked.js';
import { lacks } from '../../../test/requirements.js';
import { measureArchive } from './index.js';

/** Archives by the programs that people use, compared with what their own counterparts make of them. */

let origin: Place;
let where: Place;
const product = () => join(origin.folder, 'product');

beforeAll(() => {
  origin = place();
  mkdirSync(join(product(), 'bin'), { recursive: true });
  mkdirSync(join(product(), 'conf/empty'), { recursive: true });
  mkdirSync(join(product(), `deep/${'d'.repeat(80)}/${'e'.repeat(80)}`), { recursive: true });
  writeFileSync(join(product(), 'bin/run.sh'), '#!/bin/sh\necho run\n');
  chmodSync(join(product(), 'bin/run.sh'), 0o750);
  writeFileSync(join(product(), 'conf/app.properties'), 'a=1\n');
  chmodSync(join(product(), 'conf/app.properties'), 0o600);
  writeFileSync(join(product(), 'conf/none'), '');
  writeFileSync(join(product(), 'conf/block'), 'x'.repeat(512));
  writeFileSync(join(product(), `deep/${'d'.repeat(80)}/${'e'.repeat(80)}/${'f'.repeat(120)}`), 'deep');
  writeFileSync(join(product(), 'größe-日本.txt'), 'umlaut');
  writeFileSync(join(product(), 'big.bin'), Buffer.alloc(3_500_000, 'abcdefghij'));
  for (let i = 0; i < 300; i += 1) writeFileSync(join(product(), `conf/f${i}`), 'line\n'.repeat(i * 7));
});
afterAll(() => origin.remove());
beforeEach(() => {
  where = place();
});
afterEach(() => where.remove());

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { cwd: origin.folder, stdio: ['ignore', 'ignore', 'pipe'] });
}

describe('a tar by GNU tar', () => {
  beforeAll(() => {
    const linked = join(origin.folder, 'linked');
    cpSync(product(), linked, { recursive: true });
    symlinkSync('conf/app.properties', join(linked, 'props'));
    symlinkSync('../conf', join(linked, 'bin/conf'));
    symlinkSync('../'.repeat(2) + 'f'.repeat(110), join(linked, 'deep', 'd'.repeat(80), 'long'));
    linkSync(join(linked, 'bin/run.sh'), join(linked, 'bin/same.sh'));
    linkSync(join(linked, 'big.bin'), join(linked, 'big-too.bin'));
  });

  test.each(['gnu', 'pax', 'oldgnu', 'posix'])('in the format %s unpacks to what tar makes of it', async (format) => {
    run('tar', `--format=${format}`, '-cf', 'a.tar', 'linked');
    const archive = readFileSync(join(origin.folder, 'a.tar'));
    const tree = await unpack(where, archive);
    run('tar', '-xf', 'a.tar', '-C', 'beside');
    const expected = listing(join(origin.folder, 'beside/linked'));
    expect(entriesOf(tree)).toEqual(
      Object.fromEntries(Object.entries({ linked: { type: 'dir', mode: 0o755 }, ...prefixed(expected) })),
    );
    expect(listing(where.tree)).toEqual(entriesOf(tree));
  });

  test.each(['ustar', 'v7'])(
    'in the format %s, whose names are short, unpacks to what tar makes of it',
    async (format) => {
      run('tar', `--format=${format}`, '-cf', 'a.tar', 'linked/bin', 'linked/conf', 'linked/props');
      const tree = await unpack(where, readFileSync(join(origin.folder, 'a.tar')), { strip: 1 });
      const { bin, conf, props } = entriesOf(tree);
      expect([bin?.type, conf?.type, props?.type]).toEqual(['dir', 'dir', 'link']);
      expect(listing(where.tree)).toEqual(entriesOf(tree));
      expect(Object.keys(entriesOf(tree)).length).toBe(3 + 2 + 1 + 300 + 4);
    },
  );

  test.each([1, 511, 512, 513, 4096, 100_000])(
    'gives the same when it comes in chunks of %i bytes, also compressed',
    async (chunkBytes) => {
      run('tar', '-cf', 'a.tar', 'product/conf/f1', 'product/conf/f2', 'product/bin');
      const archive = readFileSync(join(origin.folder, 'a.tar'));
      const expected = entriesOf(await unpack(where, archive));
      where.remove();
      where = place();
      expect(entriesOf(await unpack(where, archive, { chunkBytes }))).toEqual(expected);
      where.remove();
      where = place();
      expect(entriesOf(await unpack(where, gzipSync(archive), { chunkBytes }))).toEqual(expected);
    },
  );

  test('as gzip of several members is read through all of them', async () => {
    run('tar', '-cf', 'a.tar', 'product');
    const archive = readFileSync(join(origin.folder, 'a.tar'));
    const members = [
      gzipSync(archive.subarray(0, 1000)),
      gzipSync(archive.subarray(1000, 700_000)),
      gzipSync(archive.subarray(700_000)),
    ];
    const tree = await unpack(where, Buffer.concat([...members, Buffer.alloc(777)]));
    expect(entriesOf(tree)).toEqual({
      product: { type: 'dir', mode: 0o755 },
      ...prefixed(listing(product()), 'product/'),
    });
  });

  test('gives the same tree whatever the order and the times of its entries', async () => {
    run('tar', '-cf', 'a.tar', 'product/bin', 'product/conf', 'product/big.bin');
    run('tar', '-cf', 'b.tar', '--mtime=1999-01-01', '--owner=7', 'product/big.bin', 'product/conf', 'product/bin');
    const one = entriesOf(await unpack(where, readFileSync(join(origin.folder, 'a.tar'))));
    const other = place();
    expect(entriesOf(await unpack(other, readFileSync(join(origin.folder, 'b.tar'))))).toEqual(one);
    other.remove();
  });

  test('is measured before it is unpacked', async () => {
    run('tar', '-cf', 'a.tar', 'product');
    run('tar', '-czf', 'a.tgz', 'product');
    const all = Object.values(listing(product())).filter(({ type }) => type === 'file');
    const bytes = all.reduce((sum, entry) => sum + (entry.type === 'file' ? entry.size : 0), 0);
    const file = (name: string) => ({ file: join(origin.folder, name) });
    expect(await measureArchive(file('a.tar'))).toEqual({ format: 'tar', files: all.length, bytes, exact: true });
    const { length } = readFileSync(join(origin.folder, 'a.tar'));
    expect(await measureArchive(file('a.tgz'))).toEqual({
      format: 'tar.gz',
      files: undefined,
      bytes: length,
      exact: false,
    });
    expect(await measureArchive({ file: join(product(), 'conf/f1') })).toBeUndefined();
  });
});

describe.skipIf(lacks('makeself'))('a self-extracting installer by makeself', () => {
  test.each(['--gzip', '--xz', '--nocomp'])(
    'with %s is unpacked to what it unpacks itself to, and is not run',
    async (option) => {
      run('makeself', option, '--nox11', '--notemp', 'product/conf', 'a.run', 'a product', 'touch', 'was-run');
      run('sh', 'a.run', '--quiet', '--noexec', '--target', 'beside/made');
      const installer = readFileSync(join(origin.folder, 'a.run'));
      const tree = await unpack(where, installer);
      expect(entriesOf(tree)).toEqual(listing(join(origin.folder, 'beside/made')));
      expect(listing(where.tree)).toEqual(entriesOf(tree));
      expect(Object.keys(entriesOf(tree))).not.toContain('was-run');
      rmSync(join(origin.folder, 'beside/made'), { recursive: true });

      const remote = place();
      expect(entriesOf(await unpack(remote, installer, { chunkBytes: 10_000 }))).toEqual(entriesOf(tree));
      remote.remove();
    },
  );
});

describe.skipIf(lacks('zip'))('a zip by Info-ZIP', () => {
  beforeAll(() => {
    cpSync(product(), join(origin.folder, 'zipped'), { recursive: true });
    symlinkSync('../conf', join(origin.folder, 'zipped/bin/conf'));
  });

  // For links, some builds of zip say that they cannot have descriptors (-fd).
  test.each([['-9'], ['-0'], ['-fz'], ['-fd', '-x', 'zipped/bin/conf']])(
    'made with %s unpacks to what unzip makes of it',
    async (...flags) => {
      run('rm', '-rf', 'a.zip', 'beside/zipped');
      run('zip', '-qry', 'a.zip', 'zipped', ...flags);
      const tree = await unpack(where, readFileSync(join(origin.folder, 'a.zip')));
      run('unzip', '-q', 'a.zip', '-d', 'beside');
      const expected = listing(join(origin.folder, 'beside/zipped'));
      expect(entriesOf(tree)).toEqual({ zipped: { type: 'dir', mode: 0o755 }, ...prefixed(expected, 'zipped/') });
      expect(listing(where.tree)).toEqual(entriesOf(tree));
    },
  );

  test('written to a pipe, with its sizes after the data, is read by its directory', async () => {
    run('sh', '-c', 'zip -qr - product/conf product/big.bin | cat > b.zip');
    const tree = await unpack(where, readFileSync(join(origin.folder, 'b.zip')));
    const expected = {
      ...prefixed(listing(join(product(), 'conf')), 'product/conf/'),
      'product/big.bin': expect.anything(),
    };
    expect(entriesOf(tree)).toMatchObject(expected);
  });

  test('is found behind a program, whether its offsets were adjusted or not', async () => {
    run('rm', '-f', 'c.zip');
    run('zip', '-qr', 'c.zip', 'product/bin');
    const program = Buffer.from('#!/bin/sh\nexec java -jar "$0"\n');
    const joined = Buffer.concat([program, readFileSync(join(origin.folder, 'c.zip'))]);
    expect(Object.keys(entriesOf(await unpack(where, joined)))).toContain('product/bin/run.sh');
    writeFileSync(join(origin.folder, 'c.exe'), joined);
    run('zip', '-qA', 'c.exe');
    const other = place();
    expect(Object.keys(entriesOf(await unpack(other, readFileSync(join(origin.folder, 'c.exe')))))).toContain(
      'product/bin/run.sh',
    );
    other.remove();
  });

  test('is measured exactly before it is unpacked', async () => {
    run('rm', '-f', 'd.zip');
    run('zip', '-qr', 'd.zip', 'product/conf');
    const files = Object.values(listing(join(product(), 'conf'))).filter(({ type }) => type === 'file');
    const bytes = files.reduce((sum, entry) => sum + (entry.type === 'file' ? entry.size : 0), 0);
    expect(await measureArchive({ file: join(origin.folder, 'd.zip') })).toEqual({
      format: 'zip',
      files: files.length,
      bytes,
      exact: true,
    });
  });

  test('that is cut off anywhere is refused', async () => {
    run('rm', '-f', 'e.zip');
    run('zip', '-qr', 'e.zip', 'product/conf/f1', 'product/conf/f9', 'product/bin');
    const archive = readFileSync(join(origin.folder, 'e.zip'));
    for (let length = 4; length < archive.length; length += 1) {
      await expect(unpack(where, archive.subarray(0, length))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
    }
    expect(listing(where.tree)).toEqual({});
  });
});

test.skipIf(lacks('python3'))("zips by Python's zipfile: zip64 forced, a comment, a member of each size", async () => {
  const script = `
import zipfile
with zipfile.ZipFile('p.zip', 'w', zipfile.ZIP_DEFLATED) as z:
    with z.open('a/forced', 'w', force_zip64=True) as f: f.write(b'forced' * 1000)
    z.writestr('a/grüße', 'umlaut')
    z.writestr('a/big', bytes(range(256)) * 20000, zipfile.ZIP_STORED)
    z.writestr('a/large', bytes(range(256)) * 20000)
    z.comment = b'a comment'
`;
  run('python3', '-c', script);
  const tree = await unpack(where, readFileSync(join(origin.folder, 'p.zip')));
  expect([...tree.entries.keys()].sort()).toEqual(['a', 'a/big', 'a/forced', 'a/grüße', 'a/large']);
  run('python3', '-m', 'zipfile', '-e', 'p.zip', 'beside/python');
  expect(entriesOf(tree)).toEqual(listing(join(origin.folder, 'beside/python')));
});

test.skipIf(lacks('bsdtar'))('archives by bsdtar, as zip and as pax, hold the same tree', async () => {
  cpSync(product(), join(origin.folder, 'bsd'), { recursive: true });
  appendFileSync(join(origin.folder, 'bsd/conf/none'), 'more');
  symlinkSync('conf', join(origin.folder, 'bsd/link'));
  run('bsdtar', '--format=zip', '-cf', 'bsd.zip', 'bsd');
  run('bsdtar', '--format=pax', '-czf', 'bsd.tgz', 'bsd');
  const other = place();
  const zip = await unpack(where, readFileSync(join(origin.folder, 'bsd.zip')));
  const tgz = await unpack(other, readFileSync(join(origin.folder, 'bsd.tgz')));
  expect(entriesOf(zip)).toEqual(entriesOf(tgz));
  expect(zip.entries.get('bsd/link')).toEqual({ type: 'link', target: 'conf' });
  other.remove();
});

test.skipIf(lacks('javac'))('a jar by the JDK is a zip', async () => {
  run('jar', '--create', '--file', 'j.jar', '-C', 'product', 'conf', '-C', 'product', 'größe-日本.txt');
  const tree = await unpack(where, readFileSync(join(origin.folder, 'j.jar')));
  expect(tree.entries.has('META-INF/MANIFEST.MF')).toBe(true);
  expect(tree.entries.get('größe-日本.txt')).toMatchObject({ size: 6 });
});

function prefixed<T>(entries: Record<string, T>, prefix = 'linked/'): Record<string, T> {
  return Object.fromEntries(Object.entries(entries).map(([path, entry]) => [prefix + path, entry]));
}
