import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { entriesOf, listing, type Place, place, refusal, unpack } from '../../../../test/archives/unpacked.js';
import { zip } from '../../../../test/archives/zip-builder.js';
import { lacks } from '../../../../test/requirements.js';
import { Inflate64Damaged, inflate64 } from '../compression/inflate64.js';

/** Methods of zip besides Deflate, by programs that write them. */

let where: Place;

beforeEach(() => {
  where = place();
});

afterEach(() => {
  where.remove();
});

function makeProduct(): string {
  const product = join(where.folder, 'product');
  mkdirSync(join(product, 'bin'), { recursive: true });
  writeFileSync(join(product, 'bin/small'), 'small');
  writeFileSync(join(product, 'none'), '');
  writeFileSync(join(product, 'noise'), randomBytes(1_200_000));
  writeFileSync(join(product, 'same'), Buffer.alloc(1_500_000, 'a'));
  writeFileSync(join(product, 'lines'), Array.from({ length: 60_000 }, (_, i) => `line ${i}\n`).join(''));
  return product;
}

function packed(command: string, args: readonly string[]): Buffer {
  execFileSync(command, args, { cwd: join(where.folder, 'product'), stdio: ['ignore', 'ignore', 'pipe'] });
  return readFileSync(join(where.folder, 'a.zip'));
}

describe.skipIf(lacks('sevenZip'))('a zip by 7-Zip', () => {
  test.each(['deflate64', 'bzip2', 'lzma', 'xz'])('with %s unpacks to what was packed', async (method) => {
    const expected = listing(makeProduct());
    const tree = await unpack(where, packed('7zz', ['a', '-bd', '-tzip', `-mm=${method}`, '../a.zip', '.']));
    expect(entriesOf(tree)).toEqual(expected);
    expect(listing(where.tree)).toEqual(expected);
  });

  test('with PPMd is refused by name', async () => {
    makeProduct();
    const archive = packed('7zz', ['a', '-bd', '-tzip', '-mm=ppmd', '../a.zip', 'lines']);
    await expect(unpack(where, archive, { name: 'a' })).rejects.toEqual(refusal('a', 'ARCHIVE_UNSUPPORTED', 'PPMd'));
  });
});

describe.skipIf(lacks('python3'))('a zip by Python', () => {
  test.each(['BZIP2', 'LZMA'])('with %s unpacks to what was packed', async (method) => {
    const expected = listing(makeProduct());
    const program = `import zipfile;z=zipfile.ZipFile('../a.zip','w',zipfile.ZIP_${method});[z.write(f) for f in ('none','same','lines','bin/small')];z.close()`;
    await unpack(where, packed('python3', ['-c', program]));
    const { noise, ...others } = expected;
    expect(listing(where.tree)).toEqual(others);
  });
});

test.skipIf(lacks('zstd')).each([93, 20])('Zstandard has the number %i', async (method) => {
  const content = Array.from({ length: 40_000 }, (_, i) => `line ${i}\n`).join('');
  const data = execFileSync('zstd', ['-c'], { input: content });
  const items = ['a', 'b'].map((name) => ({ name, content, method, data }));
  await unpack(where, zip(items));
  for (const name of ['a', 'b']) expect(readFileSync(join(where.tree, name), 'utf8')).toBe(content);
});

test.skipIf(lacks('zip'))('the last part of a split zip is refused as one of several', async () => {
  makeProduct();
  const archive = packed('zip', ['-q', '-r', '-s', '64k', '../a.zip', '.']);
  await expect(unpack(where, archive, { name: 'a' })).rejects.toMatchObject({
    code: 'ARCHIVE_UNSUPPORTED',
    context: { reason: 'multi-part' },
  });
});

describe.skipIf(lacks('sevenZip'))('an entry', () => {
  test.each(['deflate64', 'bzip2', 'lzma', 'xz'])(
    'of %s with any byte changed is refused, or is what it was',
    async (method) => {
      const product = join(where.folder, 'product');
      mkdirSync(product);
      writeFileSync(join(product, 'a'), 'some text, '.repeat(40) + Math.PI);
      const archive = packed('7zz', ['a', '-bd', '-tzip', `-mm=${method}`, '../a.zip', 'a']);
      const expected = listing(product);
      const start = 31;
      const end = archive.indexOf('PK\x01\x02');
      for (let at = start; at < end; at += 3) {
        const damaged = Buffer.from(archive);
        damaged[at] = (damaged[at] ?? 0) ^ 0x10;
        const error = await unpack(where, damaged).catch((thrown: unknown) => thrown);
        if (error instanceof Error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^ARCHIVE_(INVALID|UNSUPPORTED)$/) });
          where.remove();
        } else expect(listing(where.tree)).toEqual(expected);
        where.remove();
        where = place();
      }
    },
  );
});

test('Deflate64 of any bytes ends, in bytes or as damaged', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.nat(20), async (bytes, cut) => {
      const pieces = [Buffer.from(bytes).subarray(0, cut), Buffer.from(bytes).subarray(cut)];
      try {
        for await (const piece of inflate64(iterate(pieces))) expect(piece.length).toBeLessThan(2 ** 19);
      } catch (error) {
        expect(error).toBeInstanceOf(Inflate64Damaged);
      }
    }),
    { numRuns: Number(process.env.PRESTAGE_FUZZ_RUNS ?? 300) },
  );
});

async function* iterate(pieces: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* pieces;
}
