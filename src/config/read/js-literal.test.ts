import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseLiteral } from './js-literal.js';
import { placesIn } from './literal.js';
import type { KeyPath } from './source-file.js';

const lines = (text: string) => placesIn(text, parseLiteral(text)).locate;

test.each<[string, string, KeyPath, number | undefined]>([
  ['a key', 'export default {\n a: 1,\n b: 2 }', ['b'], 3],
  ['a quoted key', 'export default {\n \'a-b\': 1,\n "c": 2 }', ['c'], 3],
  ['a key in CommonJS', 'module.exports = {\n a: 1 };', ['a'], 2],
  [
    'a key in defineConfig',
    "import { defineConfig } from 'prestage';\nexport default defineConfig({\n a: 1 });",
    ['a'],
    3,
  ],
  ['a key of a typed constant', 'const c: Config = {\n a: 1 };\nexport default c;', ['a'], 2],
  ['a key of a defined constant', 'const c = defineConfig({\n a: 1 });\nexport default c', ['a'], 2],
  ['an item of a list', 'export default { a: [\n1,\n2,\n{ b: 3 }] }', ['a', 2, 'b'], 4],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a program, which has templates
  ['what follows a template with braces', 'export default { a: `{${b ? `}` : {}}\n`,\n b: 1 }', ['b'], 3],
  ['what follows a regular expression with braces', 'export default { a: /[{/]\\/{/.source,\n b: 1 }', ['b'], 2],
  ['what follows a division', 'export default { a: 4 / 2, c: 6 / 3,\n b: 1 }', ['b'], 2],
  ['what follows comments', 'export default { // {\n /* b: 1 }\n */ b: 1 }', ['b'], 3],
  [
    'what follows a function',
    'export default { f() { return { b: 1 }; },\n g: (x) => { return [x, { y: 1 }]; },\n b: 1 }',
    ['b'],
    3,
  ],
  ['what follows a spread', 'export default { ...{ a: 1, b: 2 },\n b: 1 }', ['b'], 2],
  ['a shorthand key', 'export default { a,\n b,\n c }', ['b'], 2],
  ['an object with a type after it', 'export default {\n a: { b: 1 } as const,\n c: 1 } satisfies Config', ['c'], 3],
  ['a key that is not there: that of the map around it', 'export default {\n a: {\n x: 1 } }', ['a', 'y'], 2],
  ['a key that an arrow function makes', 'export default ({ a }: { a: string }) => ({\n b: a })', ['b'], 2],
  [
    'a key that a defined function returns',
    'export default defineConfig(async ({ values: { x } }) => {\n const b = { b: 1 };\n return {\n b } })',
    ['b'],
    4,
  ],
  ['nothing where the object is made elsewhere', 'export default make()', ['a'], undefined],
  ['nothing where nothing is exported', 'const a = { a: 1 }', ['a'], undefined],
])('finds the line of %s', (_, text, path, line) => {
  expect(lines(text)(path)).toBe(line);
});

test('ends on any text', () => {
  const pieces = fc.constantFrom(
    'export default ',
    '{',
    '}',
    '[',
    ']',
    '(',
    ')',
    "'",
    '"',
    '`',
    '${',
    '/',
    '\\',
    '//',
    '/*',
    '*/',
    ',',
    ':',
    'a',
    '\n',
    '...',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(pieces).map((parts) => `export default {${parts.join('')}`),
      ),
      (text) => {
        const line = lines(text)(['a', 0, 'b']);
        expect(line === undefined || (line >= 1 && line <= text.split('\n').length)).toBe(true);
      },
    ),
  );
});

test('finds every key of an object that JSON.stringify wrote, as deep as it goes', () => {
  const names = fc.stringMatching(/^[a-z]{1,6}$/).filter((name) => name !== 'proto');
  fc.assert(
    fc.property(
      fc.dictionary(names, fc.dictionary(names, fc.array(fc.jsonValue({ maxDepth: 1 })), { minKeys: 1 })),
      (value) => {
        const json = JSON.stringify(value, null, 1);
        const locate = lines(`export default ${json}`);
        for (const [a, inner] of Object.entries(value)) {
          for (const b of Object.keys(inner)) expect(json.split('\n')[(locate([a, b]) ?? 0) - 1]).toContain(`"${b}":`);
        }
      },
    ),
  );
});
