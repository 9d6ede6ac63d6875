import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { PrestageError } from '../../../../core/errors.js';
import { applySet, type SetValue } from '../index.js';

const set = (text: string, values: Record<string, SetValue>) =>
  applySet(Buffer.from(text), 'yaml', values, 'app.yaml').content.toString();

test.each<[name: string, before: string, key: string, value: SetValue, after: string]>([
  ['a plain value', 'a: 1 # one\nb: 2\n', 'a', 3, 'a: 3 # one\nb: 2\n'],
  ['a value in a map, in a list', 'a:\n- b:\n    c: 1\n- d\n', 'a.0.b.c', 2, 'a:\n- b:\n    c: 2\n- d\n'],
  ['an item', 'a:\n  - b # x\n  - c\n', 'a.0', 'd', 'a:\n  - d # x\n  - c\n'],
  ['a value in a flow collection', 'a: {b: [1, 2], c: x}\n', 'a.b.1', 'x, y', 'a: {b: [1, "x, y"], c: x}\n'],
  ['double quotes stay', 'a: "b"\n', 'a', 'c\n"d"', 'a: "c\\n\\"d\\""\n'],
  ['single quotes stay', "a: 'b'\n", 'a', "it's", "a: 'it''s'\n"],
  ['single quotes go where they cannot hold it', "a: 'b'\n", 'a', 'c\nd', 'a: "c\\nd"\n'],
  ['quotes go from a number', 'a: "1"\n', 'a', 2, 'a: 2\n'],
  ['an empty value', 'a:\nb: 1\n', 'a', 'x', 'a: x\nb: 1\n'],
  ['an empty value before a comment', 'a:   # c\nb: 1\n', 'a', 'x', 'a: x   # c\nb: 1\n'],
  ['an empty value at the end', 'a:', 'a', 'x', 'a: x'],
  ['an empty item', 'a:\n  -\n  - b\n', 'a.0', 'x', 'a:\n  - x\n  - b\n'],
  ['null', 'a: 1\n', 'a', null, 'a: null\n'],
  ['null is null, however it is written', 'a: ~\n', 'a', null, 'a: ~\n'],
  ['an anchor stays', 'a: &x 1\nb: *x\n', 'a', 2, 'a: &x 2\nb: *x\n'],
  ['an anchor before an empty value stays', 'a: &x\nb: *x\n', 'a', 2, 'a: &x 2\nb: *x\n'],
  ['a tag for text stays', 'a: !!str 1\n', 'a', 'b', 'a: !!str b\n'],
  ['a literal of lines', 'a: |\n  b\n\n  c\nd: 1\n', 'a', 'x\n y\n\nz\n', 'a: |\n  x\n   y\n\n  z\nd: 1\n'],
  ['a literal without the last line end', 'a: | # c\n  b\nd: 1\n', 'a', 'x\ny', 'a: |- # c\n  x\n  y\nd: 1\n'],
  ['a literal with several', 'a: |\r\n  b\r\nd: 1\r\n', 'a', 'x\n\n\n', 'a: |+\r\n  x\r\n\r\n\r\nd: 1\r\n'],
  ['a line in the place of a literal', 'a: |\n  b\n  c\nd: 1\n', 'a', 'x', 'a: x\nd: 1\n'],
  ['lines in the place of folded ones', 'a: >-\n  b\n  c\nd: 1\n', 'a', 'x\ny', 'a: "x\\ny"\nd: 1\n'],
  ['a value over lines', 'a: b\n  c\nd: 1\n', 'a', 'x', 'a: x\nd: 1\n'],
  ['a name with dots', 'a.b: 1\na:\n  c: 1\n', 'a.b', 2, 'a.b: 2\na:\n  c: 1\n'],
  ['a name that is a number, or quoted', '8080: 1\n"a": {\'b\': 1}\n', 'a.b', 2, '8080: 1\n"a": {\'b\': 2}\n'],
  ['the one document that has the key', 'a: 1\n---\nb: 1\n', 'b', 2, 'a: 1\n---\nb: 2\n'],
  ['a document with directives and marks', '%YAML 1.1\n---\na: 1\n...\n', 'a', 2, '%YAML 1.1\n---\na: 2\n...\n'],
  ['a new key of the document', '# c\na: 1\n# end\n', 'b', 2, '# c\na: 1\nb: 2\n# end\n'],
  ['a new key in a map', 'a:\n    b: 1 # c\n\nd: 1\n', 'a.e', 2, 'a:\n    b: 1 # c\n    e: 2\n\nd: 1\n'],
  ['a new key after a map in a map', 'a:\n  b:\n    c: 1\nd: 1\n', 'a.e', 2, 'a:\n  b:\n    c: 1\n  e: 2\nd: 1\n'],
  ['a new key after a literal', 'a:\n  b: |+\n    x\n\nd: 1\n', 'a.e', 2, 'a:\n  b: |+\n    x\n\n  e: 2\nd: 1\n'],
  ['a new key in a map of a list', 'a:\n- b: 1\n  c: 1\n- b: 2\n', 'a.0.d', 2, 'a:\n- b: 1\n  c: 1\n  d: 2\n- b: 2\n'],
  ['a new key in a flow map', 'a: {b: 1, }\n', 'a.c', 'x', 'a: {b: 1, c: x, }\n'],
  ['a value before a key that is a map', 'a: 1\nb: {{c: 1}: 2}\n', 'a', 100, 'a: 100\nb: {{c: 1}: 2}\n'],
  ['a new key in a flow map, before a comment', '{\n  a\n  # c\n}\n', 'b', 1, '{\n  a,\n  b: 1\n  # c\n}\n'],
  ['a new key in an empty flow map', 'a: {}\n', 'a.c', 'x', 'a: {c: x}\n'],
  ['a new key where nothing is yet', 'a:\n  b:\nc: 1\n', 'a.b.d', 2, 'a:\n  b:\n    d: 2\nc: 1\n'],
  ['new keys in each other, indented as the file is', 'a:\n   b: 1', 'c.d', 2, 'a:\n   b: 1\nc:\n   d: 2'],
  [
    'a new key that overrides what is merged',
    'a: &a {x: 1}\nb:\n  <<: *a\n',
    'b.x',
    2,
    'a: &a {x: 1}\nb:\n  <<: *a\n  x: 2\n',
  ],
  ['what YAML 1.1 has types for', 'a: b\nc: d\n', 'a', '<<', 'a: "<<"\nc: d\n'],
  ['an equals sign, which is a type to YAML 1.1', 'a: b\n', 'a', '=', 'a: "="\n'],
  ['a small number so that YAML 1.1 takes it for one', 'a: 1\n', 'a', 1e-7, 'a: 1.0e-7\n'],
  ['a large number so that YAML 1.1 takes it for one', 'a: 1\n', 'a', -1e21, 'a: -1.0e+21\n'],
  ['a number that is there as text to YAML 1.1', 'a: 1e-7\nb: 1\n', 'a', 1e-7, 'a: 1.0e-7\nb: 1\n'],
  ['a number that is there as YAML 1.1 does not read it', 'a: 1e-7\nb: 010\n', 'b', 10, 'a: 1e-7\nb: 10\n'],
  ['what ends a line in YAML 1.1', 'a: b\n', 'a', 'x\u2028y\u2029\u0085', 'a: "x\\u2028y\\u2029\\u0085"\n'],
  ['a key with what ends a line in YAML 1.1', 'a: b\n', 'x\u2028y', 1, 'a: b\n"x\\u2028y": 1\n'],
  ['a new key that needs quotes', 'a: 1\n', 'yes', 2, 'a: 1\n"yes": 2\n'],
  ['the first key of a file with comments alone', '# c\n', 'a', 1, '# c\na: 1\n'],
  ['line ends of the file', 'a:\r\n  b: 1\r\n', 'a.c', 2, 'a:\r\n  b: 1\r\n  c: 2\r\n'],
])('sets %s', (_, before, key, value, after) => {
  expect(set(before, { [key]: value })).toBe(after);
});

