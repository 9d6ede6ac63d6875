import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lacks } from '../../../../../test/requirements.js';
import { PrestageError } from '../../../../core/errors.js';
import { applySet, type SetValue } from '../index.js';

const set = (text: string, values: Record<string, SetValue>) =>
  applySet(Buffer.from(text), 'ini', values, 'app.ini').content.toString();

test.each<[name: string, before: string, key: string, value: SetValue, after: string]>([
  ['a key of a section', '[a]\nx=1\n[b]\nx=1\n', 'b.x', 2, '[a]\nx=1\n[b]\nx=2\n'],
  ['a key of no section', 'x=1\n[b]\nx=1\n', 'x', 2, 'x=2\n[b]\nx=1\n'],
  ['white space and the sign stay', '[a]\n  x \t:  1  \n', 'a.x', 2, '[a]\n  x \t:  2  \n'],
  ['a comment after the value stays', '[a]\nx = 1 ; one\ny = 2\t# two\n', 'a.y', 3, '[a]\nx = 1 ; one\ny = 3\t# two\n'],
  ['a comment after no value stays one', '[a]\nx = ; none\n', 'a.x', 1, '[a]\nx = 1 ; none\n'],
  ['a colour is no comment', '[a]\nx = #fff\n', 'a.x', '#000', '[a]\nx = #000\n'],
  ['quotes stay', '[a]\nx = "one; two" ; c\n', 'a.x', 'three', '[a]\nx = "three" ; c\n'],
  ['quotes of the step are written as they are', '[a]\nx = 1\n', 'a.x', '"a ; b"', '[a]\nx = "a ; b"\n'],
  ['a key without a value gets one, in the style of the file', '[a]\ny = 1\nx\n', 'a.x', 2, '[a]\ny = 1\nx = 2\n'],
  ['an empty value is filled', '[a]\nx =\ny=1', 'a.x', 2, '[a]\nx =2\ny=1'],
  ['null is an empty value', '[a]\nx = 1\n', 'a.x', null, '[a]\nx = \n'],
  ['names of sections may have dots', '[a.b]\nx=1\n[a]\ny=1\n', 'a.b.x', 2, '[a.b]\nx=2\n[a]\ny=1\n'],
  ['names of keys may have dots', '[a]\nb.x=1\n', 'a.b.x', 2, '[a]\nb.x=2\n'],
  [
    'names of sections may have quotes and spaces',
    '[remote "origin"]\n\turl = a\n',
    'remote "origin".url',
    'b',
    '[remote "origin"]\n\turl = b\n',
  ],
  ['case is ignored where no other name fits', '[Main]\nPort=1\n', 'main.port', 2, '[Main]\nPort=2\n'],
  ['the name in the very case comes first', '[a]\nX=1\nx=1\n', 'a.x', 2, '[a]\nX=1\nx=2\n'],
  [
    'a value of several lines becomes one line, its comments stay',
    '[a]\nx =\n  b\n  # why\n  c\ny=1\n',
    'a.x',
    'd',
    '[a]\nx =d\n  # why\ny=1\n',
  ],
  [
    'a backslash at the end of a path continues nothing',
    '[a]\nx=C:\\d\\\n\ny=1\n',
    'a.x',
    'E:\\',
    '[a]\nx=E:\\\n\ny=1\n',
  ],
  ['a comment after a backslash ends the value', '[a]\nx=1 ; c\ny=1\n', 'a.x', 'E:\\', '[a]\nx=E:\\ ; c\ny=1\n'],
  [
    'a new key comes after the last of its section',
    '[a]\nx = 1\n\n; about b\n[b]\ny=1\n',
    'a.z',
    2,
    '[a]\nx = 1\nz = 2\n\n; about b\n[b]\ny=1\n',
  ],
  [
    'a new key is indented as the others, without their alignment',
    '[a]\r\n\tlonger   = 1\r\n',
    'a.x',
    2,
    '[a]\r\n\tlonger   = 1\r\n\tx = 2\r\n',
  ],
  ['a new key in an empty section', '[a]\n[b]\ny=1', 'a.x', 2, '[a]\nx=2\n[b]\ny=1'],
  ['a new key of no section comes before all sections', '; c\n[b]\ny=1\n', 'x', 2, 'x=2\n; c\n[b]\ny=1\n'],
  ['a file without sections has keys with dots', 'x.y=1\n', 'x.z', 2, 'x.y=1\nx.z=2\n'],
  ['a new section comes last', '[a]\nx = 1', 'b.y', 2, '[a]\nx = 1\n\n[b]\ny = 2'],
  ['a new section is not made for one in another case', '[Main]\nx=1\n', 'main.y', 2, '[Main]\nx=1\ny=2\n'],
  ['an empty file', '', 'x', 1, 'x=1\n'],
])('%s', (_, before, key, value, after) => {
  expect(set(before, { [key]: value })).toBe(after);
});

