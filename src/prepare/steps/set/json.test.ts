import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PrestageError } from '../../../core/errors.js';
import { applySet, type SetValue } from './index.js';

const set = (text: string, values: Record<string, SetValue>) =>
  applySet(Buffer.from(text), 'json', values, 'app.json').content.toString();

test.each<[name: string, before: string, key: string, value: SetValue, after: string]>([
  ['a string', '{"a": "b"}', 'a', 'c"\\\n', '{"a": "c\\"\\\\\\n"}'],
  ['a number', '{"a" :1 , "b":2}', 'a', -1.5, '{"a" :-1.5 , "b":2}'],
  ['a boolean', '{"a":true}', 'a', false, '{"a":false}'],
  ['null', '{"a":1}', 'a', null, '{"a":null}'],
  ['another type', '{"a":"8080"}', 'a', 8080, '{"a":8080}'],
  ['a member of a member, of an item', '{"a":{"b":[1,{"c":2}]}}', 'a.b.1.c', 3, '{"a":{"b":[1,{"c":3}]}}'],
  ['an item', '[1, 2, 3]', '1', 9, '[1, 9, 3]'],
  ['a name with dots, where it is there', '{"a.b": 1}', 'a.b', 2, '{"a.b": 2}'],
  ['a name with dots, in quotes', '{"a.b": 1, "a": {"b": 1}}', '"a.b"', 2, '{"a.b": 2, "a": {"b": 1}}'],
  ['of a repeated name the last, as JSON.parse takes it', '{"a":1,"a":2}', 'a', 3, '{"a":1,"a":3}'],
  [
    'comments stay',
    '{\n  // one\n  "a": 1, /* two */\n  "b": 2 // three\n}',
    'a',
    5,
    '{\n  // one\n  "a": 5, /* two */\n  "b": 2 // three\n}',
  ],
  ['a new member on a line', '{"a": 1}', 'b', 2, '{"a": 1, "b": 2}'],
  ['a new member among close ones', '{"a":1,"b":2}', 'c', 3, '{"a":1,"b":2,"c":3}'],
  [
    'a new member on lines',
    '{\r\n\t"a" : 1\r\n}\r\n',
    'b',
    2,
    '{\r\n\t"a" : 1,\r\n\t"b" : 2\r\n}\r\n'.replace('"b" :', '"b":'),
  ],
  ['a new member after a trailing comma', '{\n  "a": 1,\n}', 'b', 2, '{\n  "a": 1,\n  "b": 2,\n}'],
  ['a new member after a comment', '{\n  "a": 1 // one\n}', 'b', 2, '{\n  "a": 1, // one\n  "b": 2\n}'],
  [
    'a new member after a trailing comma and a comment',
    '{\n  "a": 1, // one\n  // end\n}',
    'b',
    2,
    '{\n  "a": 1, // one\n  "b": 2,\n  // end\n}',
  ],
  ['a new member in an empty object on a line', '{}', 'a', 1, '{"a": 1}'],
  [
    'a new member in an empty object in lines',
    '{\n    "a": {}\n}',
    'a.b',
    1,
    '{\n    "a": {\n        "b": 1\n    }\n}',
  ],
  ['a new member in an object with a comment alone', '{ // c\n}', 'a', 1, '{ // c\n  "a": 1\n}'],
  ['new members in each other', '{\n  "a": 1\n}\n', 'b.c', 2, '{\n  "a": 1,\n  "b": {\n    "c": 2\n  }\n}\n'],
  ['new members in each other on a line', '{"a": 1}', 'b.c', 2, '{"a": 1, "b": {"c": 2}}'],
])('sets %s', (_, before, key, value, after) => {
  expect(set(before, { [key]: value })).toBe(after);
});

test.each<[name: string, text: string, key: string, message: RegExp]>([
  ['what is not JSON', '{\n"a": 1,,\n}', 'a', /app\.json:2: not valid JSON/],
  ['an empty file', '', 'a', /not valid JSON/],
  ['an object', '{\n"a": {"b": 1}}', 'a', /app\.json:2: a is a map/],
  ['an item that is not there', '{"a": [1]}', 'a.1', /a is a list of 1 and has no item 1/],
  ['something in a string', '{"a": "b"}', 'a.b', /a is a string/],
  ['something in null', '{"a": null}', 'a.b', /null, not an object/],
  ['what may be in two places', '{"a.b": 1,\n"a": {"b": 1}}', 'a.b', /lines 1 and 2/],
  ['a new key that may be flat or nested', '{"a.b": 1}', 'a.c', /"a\.c" in double quotes|name with dots/],
  ['a key that is none', '{"a": 1}', 'a..b', /is not a key/],
])('refuses %s', (_, text, key, message) => {
  expect(() => set(text, { [key]: 1 })).toThrow(message);
  expect(() => set(text, { [key]: 1 })).toThrow(PrestageError);
});

test('a misspelt key is not found but added, and said to be; in a list it is an error with the nearest keys', () => {
  expect(applySet(Buffer.from('{"port": 1}'), 'json', { prot: 2 }, 'f').added).toEqual(['prot']);
  expect(() => set('{"servers": [{"port": 1}]}', { 'servers.1.port': 2 })).toThrow(
    expect.objectContaining({ hint: expect.stringContaining('servers.0.port') }),
  );
});

test('JSON.parse reads any value at any key, and all else as before', () => {
  const object = fc.dictionary(fc.string({ unit: 'grapheme', maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), {
    minKeys: 1,
    noNullPrototype: true,
  });
  const scalar = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
  );
  fc.assert(
    fc.property(
      object,
      fc.nat(),
      fc.boolean(),
      scalar,
      fc.constantFrom(0, 2, '\t'),
      (data, pick, isNew, value, indent) => {
        const names = Object.keys(data);
        const name = isNew ? `${names.join('')}new` : (names[pick % names.length] ?? '');
        if (!isNew && typeof data[name] === 'object' && data[name] !== null) return;
        const expected = JSON.parse(JSON.stringify(Object.fromEntries([...Object.entries(data), [name, value]])));
        expect(JSON.parse(set(JSON.stringify(data, null, indent), { [JSON.stringify(name)]: value }))).toEqual(
          expected,
        );
      },
    ),
    { seed: 1, numRuns: 500 },
  );
});
