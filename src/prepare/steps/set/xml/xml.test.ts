import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lacks } from '../../../../../test/requirements.js';
import { PrestageError } from '../../../../core/errors.js';
import { applySet, type SetValue } from '../index.js';

const set = (text: string, values: Record<string, SetValue>) =>
  applySet(Buffer.from(text), 'xml', values, 'app.xml').content.toString();

test.each<[name: string, before: string, key: string, value: SetValue, after: string]>([
  ['the text of an element', '<a><b>1</b></a>', 'a/b', 2, '<a><b>2</b></a>'],
  ['the root, with a slash in front', '<a>1</a>', '/a', 2, '<a>2</a>'],
  ['an attribute', '<a x="1" y="1"/>', 'a@y', 2, '<a x="1" y="2"/>'],
  ['an attribute, as XPath writes it', '<a><b x="1"/></a>', 'a/b/@x', 2, '<a><b x="2"/></a>'],
  [
    'an attribute in its own quotes and white space',
    "<a\n  x = '1'\n/>",
    'a@x',
    '"it\'s"',
    '<a\n  x = \'"it&apos;s"\'\n/>',
  ],
  ['what is special in an attribute', '<a x="1"/>', 'a@x', '<&">\n', '<a x="&lt;&amp;&quot;>&#xA;"/>'],
  ['what is special in text', '<a>1</a>', 'a', '<&">]]>\r', '<a>&lt;&amp;">]]&gt;&#xD;</a>'],
  ['white space around the text stays', '<a>\n  1\n</a>', 'a', 2, '<a>\n  2\n</a>'],
  ['comments beside the text stay', '<a><!-- x --> 1 <!-- y --></a>', 'a', 2, '<a><!-- x --> 2 <!-- y --></a>'],
  ['an empty element', '<a></a>', 'a', 2, '<a>2</a>'],
  ['an element without an end tag', '<a><b x="1" /></a>', 'a/b', 2, '<a><b x="1" >2</b></a>'],
  ['an empty text', '<a>1</a>', 'a', null, '<a></a>'],
  ['CDATA stays CDATA', '<a>\n<![CDATA[1 < 2]]>\n</a>', 'a', '<&', '<a>\n<![CDATA[<&]]>\n</a>'],
  ['the end of CDATA in CDATA', '<a><![CDATA[1]]></a>', 'a', 'x]]>y', '<a><![CDATA[x]]]]><![CDATA[>y]]></a>'],
  ['the second of several', '<a><b>1</b><c/><b>1</b></a>', 'a/b[2]', 2, '<a><b>1</b><c/><b>2</b></a>'],
  [
    'one by its attribute',
    '<a><b n="x">1</b><b n="y &amp; z">1</b></a>',
    "a/b[@n='y & z']",
    2,
    '<a><b n="x">1</b><b n="y &amp; z">2</b></a>',
  ],
  [
    'one by an element in it',
    '<a><p><n>x</n><v>1</v></p><p><n> y </n><v>1</v></p></a>',
    "a/p[n='y']/v",
    2,
    '<a><p><n>x</n><v>1</v></p><p><n> y </n><v>2</v></p></a>',
  ],
  [
    'one by both',
    '<a><b n="x"/><b n="y" v="1"/><b n="y" v="1"/></a>',
    "a/b[@n='y'][2]@v",
    2,
    '<a><b n="x"/><b n="y" v="1"/><b n="y" v="2"/></a>',
  ],
  [
    'names with prefixes, as they are written',
    '<a xmlns:p="u"><b>1</b><p:b p:x="1">1</p:b></a>',
    'a/p:b@p:x',
    2,
    '<a xmlns:p="u"><b>1</b><p:b p:x="2">1</p:b></a>',
  ],
  [
    'the one that is no comment',
    '<a><!-- <b>1</b> --><b>1</b><?b 1?></a>',
    'a/b',
    2,
    '<a><!-- <b>1</b> --><b>2</b><?b 1?></a>',
  ],
  [
    'below a DOCTYPE with brackets in it',
    '<!DOCTYPE a [<!ENTITY e "]>"> <!-- ]> \' --> <?p ]>?>]><a>&e;<b>1</b></a>',
    'a/b',
    2,
    '<!DOCTYPE a [<!ENTITY e "]>"> <!-- ]> \' --> <?p ]>?>]><a>&e;<b>2</b></a>',
  ],
  [
    'an entity of a DTD, as it is written there: what it stands for is not known without the DTD',
    '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>',
    'a',
    '&e;',
    '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>',
  ],
  [
    'beside a name that has white space of JavaScript',
    '<a \ufeffx="1"><b>1</b></a>',
    'a/b',
    2,
    '<a \ufeffx="1"><b>2</b></a>',
  ],
  ['text that looks like an attribute', '<a><b >c="1"</b><d c="1"/></a>', 'a/d@c', 2, '<a><b >c="1"</b><d c="2"/></a>'],
])('sets %s', (_, before, key, value, after) => {
  expect(set(before, { [key]: value })).toBe(after);
});

