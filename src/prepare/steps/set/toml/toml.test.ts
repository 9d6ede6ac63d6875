import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lacks } from '../../../../../test/requirements.js';
import { PrestageError } from '../../../../core/errors.js';
import { applySet, type SetValue } from '../index.js';

const set = (text: string, values: Record<string, SetValue>) =>
  applySet(Buffer.from(text), 'toml', values, 'app.toml').content.toString();

test.each<[name: string, before: string, key: string, value: SetValue, after: string]>([
  ['a string', 'a = "b" # c\n', 'a', 'd"\\\n\u007F', 'a = "d\\"\\\\\\n\\u007F" # c\n'],
  ['a literal string', "a = 'C:\\b'\n", 'a', 'D:\\c', "a = 'D:\\c'\n"],
  ['what a literal string cannot hold', "a = 'b'\n", 'a', "it's", 'a = "it\'s"\n'],
  ['a string of lines', 'a = """\nb\nc"""\n', 'a', 'x\n"""\\', 'a = """\nx\n\\"\\"\\"\\\\"""\n'],
  ['a literal of lines', "a = '''\nb'''\n", 'a', 'x\\\ny', "a = '''\nx\\\ny'''\n"],
  ['a line in the place of lines', 'a = """\nb\nc"""\n', 'a', 'x', 'a = "x"\n'],
  ['lines where line ends are CRLF', 'a = """\r\nb\r\nc"""\r\n', 'a', 'x\ny', 'a = "x\\ny"\r\n'],
  ['an integer', 'a = 0xFF\n', 'a', 1, 'a = 1\n'],
  ['an integer of more than 64 bits as a float', 'a=1\n', 'a', 1e20, 'a=100000000000000000000.0\n'],
  ['a float stays one', 'a=1.5\nb=1\n', 'a', 2, 'a=2.0\nb=1\n'],
  ['an integer too big for a double', 'a = 9223372036854775807\n', 'a', 2, 'a = 2\n'],
  ['a boolean', 'a = true\n', 'a', false, 'a = false\n'],
  ['a key of a table', 'x = 1\n[a]\nx = 1\n[a.b]\nx = 1\n', 'a.b.x', 2, 'x = 1\n[a]\nx = 1\n[a.b]\nx = 2\n'],
  ['a dotted key', 'a . b = 1\n', 'a.b', 2, 'a . b = 2\n'],
  ['a quoted key', '[a."b.c"]\n"d" = 1\n', 'a."b.c".d', 2, '[a."b.c"]\n"d" = 2\n'],
  ['a quoted key, its dots unquoted', '[a."b.c"]\nd = 1\n', 'a.b.c.d', 2, '[a."b.c"]\nd = 2\n'],
  ['a key of an inline table', 'a = { b = 1, c = { d = 1 } }\n', 'a.c.d', 2, 'a = { b = 1, c = { d = 2 } }\n'],
  ['an item', 'a = [\n  1, # one\n  2,\n]\n', 'a.0', 3, 'a = [\n  3, # one\n  2,\n]\n'],
  ['a key of one of several tables', '[[a]]\nb = 1\n[[a]]\nb = 1\n', 'a.1.b', 2, '[[a]]\nb = 1\n[[a]]\nb = 2\n'],
  [
    'a key below one of several tables',
    '[[a]]\n[a.c]\nb = 1\n[[a]]\n[a.c]\nb = 1\n',
    'a.0.c.b',
    2,
    '[[a]]\n[a.c]\nb = 2\n[[a]]\n[a.c]\nb = 1\n',
  ],
  ['a new key of no table', '# c\na = 1 # x\n\n[t]\nb = 1\n', 'c', 2, '# c\na = 1 # x\nc = 2\n\n[t]\nb = 1\n'],
  ['the first key of no table', '[t]\nb = 1\n', 'c', 2, 'c = 2\n[t]\nb = 1\n'],
  ['a new key of a table', '[t]\n  b=1\n\n[u]\nb=1', 't.c', 2, '[t]\n  b=1\n  c=2\n\n[u]\nb=1'],
  ['a new key of an empty table', '[t] # c\n[u]\n', 't.c', 2, '[t] # c\nc = 2\n[u]\n'],
  ['a new key beside dotted ones', '[t]\na.b = 1\nx = 1\n', 't.a.c', 2, '[t]\na.b = 1\na.c = 2\nx = 1\n'],
  ['a new key of an inline table', 'a = { b = 1 }\n', 'a.c', 2, 'a = { b = 1, c = 2 }\n'],
  ['a new key of an empty inline table', 'a = {}\n', 'a.c', 2, 'a = { c = 2 }\n'],
  ['a new key of a table that only its parts make', '[a.b]\nx = 1', 'a.y', 2, '[a.b]\nx = 1\n\n[a]\ny = 2'],
  ['a new table', 'a = 1\r\n', 'b.c.d', 2, 'a = 1\r\n\r\n[b.c]\r\nd = 2\r\n'],
  ['a new table in a table', '[a]\nx = 1\n[b]\n', 'a.c.d', 2, '[a]\nx = 1\nc.d = 2\n[b]\n'],
  ['a new key that needs quotes', 'a = 1\n', '"b c"', 2, 'a = 1\n"b c" = 2\n'],
  ['an empty file', '', 'a', 'b', 'a = "b"\n'],
  ['an empty file, with a table', '', 'a.b', 'c', '[a]\nb = "c"\n'],
])('sets %s', (_, before, key, value, after) => {
  expect(set(before, { [key]: value })).toBe(after);
});

