import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { measureArchive } from '../../src/prepare/archives/index.js';
import { entriesOf, listing, place, unpack } from '../archives/unpacked.js';
import { below } from './mutate.js';
import { archiveSeeds } from './seeds.js';
import { refused, type Target } from './target.js';

/** Those of the seeds that are encrypted are so by this one. */
const PASSWORD = 'secret';
const LIMITS = { size: 4 * 1024 ** 2, ratio: 50 };

/** What leads out, and what readers look for; whatever the format. */
const DICTIONARY = [
  ...['../', '/', '\\', 'C:', '\0', '\n', './', '..', 'a/b', '\xff', '\xc3\xa9', 'e\xcc\x81', '../beside/victim'],
  ...[
    'PK\x01\x02',
    'PK\x03\x04',
    'PK\x05\x06',
    'PK\x06\x06',
    'PK\x06\x07',
    'PK\x07\x08',
    '\x01\0\x18\0',
    '\x75\x70\x05\0',
  ],
  ...['ustar\0', 'ustar  \0', '0', '1', '2', '3', '5', 'L', 'K', 'x', 'g', 'S', 'V', '30 path=../beside/victim\n'],
  ...['12 path=a/b\n', '9 size=5\n', '26 GNU.sparse.realsize=99\n', '18 linkpath=../..\n', '././@LongLink\0'],
  ...['070701', '070702', '070707', '07070X', 'TRAILER!!!\0', '000041ED', '0000A1FF', '000021A4'],
  ...['!<arch>\n', '`\n', '//', '/0', '#1/8', 'data.tar', 'debian-binary', '__.SYMDEF', '\x8e\xad\xe8\x01'],
  ...[
    '\x1f\x8b\x08\0',
    'BZh9',
    '1AY&SY',
    '\x17rE8P\x90',
    '\xfd7zXZ\0',
    '\x28\xb5\x2f\xfd',
    'P*M\x18',
    'YZ',
    '7z\xbc\xaf\x27\x1c',
  ],
  ...[
    'CD001',
    'SP\x07\x01\xbe\xef\0',
    'NM\x06\x01\x01a',
    'SL\x07\x01\0\x04\0',
    'CE\x1c\x01',
    'CL\x0c\x01',
    'RE\x04\x01',
    'PX',
    'ZF',
  ],
];

/**
 * Whatever the bytes: a tree that is as it says, or a refusal in words; the same however they come; nothing outside.
 * What an archive's own index says of it is so, where it says that exactly.
 */
export const archive: Target = {
  seeds: archiveSeeds,
  dictionary: DICTIONARY,
  async run(input, random) {
    const options = {
      strip: random() < 0.1 ? 1 : 0,
      ...(random() < 0.1 ? { exclude: ['conf'] } : {}),
      limits: LIMITS,
      password: PASSWORD,
    };
    const where = place();
    const other = place();
    try {
      const whole = await outcome(where, input, options);
      const measured = await refused(/^ARCHIVE_/, () =>
        measureArchive({ file: `${where.folder}/archive.bin`, password: PASSWORD }),
      );
      if (typeof whole === 'object' && measured?.exact && !options.exclude && options.strip === 0) {
        const files = Object.values(whole).filter((entry) => entry.type !== 'dir');
        const bytes = files.reduce((sum, entry) => sum + (entry.type === 'file' ? entry.size : 0), 0);
        assert.deepEqual({ files: measured.files, bytes: measured.bytes }, { files: files.length, bytes });
      }
      if (measured?.format === 'zip' || input.includes('PK\x05\x06') || isOfFilesAlone(input)) return; // their ends come first
      const inPieces = await outcome(other, input, { ...options, chunkBytes: 1 + below(random, 900) });
      assert.equal(
        typeof inPieces,
        typeof whole,
        `by pieces ${JSON.stringify(inPieces)}, as a whole ${JSON.stringify(whole)}`,
      );
      if (typeof whole === 'object') assert.deepEqual(inPieces, whole);
    } finally {
      for (const { outside, remove } of [where, other]) {
        assert.deepEqual(outside(), ['victim', 'untouched']);
        remove();
      }
      assert.equal(existsSync('/tmp/prestage-escaped'), false);
    }
  },
};

function isOfFilesAlone(input: Buffer): boolean {
  if (input.toString('latin1', 32_769, 32_774) === 'CD001') return true;
  return input.subarray(0, 6).equals(Buffer.from('7z\xbc\xaf\x27\x1c', 'latin1'));
}

/** The tree, which must be as its listing says, or the refusal's code. */
async function outcome(where: ReturnType<typeof place>, input: Buffer, options: Parameters<typeof unpack>[2]) {
  let code = '';
  const tree = await refused(
    /^(ARCHIVE_|STEP_FILE_MISSING$)/,
    () => unpack(where, input, options),
    (found) => {
      code = found;
    },
  );
  if (tree === undefined) return code;
  const entries = entriesOf(tree);
  assert.deepEqual(listing(where.tree), entries);
  return entries;
}
