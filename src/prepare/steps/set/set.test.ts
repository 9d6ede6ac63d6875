import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PrestageError } from '../../../core/errors.js';
import { applySet, formatOf } from './index.js';
import { prove } from './prove.js';

const apply = (content: Buffer, format: Parameters<typeof applySet>[1], values: Parameters<typeof applySet>[2]) =>
  applySet(content, format, values, `conf/app.${format}`);

function failure(run: () => unknown): PrestageError {
  try {
    run();
  } catch (error) {
    if (error instanceof PrestageError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

describe('the format of a file', () => {
  test.each([
    ['conf/app.properties', 'properties'],
    ['a.ini', 'ini'],
    ['tsconfig.json', 'json'],
    ['.vscode/settings.jsonc', 'json'],
    ['a/b.yaml', 'yaml'],
    ['A.YML', 'yaml'],
    ['pom.xml', 'xml'],
    ['Cargo.toml', 'toml'],
    ['nginx.conf', undefined],
    ['haproxy.cfg', undefined],
    ['README', undefined],
    ['a.toString', undefined],
    ['yaml', undefined],
  ])('of %s is %s', (file, format) => {
    expect(formatOf(file)).toBe(format);
  });
});

describe('in any format', () => {
  test('several keys are set at once, and those that have their value already do not count', () => {
    const before = Buffer.from('a=1\nb=2\nc=3\n');
    const { content, changes, added } = apply(before, 'properties', { a: 1, b: 'two', d: true });
    expect(content.toString()).toBe('a=1\nb=two\nc=3\nd=true\n');
    expect({ changes, added }).toEqual({ changes: 2, added: ['d'] });
  });

  test('nothing to change gives the very bytes back', () => {
    const before = Buffer.from('{"a": 1.0}');
    expect(apply(before, 'json', { a: 1 })).toEqual({ content: before, changes: 0, added: [] });
  });

  test('keys that are added one after another nest in each other', () => {
    expect(apply(Buffer.from(''), 'yaml', { 'a.b': 1, 'a.c.d': 2, e: 3 }).content.toString()).toBe(
      'a:\n  b: 1\n  c:\n    d: 2\ne: 3\n',
    );
  });

  test.each(['ini', 'json', 'yaml', 'xml', 'toml'] as const)('a byte order mark stays where it is (%s)', (format) => {
    const [text, key] = {
      ini: ['a=1', 'a'],
      json: ['{"a":1}', 'a'],
      yaml: ['a: 1', 'a'],
      xml: ['<a>1</a>', 'a'],
      toml: ['a = 1', 'a'],
    }[format] as [string, string];
    const { content } = apply(Buffer.from(`\uFEFF${text}`), format, { [key]: 2 });
    expect(content.toString()).toBe(`\uFEFF${text.replace('1', '2')}`);
  });

  test.each(['properties', 'ini', 'json', 'yaml', 'xml', 'toml'] as const)(
    'UTF-16 is refused, with and without a byte order mark (%s)',
    (format) => {
      for (const content of [Buffer.from('\uFEFF<a>1</a>', 'utf16le'), Buffer.from('<a>1</a>', 'utf16le')]) {
        expect(failure(() => apply(content, format, { a: 2 }))).toMatchObject({
          code: 'STEP_INVALID',
          message: expect.stringContaining('UTF-16'),
        });
      }
    },
  );

  test.each(['json', 'yaml', 'toml', 'xml'] as const)(
    'bytes that are not UTF-8 are refused with their line (%s)',
    (format) => {
      const error = failure(() => apply(Buffer.from('\n\n<a>\xFC</a>', 'latin1'), format, { a: 2 }));
      expect(error).toMatchObject({
        code: 'STEP_INVALID',
        context: { file: `conf/app.${format}`, line: 3, expected: 'UTF-8' },
      });
    },
  );

  test.each([
    ['NUL', 'a\0b'],
    ['half a surrogate pair', 'a\uD800b'],
    ['no finite number', Number.NaN],
  ])('a value with %s is refused', (_, value) => {
    for (const format of ['properties', 'ini', 'json', 'yaml', 'toml'] as const) {
      expect(failure(() => apply(Buffer.from(format === 'json' ? '{}' : ''), format, { key: value }))).toMatchObject({
        code: 'STEP_INVALID',
        context: { key: 'key' },
      });
    }
  });

  test('two keys that mean one place are refused', () => {
    const error = failure(() => apply(Buffer.from('{"a.b": 1}'), 'json', { 'a.b': 2, '"a.b"': 3 }));
    expect(error.message).toContain('one and the same place');
  });

  test('an edit that would change something else is found out', () => {
    const before = new Map([
      ['["a"]', '1'],
      ['["b"]', '1'],
    ]);
    const setting = { path: '["a"]', expected: '2', added: false, edits: [] };
    const prove2 = (after: [string, string][]) => prove(before, new Map(after), [setting], 'f');
    expect(() =>
      prove2([
        ['["a"]', '2'],
        ['["b"]', '1'],
      ]),
    ).not.toThrow();
    expect(() =>
      prove2([
        ['["a"]', '3'],
        ['["b"]', '1'],
      ]),
    ).toThrow(/would have changed/);
    expect(() =>
      prove2([
        ['["a"]', '2'],
        ['["b"]', '2'],
      ]),
    ).toThrow(/\["b"\]/);
    expect(() => prove2([['["a"]', '2']])).toThrow(/\["b"\]/);
    expect(() =>
      prove2([
        ['["a"]', '2'],
        ['["b"]', '1'],
        ['["c"]', '1'],
      ]),
    ).toThrow(/\["c"\]/);
  });
});

const PIECES = {
  properties: ['a', '=', ':', ' ', '\\', '\n', '\r', '#', '\\u00', 'b.c'],
  ini: ['a', '=', ':', ' ', '\t', '\\', '\n', '\r', '[', ']', 'b', ';', '#', '"', "'", 'a.b'],
  json: ['{', '}', '[', ']', '"a"', '"b"', ':', ',', '1', ' ', '\n', '//', '/*', '*/', 'null', '"', '{}'],
  yaml: [
    'a',
    'b',
    ': ',
    ':',
    '- ',
    '\n',
    '\n  ',
    '\n    ',
    '&x ',
    '*x',
    '|',
    '>',
    '"',
    "'",
    '#',
    ' ',
    '{',
    '}',
    '[',
    ']',
    ',',
    '? ',
    '---\n',
    '!t ',
    '<<: ',
    '1',
    '\t',
    '\r\n',
  ],
  xml: [
    '<a>',
    '</a>',
    '<b',
    ' x="1"',
    '>',
    '/>',
    '</b>',
    't',
    '&lt;',
    '&',
    '<![CDATA[',
    ']]>',
    '<!--',
    '-->',
    '<?p',
    '?>',
    '<!DOCTYPE a [',
    '\n',
    "'",
    '"',
  ],
  toml: [
    'a',
    'b',
    '.',
    ' = ',
    '1',
    '"x"',
    "'y'",
    '\n',
    '[',
    ']',
    '[[a]]\n',
    '[a]\n',
    '{',
    '}',
    ', ',
    '# c',
    '"""',
    "'''",
    '1.5',
    'true',
    '\r\n',
    '2024-01-01',
  ],
} as const;

describe('whatever the file is', () => {
  test.each(Object.keys(PIECES) as (keyof typeof PIECES)[])('a key is set, or it is said why not (%s)', (format) => {
    const file = fc.oneof(
      fc
        .array(fc.constantFrom<string>(...PIECES[format]), { maxLength: 16 })
        .map((parts) => Buffer.from(parts.join(''))),
      fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    );
    const key = fc.constantFrom('a', 'b', 'a.b', 'a.0', 'a.b.a', 'a/b', 'a@x', 'a/b[1]@x', '"a.b"', '');
    const value = fc.constantFrom('x', 1, true, null, 'a: b', ' ', '<&"', "it's", 'a\nb');
    fc.assert(
      fc.property(file, key, value, (content, key, value) => {
        const result = setOrRefused(() => apply(content, format, { [key]: value }));
        if (result) expect(apply(result.content, format, { [key]: value }).changes).toBe(0);
      }),
      { seed: 1, numRuns: 2000 },
    );
  });
});

function setOrRefused<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof PrestageError && error.code === 'STEP_INVALID') return undefined;
    throw error;
  }
}
