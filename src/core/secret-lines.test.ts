import { expect, test } from 'vitest';
import { secretValues, withoutSecrets } from './secret-lines.js';

const KEY = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDEpzW1nF7kq9Zx';

test.each([
  ['a property', '+db.password=s3cret', '+db.password=***'],
  ['a key of YAML', '-  apiKey: s3cret', '-  apiKey: ***'],
  ['a member of JSON', '+  "clientSecret": "s3cret",', '+  "clientSecret": ***'],
  ['an element', ' <password>s3cret</password>', ' <password>***'],
  ['an attribute', '+<user token="s3cret"/>', '+<user token=***'],
  [
    'a name beside its value',
    '+<property name="db.password" value="s3cret"/>',
    '+<property name="db.password" value=***',
  ],
  ['a URL', '+url=postgres://me:s3cret@host/db', '+url=postgres://***@host/db'],
  ['a line of a key', `+${KEY}`, '+***'],
  [
    'a key in a string of JSON',
    `+"a": "-----BEGIN PRIVATE KEY-----\\n${KEY}\\n-----END PRIVATE KEY-----\\n", "b": 1`,
    '+"a": "-----BEGIN PRIVATE KEY-----***-----END PRIVATE KEY-----\\n", "b": 1',
  ],
  ['a key that is cut off', `-----BEGIN EC PRIVATE KEY-----\\n${KEY}`, '-----BEGIN EC PRIVATE KEY-----***'],
  ['prose', ' # the password is in the safe', ' # the password is in the safe'],
  ['a digest', `+${'0a'.repeat(32)}`, `+${'0a'.repeat(32)}`],
])('a line of a diff has no secret: %s', (_, line, expected) => expect(withoutSecrets([line])).toEqual([expected]));

test('a private key is hidden, however short its lines are', () => {
  const lines = ['+-----BEGIN EC PRIVATE KEY-----', '+abc', '+def', '+-----END EC PRIVATE KEY-----', '+next'];
  expect(withoutSecrets(lines)).toEqual([lines[0], '+***', '+***', lines[3], '+next']);
});

test('a value that is known to be secret is hidden, and what it takes the place of', () => {
  const lines = ['@@ -1,4 +1,4 @@', ' a', '-old', '+say hunter2', ' b', '-c', '+d'];
  expect(withoutSecrets(lines, ['hunter2'])).toEqual(['@@ -1,4 +1,4 @@', ' a', '-***', '+say ***', ' b', '-c', '+d']);
});

test('a private key in one line does not hide what follows it', () => {
  const line = '"-----BEGIN PRIVATE KEY-----***-----END PRIVATE KEY-----"';
  expect(withoutSecrets([line, 'next'])).toEqual([line, 'next']);
});

test('values are secret by the names that they stand under, however deep', () => {
  const data = { steps: [{ values: { 'db.password': 'hunter2', port: 1 } }], tokens: { a: ['one\ntwo', 3, true] } };
  expect(secretValues(data)).toEqual(['hunter2', 'one', 'two', '3']);
  expect(secretValues(undefined)).toEqual([]);
});
