import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { lacks } from '../../../../test/requirements.js';
import type { NameEncoding } from '../../../plan/index.js';
import { likelyEncodings, looksLikeCp437 } from './likely-encodings.js';
import { nameText } from './name-text.js';

/** Names as people have them, and Python's word for the encoding that programs wrote them in. */
const NAMES: readonly (readonly [NameEncoding, codec: string, names: readonly string[]])[] = [
  [
    'cp437',
    'cp437',
    ['Größe.txt', 'Öl', 'für Jäger.txt', 'été.txt', 'répété/créée', 'mañana', 'ça', 'où', 'hyvää yötä'],
  ],
  ['cp850', 'cp850', ['À propos.txt', 'São Paulo']],
  ['cp852', 'cp852', ['łódź.txt', 'český', 'příliš']],
  ['windows-1252', 'cp1252', ['Größe.txt', 'café', 'façade', '10 € – Œuvre']],
  ['windows-1250', 'cp1250', ['žluťoučký', 'Łódź']],
  [
    'cp932',
    'cp932',
    ['テスト.txt', '日本語.txt', 'データ.csv', 'ハナ.txt', 'メモ', '新しいフォルダ/ファイル.txt', 'ソフト'],
  ],
  ['euc-jp', 'euc_jp', ['テスト.txt', 'はじめに']],
  ['gbk', 'gbk', ['新建文件夹/文件.txt', '测试', '说明文档.doc']],
  ['gb18030', 'gb18030', ['测试', '𠀀']],
  ['big5', 'big5', ['測試檔案', '說明文件.doc']],
  ['euc-kr', 'euc_kr', ['한글.txt', '새 폴더/문서.txt', '설명서.doc']],
  ['cp866', 'cp866', ['Документ.txt', 'ТЕСТ', 'ДА', 'Новая папка/файл.txt']],
  ['windows-1251', 'cp1251', ['Документ.txt', 'привет', 'Новая папка/файл.txt']],
  ['koi8-r', 'koi8_r', ['Документ.txt', 'ПРИВЕТ', 'привет']],
  ['koi8-u', 'koi8_u', ['їжак']],
  ['iso-8859-2', 'iso8859_2', ['łódź']],
  ['iso-8859-7', 'iso8859_7', ['Ελληνικά']],
  ['iso-8859-15', 'iso8859_15', ['10 €']],
  ['windows-1253', 'cp1253', ['Ελληνικά']],
  ['windows-1255', 'cp1255', ['שלום']],
  ['windows-1256', 'cp1256', ['مرحبا']],
  ['windows-874', 'cp874', ['ไทย']],
  ['macintosh', 'mac_roman', ['Größe']],
];

/** What no guess finds: too rare, or the same bytes as others. */
const NOT_GUESSED = new Set(['gb18030', 'koi8-u', 'macintosh', 'windows-874', 'windows-1250']);

describe.skipIf(lacks('python3'))('names that Python encodes', () => {
  const encoded = encodedByPython();

  test.each(NAMES)('in %s are decoded', (encoding, _, names) => {
    const bytes = names.map((name) => encoded.get(`${encoding} ${name}`) ?? Buffer.alloc(0));
    expect(bytes.map((name) => nameText(name, encoding))).toEqual(names);
  });

  const guessed = NAMES.filter(([encoding]) => !NOT_GUESSED.has(encoding) && !/^iso|windows-125[3-8]/.test(encoding));
  test.each(guessed.slice(1))(
    'in %s are not taken for code page 437, and are told how they would look',
    (encoding, _, names) => {
      const bytes = names.map((name) => encoded.get(`${encoding} ${name}`) ?? Buffer.alloc(0));
      expect(bytes.some((name) => !looksLikeCp437(name))).toBe(true);
      expect(likelyEncodings(bytes)[0]).toBe(encoding);
    },
  );

  test('in cp437 are taken for it, with the letters that words of Western Europe have', () => {
    const names = NAMES[0]?.[2] ?? [];
    expect(names.filter((name) => !looksLikeCp437(encoded.get(`cp437 ${name}`) ?? Buffer.alloc(0)))).toEqual([]);
  });
});

test.each<[string, NameEncoding, string]>([
  ['half a letter', 'cp932', '83'],
  ['a byte that stands for nothing', 'windows-1252', '81'],
  ['a letter for private use', 'cp932', 'f040'],
  ['what is in UTF-8 not the shortest form', 'utf-8', 'c0af'],
])('is no text: %s', (_, encoding, hex) => {
  expect(nameText(Buffer.from(hex, 'hex'), encoding)).toBeUndefined();
});

test('is the same text in all of them where it is ASCII', () => {
  const ascii = Buffer.from(Array.from({ length: 128 }, (_, i) => i));
  for (const [encoding] of NAMES) expect(nameText(ascii, encoding)).toBe(ascii.toString('latin1'));
});

function encodedByPython(): Map<string, Buffer> {
  const lines = NAMES.flatMap(([encoding, codec, names]) => names.map((name) => [encoding, codec, name] as const));
  const program = 'import json,sys; print(json.dumps([n.encode(c).hex() for _,c,n in json.loads(sys.stdin.read())]))';
  const options = { input: JSON.stringify(lines), env: { ...process.env, PYTHONIOENCODING: 'utf-8' } };
  const hex = JSON.parse(execFileSync('python3', ['-c', program], options).toString()) as string[];
  return new Map(lines.map(([encoding, , name], i) => [`${encoding} ${name}`, Buffer.from(hex[i] ?? '', 'hex')]));
}
