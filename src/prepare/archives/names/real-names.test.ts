import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listing, type Place, place, refusal, unpack } from '../../../../test/archives/unpacked.js';
import { zip } from '../../../../test/archives/zip-builder.js';
import { lacks } from '../../../../test/requirements.js';

/** Archives whose names are in other encodings, by programs that write them so. */

let where: Place;

beforeEach(() => {
  where = place();
});

afterEach(() => {
  where.remove();
});

const NAMES = ['資料/テスト.txt', '資料/日本語.txt', 'ソフト.ini'];

/** Files, by their names in an encoding, as a system has them that knows no other. */
function makeFiles(codec: string): string {
  const program =
    'import os,sys,json\nfor n in json.loads(sys.stdin.read()):\n p=os.path.join(b"files",n.encode(sys.argv[1]))\n os.makedirs(os.path.dirname(p),exist_ok=True)\n open(p,"w").write(n)';
  execFileSync('python3', ['-c', program, codec], { cwd: where.folder, input: JSON.stringify(NAMES) });
  return join(where.folder, 'files');
}

function pack(command: string): Buffer {
  execFileSync('sh', ['-c', command], { cwd: join(where.folder, 'files'), env: { ...process.env, LC_ALL: 'C' } });
  return readFileSync(join(where.folder, 'packed'));
}

function expectNames(): void {
  const files = Object.entries(listing(where.tree)).filter(([, { type }]) => type === 'file');
  expect(files.map(([path]) => path).sort()).toEqual([...NAMES].sort());
  for (const name of NAMES) expect(readFileSync(join(where.tree, name), 'utf8')).toBe(name);
}

describe.skipIf(lacks('python3'))('names in cp932', () => {
  test.each<[string, string, Parameters<typeof lacks>[0]]>([
    ['tar by GNU tar', 'tar cf ../packed *', 'python3'],
    ['pax by bsdtar, raw', 'bsdtar --format=gnutar -cf ../packed *', 'bsdtar'],
    ['zip by Info-ZIP', 'zip -qr ../packed.zip . && mv ../packed.zip ../packed', 'zip'],
    ['cpio by GNU cpio', 'find . -mindepth 1 | cpio -o --quiet -H newc > ../packed', 'cpio'],
  ])('in a %s are asked for, and then as they were', async (_, command, needs) => {
    if (lacks(needs)) return;
    makeFiles('cp932');
    const archive = pack(command);
    const error = await unpack(where, archive, { name: 'a' }).catch((thrown: unknown) => thrown);
    expect(error).toEqual(refusal('a', 'ARCHIVE_UNSUPPORTED', 'is not UTF-8'));
    expect(error).toMatchObject({ hint: expect.stringContaining('`extract: {encoding: cp932}` for "') });
    where.remove();
    where = place();
    await unpack(where, archive, { encoding: 'cp932' });
    expectNames();
  });
});

describe.skipIf(lacks('sevenZip'))('a zip by 7-Zip', () => {
  test.each(['932', '936', '949', '866', '1251'])(
    'with names in code page %s is read as it was written',
    async (page) => {
      const name = { 932: '設定', 936: '设置', 949: '설정', 866: 'Папка', 1251: 'Папка' }[page] ?? '';
      const encoding = ({ 932: 'cp932', 936: 'gbk', 949: 'euc-kr', 866: 'cp866', 1251: 'windows-1251' } as const)[page];
      mkdirSync(join(where.folder, 'files', name), { recursive: true });
      writeFileSync(join(where.folder, 'files', name, 'a.txt'), 'a');
      const options = ['a', '-tzip', '-mcu=off', '-mcl=off', `-mcp=${page}`, '-bd', '../packed.zip', name];
      execFileSync('7zz', options, { cwd: join(where.folder, 'files'), stdio: 'ignore' });
      const archive = readFileSync(join(where.folder, 'packed.zip'));
      await unpack(where, archive, encoding === undefined ? {} : { encoding });
      expect(Object.keys(listing(where.tree))).toEqual([name, `${name}/a.txt`]);
    },
  );
});

test.each([
  ['a name that is not in the encoding that was said', 'cp932', Buffer.from([0x83, 0x2e])],
  ['a name that is not UTF-8, as was said', 'utf-8', Buffer.from([0x81])],
] as const)('refuses %s', async (_, encoding, name) => {
  await expect(
    unpack(where, zip([{ name, flags: 0, data: Buffer.from('a') }]), { name: 'a', encoding }),
  ).rejects.toEqual(refusal('a', 'ARCHIVE_UNSUPPORTED', `that is not ${encoding}`));
});
