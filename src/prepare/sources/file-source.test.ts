import { appendFile, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sha256 } from '../../core/digest.js';
import { readLocalFile, withProvenFile } from './file-source.js';

const MiB = 1024 * 1024;
const content = Buffer.from(Array.from({ length: 3 * MiB + 7 }, (_, i) => (i * 7 + (i >> 10)) % 256));
let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prestage-file-source-'));
  path = join(folder, 'source.bin');
  await writeFile(path, content);
});
afterEach(() => rm(folder, { recursive: true }));

async function readAll(during: (chunk: number) => Promise<void> = async () => {}): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of readLocalFile(path, sha256(content))) {
    chunks.push(chunk);
    await during(chunks.length);
  }
  return Buffer.concat(chunks);
}

test('gives a file in chunks of at most a mebibyte', async () => {
  const sizes: number[] = [];
  for await (const chunk of readLocalFile(path, sha256(content))) sizes.push(chunk.length);
  expect(sizes).toEqual([MiB, MiB, MiB, 7]);
  expect((await readAll()).equals(content)).toBe(true);
});

test('gives an empty file', async () => {
  await writeFile(path, '');
  const chunks: Buffer[] = [];
  for await (const chunk of readLocalFile(path, sha256(''))) chunks.push(chunk);
  expect(chunks).toEqual([]);
});

test('refuses a file that is not there, with where it was looked for', async () => {
  path = join(folder, 'missing');
  await expect(readAll()).rejects.toMatchObject({ code: 'CONFIG_FILE_MISSING', context: { path } });
});

test('refuses a file of the same length whose digest is another', async () => {
  await writeFile(path, Buffer.from(content).fill(1, 0, 1));
  await expect(readAll()).rejects.toMatchObject({ code: 'SOURCE_CHANGED', context: { expected: sha256(content) } });
});

describe('refuses a file that changes while it is read', () => {
  test.each([
    ['grows', () => appendFile(path, 'more')],
    ['shrinks', () => writeFile(path, content.subarray(0, 2 * MiB))],
    ['is touched', () => utimes(path, new Date(), new Date('2020-01-01'))],
    [
      'is replaced',
      async () => {
        await writeFile(`${path}.new`, content);
        await rename(`${path}.new`, path);
      },
    ],
  ])('%s', async (_, change) => {
    const reading = readAll((chunk) => (chunk === 1 ? change() : Promise.resolve()));
    await expect(reading).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
  });
});

describe('a file that is read at random', () => {
  test('is proven beside the work', async () => {
    await expect(withProvenFile(path, sha256(content), async () => 'done')).resolves.toBe('done');
  });

  test('that has another digest makes the work count for nothing', async () => {
    await expect(withProvenFile(path, sha256('other'), async () => 'done')).rejects.toMatchObject({
      code: 'SOURCE_CHANGED',
    });
  });

  test('that is right leaves the failure to the work', async () => {
    const failing = withProvenFile(path, sha256(content), () => Promise.reject(new Error('bad archive')));
    await expect(failing).rejects.toThrow('bad archive');
  });

  test('that is wrong is the reason, whatever the work failed with', async () => {
    const failing = withProvenFile(path, sha256('other'), () => Promise.reject(new Error('bad archive')));
    await expect(failing).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
  });
});
