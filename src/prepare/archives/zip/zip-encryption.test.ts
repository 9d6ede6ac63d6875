import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { entriesOf, type Place, place, unpack } from '../../../../test/archives/unpacked.js';
import { lacks } from '../../../../test/requirements.js';

/** Encrypted by other programs: 7-Zip (both ways, and AE-2), Info-ZIP, bsdtar (AE-1 or AE-2 by its version). */

const PASSWORD = 'correct horse';
let where: Place;
let folder: string;
const files = {
  'small.txt': Buffer.from('a little\n'.repeat(50)),
  empty: Buffer.alloc(0),
  'noise.bin': randomBytes(3_000_000),
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'prestage-encrypted-'));
  mkdirSync(join(folder, 'in'));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, 'in', name), content);
  writeFileSync(join(folder, 'in', 'large.txt'), 'text that compresses well\n'.repeat(200_000));
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  where = place();
});
afterEach(() => where.remove());

let made = 0;
function packed(program: string, args: (archive: string) => string[]): Buffer {
  made += 1;
  const archive = join(folder, `${made}.zip`);
  execFileSync(program, args(archive), { cwd: join(folder, 'in'), stdio: 'pipe' });
  return readFileSync(archive);
}

const sevenZip =
  (...options: string[]) =>
  (archive: string) => ['a', '-tzip', `-p${PASSWORD}`, ...options, archive, '.'];
const WAYS: [
  name: string,
  needs: 'sevenZip' | 'zip' | 'bsdtar',
  program: string,
  args: (archive: string) => string[],
][] = [
  ['AES-128 by 7-Zip', 'sevenZip', '7zz', sevenZip('-mem=AES128')],
  ['AES-192 by 7-Zip', 'sevenZip', '7zz', sevenZip('-mem=AES192')],
  ['AES-256 by 7-Zip', 'sevenZip', '7zz', sevenZip('-mem=AES256')],
  ['AES-256 by 7-Zip, stored', 'sevenZip', '7zz', sevenZip('-mem=AES256', '-mx=0')],
  ['AES-256 by 7-Zip, with LZMA', 'sevenZip', '7zz', sevenZip('-mem=AES256', '-mm=LZMA')],
  ['ZipCrypto by 7-Zip', 'sevenZip', '7zz', sevenZip('-mem=ZipCrypto')],
  ['ZipCrypto by Info-ZIP', 'zip', 'zip', (archive) => ['-q', '-r', '-P', PASSWORD, archive, '.']],
  ...(['zipcrypt', 'aes128', 'aes256'] as const).map((way): (typeof WAYS)[number] => [
    `${way} by bsdtar`,
    'bsdtar',
    'bsdtar',
    (archive) => ['-cf', archive, '--format=zip', `--options=zip:encryption=${way}`, '--passphrase', PASSWORD, '.'],
  ]),
];

describe.each(WAYS)('%s', (_, needs, program, args) => {
  describe.skipIf(lacks(needs, 'bsdtar'))('as the program writes it', () => {
    test('unpacks with its password to what was packed, and with no other', async () => {
      const bytes = packed(program, args);
      const tree = entriesOf(await unpack(where, bytes, { password: PASSWORD }));
      where.remove();
      where = place();
      expect(tree).toEqual(
        entriesOf(
          await unpack(
            where,
            packed('bsdtar', (archive) => ['-cf', archive, '--format=zip', '.']),
          ),
        ),
      );
      where.remove();
      where = place();
      const wrong = await unpack(where, bytes, { password: 'wrong' }).catch((error) => error);
      // ZipCrypto compares one byte, so of 128 wrong passwords one is only told by what comes out.
      expect(wrong.message).toMatch(/the password is not the right one|is damaged|larger than it says/);
      where.remove();
      where = place();
      await expect(unpack(where, bytes)).rejects.toMatchObject({
        code: 'ARCHIVE_UNSUPPORTED',
        context: { reason: 'encrypted' },
        hint: expect.stringContaining('password: {fromEnv'),
      });
    });
  });
});

test.skipIf(lacks('sevenZip'))('any byte of an AES entry that is changed is told', async () => {
  writeFileSync(join(folder, 'in', 'small.txt'), files['small.txt']);
  const bytes = packed('7zz', (archive) => ['a', '-tzip', `-p${PASSWORD}`, '-mem=AES256', archive, 'small.txt']);
  const name = bytes.indexOf('small.txt') + 'small.txt'.length + 11;
  for (let at = name; at < name + 60; at += 5) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    await expect(unpack(where, changed, { password: PASSWORD })).rejects.toMatchObject({
      code: expect.stringMatching(/^ARCHIVE_(INVALID|UNSUPPORTED)$/),
    });
    where.remove();
    where = place();
  }
});