test.each<[name: string, text: string, key: string, value: SetValue, message: RegExp]>([
  [
    'a new key before a comment that its parser would not take',
    '{\n  a\n# c\n}\n',
    'b',
    1,
    /app\.yaml:2: b should be added/,
  ],
  ['a byte order mark inside', '# a\n\uFEFF# b\n', 'c', 1, /app\.yaml:2: a byte order mark/],
  [
    'a new key before such a comment and others',
    '{\n  a # x\n  # y\n# c\n}\n',
    'b',
    1,
    /app\.yaml:2: b should be added/,
  ],
  ['a lone carriage return', 'a: 1 # b\rc: 2\n', 'a', 1, /app\.yaml:1: a carriage return without a line feed/],
  ['what is not YAML', 'a: 1\nb: [1\n', 'a', 1, /app\.yaml:[23]: not valid YAML/],
  ['a key that is there twice', 'a: 1\na: 2\n', 'a', 3, /not valid YAML/],
  ['an alias', 'a: &x 1\nb: *x\n', 'b', 2, /app\.yaml:2: b is the alias \*x/],
  ['what an alias stands for', 'a: &x {c: 1}\nb: *x\n', 'b.c', 2, /b is the alias \*x/],
  ['a map', 'a:\n  b: 1\n', 'a', 2, /a is a map/],
  ['a value with a tag of its own', 'a: !vault x\n', 'a', 'y', /tag !vault/],
  ['a number with a tag for text', 'a: !!str 1\n', 'a', 2, /tag !!str/],
  ['a key of two documents', 'a: 1\n---\na: 1\n', 'a', 2, /lines 1 and 3/],
  ['a new key in one of two documents', 'a: 1\n---\nb: 1\n', 'c', 2, /none of the 2 documents/],
  ['a member of null in so many words', 'a: null\n', 'a.b', 2, /null, not a map/],
])('refuses %s', (_, text, key, value, message) => {
  expect(() => set(text, { [key]: value })).toThrow(message);
  expect(() => set(text, { [key]: value })).toThrow(PrestageError);
});

