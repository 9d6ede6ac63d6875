import { expect, test } from 'vitest';
import { withoutSecrets } from './secret-lines.js';

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
