import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lacks } from '../../../../../test/requirements.js';
import { applySet, type SetValue } from '../index.js';

const set = (text: string | Buffer, values: Record<string, SetValue>) =>
  applySet(Buffer.from(text), 'properties', values, 'app.properties').content.toString('latin1');

test.each<[name: string, before: string, key: string, value: SetValue, after: string]>([
  ['the separator and its white space stay', 'a  :\t b\n', 'a', 'c', 'a  :\t c\n'],
  ['white space alone may separate', 'a b\n', 'a', 'c', 'a c\n'],
  ['a value that begins with = is escaped after white space alone', 'a b\n', 'a', '=c', 'a \\=c\n'],
  ['a key that stands alone gets a sign', 'a\nb=1', 'a', 'c', 'a=c\nb=1'],
  ['an empty value is filled', 'a=\nb=1', 'a', 'c', 'a=c\nb=1'],
  ['a value can become empty', 'a = b\n', 'a', '', 'a = \n'],
  ['null is empty', 'a=b\n', 'a', null, 'a=\n'],
  [
    'continuation lines go with the value that they hold',
    'a = b, \\\r\n    c\r\nd=1\r\n',
    'a',
    'x',
    'a = x\r\nd=1\r\n',
  ],
  [
    'a value that begins on a continuation line stays there',
    'a = \\\n   b\\\n   c\nd=1',
    'a',
    'x',
    'a = \\\n   x\nd=1',
  ],
  ['an even number of backslashes continues nothing', 'a=b\\\\\nc=d\n', 'c', 'x', 'a=b\\\\\nc=x\n'],
  ['comments are not keys', '#a=1\n!a=2\n  # a=3\na=4\n', 'a', 5, '#a=1\n!a=2\n  # a=3\na=5\n'],
  ['a comment is not continued', '# a \\\na=1\n', 'a', 2, '# a \\\na=2\n'],
  ['escaped keys are found by what they mean', 'a\\ b\\:c\\=\\u0064=1\n', 'a b:c=d', 2, 'a\\ b\\:c\\=\\u0064=2\n'],
  ['of a repeated key the last is the one that counts', 'a=1\nb=2\na=3\n', 'a', 4, 'a=1\nb=2\na=4\n'],
  ['what is special is escaped', 'a=1', 'a', ' b\\c\td\ne\rf\fg', 'a=\\ b\\\\c\\td\\ne\\rf\\fg'],
  ['what is not ASCII is escaped, by UTF-16 units', 'a=1', 'a', 'é€😀', 'a=\\u00e9\\u20ac\\ud83d\\ude00'],
  ['a carriage return alone ends a line', 'a=1\rb=2\rc=3', 'b', 'x', 'a=1\rb=x\rc=3'],
  ['a new key comes last, in the style of the others', 'a : 1\n', 'b', 2, 'a : 1\nb : 2\n'],
  ['a new key gets the line end that is missing', 'a=1', 'b', 2, 'a=1\nb=2'],
  ['a new key has the line ends of the file', 'a=1\r\n', 'b', 2, 'a=1\r\nb=2\r\n'],
  ['a new key is escaped', '', '#a b=:é', 1, '\\#a\\ b\\=\\:\\u00e9=1\n'],
  ['a new key does not become the rest of a line that goes on', 'a=1\\\n', 'b', 2, 'a=1\\\n\nb=2\n'],
  ['a new key after an unfinished escape at the end', 'a=1\\', 'b', 2, 'a=1\\\n\nb=2'],
])('%s', (_, before, key, value, after) => {
  expect(set(before, { [key]: value })).toBe(after);
});

test('bytes of another encoding stay as they are', () => {
  const latin1 = Buffer.from('# Grüße\na=ü\nb=1\n', 'latin1');
  expect(set(latin1, { b: 'ü' })).toBe('# Grüße\na=ü\nb=\\u00fc\n');
  const utf8 = Buffer.from('# Grüße\na=ü\nb=1\n', 'utf8');
  expect(Buffer.from(set(utf8, { b: 'ü' }), 'latin1').toString()).toBe('# Grüße\na=ü\nb=\\u00fc\n');
});

test('a value in raw UTF-8, which Java would read as something else, is written so that all read it alike', () => {
  expect(set('a=ü\n', { a: 'ü' })).toBe('a=\\u00fc\n');
});

test('an escape that Java refuses is an error with its line', () => {
  expect(() => set('a=1\nb=\\u12g4\n', { a: 2 })).toThrow(/app\.properties:2: malformed escape \\u12g4/);
});