test.each<[name: string, text: string, key: string, value: SetValue, message: RegExp]>([
  ['a key that is there twice', '[a]\nx=1\nx=2\n', 'a.x', 3, /app\.ini:2: a\.x is there 2 times \(lines 2 and 3\)/],
  ['a key of a section that is there twice', '[a]\nx=1\n[a]\nx=2\n', 'a.x', 3, /lines 2 and 4/],
  ['line breaks', '[a]\nx=1\n', 'a.x', 'a\nb', /line breaks/],
  ['a value with what may be a comment', '[a]\nx=1\n', 'a.x', 'a ; b', /take for a comment/],
  ['what Python takes for white space', '[a]\nx=1\n', 'a.x', 'b\u0085', /white space/],
  ['white space around a value', '[a]\nx=1\n', 'a.x', ' b', /white space/],
  ['a value with the quotes that it would stand in', '[a]\nx="1"\n', 'a.x', 'a"b', /quotes/],
  ['a value that may go on over the next line', '[a]\nx=1 \\\n  --y=2\nz=3\n', 'a.x', 2, /app\.ini:3: some readers/],
  ['a value with an indented line that may be a key', '[a]\nx = 1\n  y = 2\n', 'a.x', 2, /app\.ini:3: some readers/],
  ['a value that would go on over the next line', '[a]\nx=1\ny=2\n', 'a.x', 'C:\\', /app\.ini:3: some readers/],
  ['a new key that a backslash would make part of another value', '[a]\nx=C:\\', 'a.y', 2, /app\.ini:2: some readers/],
  ['a section that is not clear', '[a]\nx=1\n', 'b.c.d', 2, /sections: a/],
  ['a key that no line could hold', '[a]\nx=1\n', 'a.b=c', 2, /no key that can be added/],
])('refuses %s', (_, text, key, value, message) => {
  expect(() => set(text, { [key]: value })).toThrow(message);
  expect(() => set(text, { [key]: value })).toThrow(PrestageError);
});

test('Latin-1 stays Latin-1, and what it cannot hold is refused', () => {
  const before = Buffer.from('; Grüße\n[a]\nx=ü\n', 'latin1');
  expect(applySet(before, 'ini', { 'a.x': 'é' }, 'f').content).toEqual(Buffer.from('; Grüße\n[a]\nx=é\n', 'latin1'));
  expect(() => applySet(before, 'ini', { 'a.x': '€' }, 'f')).toThrow(/Latin-1/);
});

/** Python's configparser, strict as it comes but for keys without a value, as [section, key, value] lists. */
const PYTHON = `
import configparser, json, sys
out = []
for text in json.load(sys.stdin):
    parser = configparser.RawConfigParser(allow_no_value=True, default_section='\\0', inline_comment_prefixes=('#', ';'))
    parser.optionxform = str
    try:
        parser.read_string(text)
        out.append([[s, k, v] for s in parser.sections() for k, v in parser.items(s)])
    except (configparser.Error, AttributeError): # the latter for a key without a value that goes on
        out.append(None)
json.dump(out, sys.stdout)
`;

const line = fc.constantFrom(
  'x = 1',
  'y: two ; c',
  'z',
  '  deeper',
  '; comment',
  '',
  'w=',
  'v = "q"',
  'u\t=\t# c',
  '[s2]',
  '[s.3]',
  'k.l = 1',
  ' x2 = 5',
  'path = C:\\a',
);
const name = fc.constantFrom('x', 'y', 'z', 'w', 'v', 'u', 'k.l', 'new', 'x2', 'path');
const section = fc.constantFrom('s1', 's2', 's.3');
const value = fc.constantFrom('1', 'plain', 'a=b', 'C:\\d', 'é', '', '"q q"', '-1', 'a;b');

describe.skipIf(lacks('python3'))("as Python's configparser reads it (needs python3)", () => {
  test('of generated files, the set key alone has another value', () => {
    const cases = fc
      .sample(fc.tuple(fc.array(line, { maxLength: 8 }), section, name, value), { numRuns: 3000, seed: 7 })
      .flatMap(([lines, section, name, value]) => {
        const before = `[s1]\n${lines.join('\n')}\n`;
        const after = attempt(before, `${section}.${name}`, value);
        return after === undefined ? [] : [{ before, after, section, name, value }];
      });
    const input = JSON.stringify(cases.flatMap(({ before, after }) => [before, after]));
    type Items = [section: string, key: string, value: string | null][];
    const read = JSON.parse(
      execFileSync('python3', ['-c', PYTHON], { input, maxBuffer: 1 << 28 }).toString(),
    ) as (Items | null)[];
    let compared = 0;
    for (const [index, { before, after, section, name, value }] of cases.entries()) {
      const [was, is] = [read[2 * index], read[2 * index + 1]];
      if (!was) continue; // it refuses duplicates
      const of = (items: Items) => new Map(items.map(([s, k, v]) => [`${s}.${k}`, v ?? '']));
      const quoted =
        of(was).get(`${section}.${name}`)?.startsWith('"') && !value.startsWith('"') ? `"${value}"` : value;
      expect(is && of(is), JSON.stringify([before, after])).toEqual(
        new Map([...of(was), [`${section}.${name}`, quoted]]),
      );
      compared += 1;
    }
    expect(compared).toBeGreaterThan(800);
  });
});

function attempt(text: string, key: string, value: string): string | undefined {
  try {
    return set(text, { [key]: value });
  } catch (error) {
    if (error instanceof PrestageError && error.code === 'STEP_INVALID') return undefined;
    throw error;
  }
}