test.each<[name: string, text: string, key: string, message: RegExp, hint?: RegExp, found?: string]>([
  ['several places', '<a>\n<b/>\n<b/></a>', 'a/b', /app\.xml:2: a\/b matches 2 places \(lines 2 and 3\)/, /item\[2\]/],
  ['several attributes', '<a>\n<b x="1"/>\n<b x="1"/></a>', 'a/b@x', /lines 2 and 3/],
  [
    'an element that is not there',
    '<a><bean/></a>',
    'a/beam',
    /no <beam> is there/,
    /Nearest: bean.*adds nothing/,
    '<bean>',
  ],
  ['an element of one that has none', '<a/>', 'a/b', /no <b> is there/, /Check the path/, 'no elements'],
  ['another root', '<a/>', 'b/a', /no <b> is there/, /Check the path/, '<a>'],
  [
    'an attribute that is not there',
    '<a>\n<c/>\n<b host="" port="1"/></a>',
    'a/b@prot',
    /app\.xml:3: .*<b> has no attribute prot/,
    /Nearest: @port/,
    'host, port',
  ],
  [
    'an attribute that is an element',
    '<a><b><port/></b></a>',
    'a/b@port',
    /<b> has no attribute port/,
    /an element <port>: name it by \/port instead of @port/,
    'none',
  ],
  ['brackets that nothing fits', '<a><b/></a>', 'a/b[2]', /fits its brackets/],
  ['an element with elements', '<a><b><c/></b></a>', 'a/b', /has elements in it \(<c>\)/],
  ['text in pieces', '<a>x<!-- c -->y</a>', 'a', /several pieces/],
  ['what is not well-formed', '<a>\n<b></a>', 'a/b', /app\.xml:2: not well-formed XML/],
  ['an entity that nothing defines', '<a>&e;</a>', 'a', /not well-formed/],
  ['a path that is none', '<a/>', 'a//b', /not a path/],
  ['a path of nothing', '<a/>', '', /not a path/],
])('refuses %s', (_, text, key, message, hint, found) => {
  expect(() => set(text, { [key]: 1 })).toThrow(message);
  expect(() => set(text, { [key]: 1 })).toThrow(PrestageError);
  if (hint)
    expect(() => set(text, { [key]: 1 })).toThrow(expect.objectContaining({ hint: expect.stringMatching(hint) }));
  if (found)
    expect(() => set(text, { [key]: 1 })).toThrow(
      expect.objectContaining({ context: expect.objectContaining({ found }) }),
    );
});

test('a control character is refused', () => {
  expect(() => set('<a>1</a>', { a: 'x\u0001' })).toThrow(/control character/);
});

describe('in an encoding of one byte', () => {
  const bytes = (text: string) => Buffer.from(text, 'latin1');
  const head = "<?xml version='1.0' encoding='ISO-8859-15'?>";
  test('what is not ASCII is written as references, and other bytes stay', () => {
    const before = bytes(`${head}<!-- é --><a x="é"><b>é</b></a>`);
    const { content } = applySet(before, 'xml', { 'a@x': 'ü€', 'a/b': '😀' }, 'f');
    expect(content).toEqual(bytes(`${head}<!-- é --><a x="&#xFC;&#x20AC;"><b>&#x1F600;</b></a>`));
  });
  test('CDATA is left for them', () => {
    const { content } = applySet(bytes(`${head}<a><![CDATA[x]]></a>`), 'xml', { a: '<ü>' }, 'f');
    expect(content).toEqual(bytes(`${head}<a><![CDATA[<]]>&#xFC;<![CDATA[>]]></a>`));
  });
  test('one of several bytes that are not UTF-8 is refused', () => {
    expect(() => set('<?xml version="1.0" encoding="Shift_JIS"?><a/>', { a: 1 })).toThrow(/Shift_JIS/);
  });
});

const PYTHON = `
import base64, json, sys, xml.etree.ElementTree as E
print(json.dumps([[E.fromstring(base64.b64decode(x)).find('b').text or '', E.fromstring(base64.b64decode(x)).get('x')] for x in json.load(sys.stdin)]))
`;

describe.skipIf(lacks('python3'))('as expat reads it (needs python3)', () => {
  test('any text is read back from text, CDATA and attributes, in UTF-8 and in Latin-1', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', ' ', '<', '&', '"', "'", ']', '>', '\t', '\n', '\r', 'é', '€', '😀', ']]>', '&lt;'),
      minLength: 1,
      maxLength: 8,
    });
    const cases = fc
      .sample(fc.tuple(text, fc.boolean(), fc.boolean()), { numRuns: 500, seed: 5 })
      .map(([value, isCdata, isLatin1]) => {
        const encoding = isLatin1 ? 'latin1' : 'utf8';
        const head = isLatin1 ? '<?xml version="1.0" encoding="ISO-8859-1"?>' : '';
        const before = Buffer.from(`${head}<a x="é"><b>${isCdata ? '<![CDATA[é]]>' : 'é'}</b></a>`, encoding);
        return { value, content: applySet(before, 'xml', { 'a/b': value, 'a@x': value }, 'f').content };
      });
    const input = JSON.stringify(cases.map(({ content }) => content.toString('base64')));
    const read = JSON.parse(execFileSync('python3', ['-c', PYTHON], { input }).toString()) as [string, string][];
    expect(read).toEqual(cases.map(({ value }) => [value, value]));
  });
});