/** Texts of the pieces that have a meaning in properties files, in any order. */
const pieces = fc.array(
  fc.constantFrom(
    'a',
    'b',
    'key',
    'é',
    ' ',
    '\t',
    '\f',
    '=',
    ':',
    '#',
    '!',
    '\\',
    '\\\\',
    '\\\n',
    '\\\r\n  ',
    '\n',
    '\r',
    '\r\n',
    '\\u00e9',
    '\\t',
    '\n\n',
    '\na=',
    '\nb ',
  ),
  { maxLength: 30 },
);
const file = pieces.map((parts) => parts.join(''));
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(' a', '=a', ':', '\\', 'a\\', '#', '\t\n', '\f', '\r'),
);
const text = anyText.filter((value) => !/[\0\p{Surrogate}]/u.test(value));

test('any value of any key is read back, and all else stays', () => {
  fc.assert(
    fc.property(file, text, text, (before, key, value) => {
      const result = applySet(Buffer.from(before, 'latin1'), 'properties', { [key]: value }, 'f');
      expect(applySet(result.content, 'properties', { [key]: value }, 'f')).toMatchObject({ changes: 0 });
    }),
    { seed: 1, numRuns: 1000 },
  );
});

/** Reads lines `file in Base64` from stdin, and writes what java.util.Properties makes of each: keys and values in Base64. */
const JAVA = `
import java.io.*; import java.nio.charset.StandardCharsets; import java.util.*;
public class Load {
  static String b64(String s) { return Base64.getEncoder().encodeToString(s.getBytes(StandardCharsets.UTF_16BE)); }
  public static void main(String[] args) throws IOException {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    StringBuilder out = new StringBuilder();
    for (String line; (line = in.readLine()) != null; out.append('\\n')) {
      Properties properties = new Properties();
      try { properties.load(new ByteArrayInputStream(Base64.getDecoder().decode(line))); }
      catch (IllegalArgumentException e) { out.append('!'); continue; }
      for (String key : new TreeSet<>(properties.stringPropertyNames())) out.append(b64(key)).append(',').append(b64(properties.getProperty(key))).append(' ');
    }
    System.out.print(out);
  }
}`;

function loadByJava(files: readonly Buffer[]): (Map<string, string> | undefined)[] {
  const folder = mkdtempSync(join(tmpdir(), 'prestage-java-'));
  try {
    writeFileSync(join(folder, 'Load.java'), JAVA);
    execFileSync('javac', ['-d', folder, join(folder, 'Load.java')]);
    const input = files.map((content) => `${content.toString('base64')}\n`).join('');
    const output = execFileSync('java', ['-cp', folder, 'Load'], { input, maxBuffer: 1 << 28 }).toString();
    return output
      .split('\n')
      .slice(0, files.length)
      .map((line) => (line === '!' ? undefined : new Map(line.split(' ').filter(Boolean).map(pair))));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function pair(written: string): [string, string] {
  const [key = '', value = ''] = written
    .split(',')
    .map((part) => Buffer.from(part, 'base64').swap16().toString('utf16le'));
  return [key, value];
}

describe.skipIf(lacks('javac', 'java'))('as the real java.util.Properties reads it (needs a JDK)', () => {
  test('2,000 generated files: the set key has its value, every other key what it had, and what Java refuses is refused', () => {
    const cases = fc.sample(fc.tuple(file, text, text), { numRuns: 2000, seed: 20 }).map(([before, key, value]) => {
      const content = Buffer.from(before, 'latin1');
      return { before: content, key, value, after: attempt(content, key, value) };
    });
    const loaded = loadByJava(cases.flatMap(({ before, after }) => [before, after ?? before]));
    let edits = 0;
    for (const [index, { before, key, value, after }] of cases.entries()) {
      const [was, is] = [loaded[2 * index], loaded[2 * index + 1]];
      expect(after === undefined, JSON.stringify(before.toString('latin1'))).toBe(was === undefined);
      if (!was || !after) continue;
      // A lone backslash that ends the file is to Java a key without a name, until anything follows it.
      if (/\\\s*$/.test(before.toString('latin1')) && key !== '') for (const read of [was, is]) read?.delete('');
      expect(is, JSON.stringify([before.toString('latin1'), key, value])).toEqual(new Map([...was, [key, value]]));
      edits += 1;
    }
    expect(edits).toBeGreaterThan(1000);
  });
});

function attempt(content: Buffer, key: string, value: string): Buffer | undefined {
  try {
    return applySet(content, 'properties', { [key]: value }, 'f').content;
  } catch {
    return undefined;
  }
}