describe('a string is read back as a string, by the rules of YAML 1.2 and 1.1', () => {
  const special = [
    'yes',
    'No',
    'on',
    'y',
    'true',
    'null',
    '~',
    '',
    ' ',
    '1',
    '1.0',
    '0x1F',
    '0o17',
    '017',
    '1_000',
    '1e3',
    '.inf',
    '.nan',
    '12:30:45',
    '2024-01-31',
    '2024-01-31T10:00:00Z',
    'a: b',
    'a:',
    ': a',
    'a #b',
    '#a',
    '- a',
    '-',
    '? a',
    '*a',
    '&a',
    '!a',
    '%a',
    '@a',
    '`a',
    '|',
    '>',
    '[a',
    '{a}',
    'a]',
    'a, b',
    "'a'",
    '"a"',
    'a"b',
    "a'b",
    'C:\\a',
    'a\tb',
    'a\nb',
    '\n',
    'a\n',
    'a\r\nb',
    ' a',
    'a ',
    '---',
    '...',
    '<<',
    '=',
    '\u0085',
    '\u2028',
    '\uFEFF',
    '\u0007',
    'é😀',
  ];
  const places: [string, string, (data: unknown) => unknown][] = [
    ['plain', 'k: old\nz: 1\n', (data) => (data as { k: unknown }).k],
    ['single-quoted', "k: 'old'\nz: 1\n", (data) => (data as { k: unknown }).k],
    ['double-quoted', 'k: "old"\nz: 1\n', (data) => (data as { k: unknown }).k],
    ['flow', '{k: old, z: [1]}\n', (data) => (data as { k: unknown }).k],
    ['literal', 'k: |\n  old\nz: 1\n', (data) => (data as { k: unknown }).k],
    ['folded', 'k: >\n  old\nz: 1\n', (data) => (data as { k: unknown }).k],
    ['empty', 'k:\nz: 1\n', (data) => (data as { k: unknown }).k],
    ['new', 'z: 1\n', (data) => (data as { k: unknown }).k],
  ];
  const check = (before: string, get: (data: unknown) => unknown, value: string) => {
    const after = set(before, { k: value });
    for (const version of ['1.1', '1.2'] as const) {
      expect(get(parse(after, { version })), JSON.stringify([after, version])).toBe(value);
    }
  };
  test.each(places)('in the place of a %s one', (_, before, get) => {
    for (const value of special) check(before, get, value);
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'ab -:#,[]{}\'"\\\n\t|>&*!%@?~01.é'), maxLength: 10 }),
        (value) => check(before, get, value),
      ),
      { seed: 1, numRuns: 60 },
    );
  });
});

test('generated documents say what they said, but for what was set', () => {
  const key = fc.constantFrom('a', 'b', 'c d', 'yes', '1', 'x.y', 'é', '- z');
  const leaf = fc.oneof(fc.string({ maxLength: 8 }), fc.integer(), fc.boolean(), fc.constant(null));
  const { node } = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.dictionary(key, tie('node'), { maxKeys: 4, noNullPrototype: true }),
      fc.array(tie('node'), { maxLength: 3 }),
    ),
  }));
  const document = fc.dictionary(key, node, { minKeys: 1, maxKeys: 4, noNullPrototype: true });
  fc.assert(
    fc.property(document, fc.nat(), fc.constantFrom(2, 4), leaf, (data, pick, indent, value) => {
      const names = Object.keys(data);
      const name = names[pick % names.length] ?? '';
      const isParent = typeof data[name] === 'object' && data[name] !== null;
      const path = isParent && !Array.isArray(data[name]) ? [name, 'new'] : isParent ? ['new'] : [name];
      const text = stringify(data, { indent });
      const after = parse(set(text, { [path.map((part) => JSON.stringify(part)).join('.')]: value }));
      const expected = structuredClone(data) as Record<string, unknown>;
      if (path.length === 2) (expected[name] as Record<string, unknown>).new = value;
      else expected[path[0] ?? ''] = value;
      expect(after).toEqual(JSON.parse(JSON.stringify(expected)));
    }),
    { seed: 1, numRuns: 300 },
  );
});

test('adds nothing after a block without a line end, which would get one', () => {
  for (const text of ['a: 1\nb: |\n  some\n  lines', 'a: 1\nb:\n  - >\n    some']) {
    expect(() => set(text, { c: 1 })).toThrow(/should be added after a block of lines/);
    expect(set(`${text}\n`, { c: 1 })).toBe(`${text}\nc: 1\n`);
  }
  expect(set('b: |-\n  some', { c: 1 })).toBe('b: |-\n  some\nc: 1');
});