test.each<[name: string, text: string, key: string, value: SetValue, message: RegExp]>([
  [
    'a lone carriage return, which its parser lets end the file',
    'a = 1\r',
    'b',
    1,
    /: not valid TOML: a carriage return without/,
  ],
  ['what is not TOML', 'a = 1\nb = \n', 'a', 1, /app\.toml:[23]: not valid TOML/],
  ['null', 'a = 1\n', 'a', null, /no null/],
  ['a date', 'a = 2024-01-31\n', 'a', '2024-02-01', /a date or a time/],
  ['a table', '[a]\nb = 1\n', 'a', 1, /a is a map/],
  ['an array', 'a = [1]\n', 'a', 1, /a is a list/],
  ['an item that is not there', 'a = [1]\n', 'a.1', 1, /no item 1/],
  [
    'a table in an array of tables that no line makes',
    '[[a]]\n[a.b.c]\nx = 1\n[[a]]\n',
    'a.0.b.y',
    1,
    /inside of a list's item/,
  ],
])('refuses %s', (_, text, key, value, message) => {
  expect(() => set(text, { [key]: value })).toThrow(message);
  expect(() => set(text, { [key]: value })).toThrow(PrestageError);
});

const PYTHON = `
import json, sys, tomllib
json.dump([tomllib.loads(text) for text in json.load(sys.stdin)], sys.stdout)
`;

/** tomllib came with Python 3.11. */
function lacksTomllib(): boolean {
  if (lacks('python3')) return true;
  try {
    execFileSync('python3', ['-c', 'import tomllib'], { stdio: 'ignore' });
    return false;
  } catch {
    if (process.env.CI) throw new Error('CI requires every test to run, and one needs Python 3.11 for tomllib');
    return true;
  }
}

describe.skipIf(lacksTomllib())('as tomllib reads it (needs python3 3.11)', () => {
  const key = fc.constantFrom('a', 'b-1', 'c d', 'e.f', '"', 'é', '');
  const leaf = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 8 }),
    fc.integer(),
    fc.boolean(),
    fc.constantFrom('a\nb', "it's", '\\', '"""', "'''\n'''"),
  );
  const styles = [
    'k = "old"',
    "k = 'old'",
    'k = """\nold"""',
    "k = '''\nold'''",
    'k = 1',
    'k = 1.5',
    'k = true',
    't = { k = 1 }',
    '[t]\nk = 1',
    't.k = 1',
    '[t.k]',
    '[t]',
    '[[l]]',
    '',
  ];

  test('any value is read back, in the place of any kind and as a new key', () => {
    const cases = fc
      .sample(fc.tuple(fc.constantFrom(...styles), key, leaf, fc.boolean()), { numRuns: 1500, seed: 3 })
      .map(([style, name, value, isNew]) => {
        const parents = /\bt\b/.test(style) ? ['t'] : style === '[[l]]' ? ['l', '0'] : [];
        const path = [...parents, isNew || !style.includes('k =') ? `${name} new` : 'k'];
        const before = `# head\n${style}\n`;
        const after = set(before, { [path.map((part) => JSON.stringify(part)).join('.')]: value });
        return { before, after, path, value };
      });
    const read = JSON.parse(
      execFileSync('python3', ['-c', PYTHON], {
        input: JSON.stringify(cases.map(({ after }) => after)),
        maxBuffer: 1 << 28,
      }).toString(),
    );
    for (const [index, { after, path, value }] of cases.entries()) {
      const found = path.reduce<unknown>((data, part) => (data as Record<string, unknown>)[part], read[index]);
      expect(found, JSON.stringify([after, path])).toBe(value);
    }
  });
});
