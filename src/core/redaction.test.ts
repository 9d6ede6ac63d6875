import { describe, expect, test } from 'vitest';
import { redacted, withoutCredentials } from './redaction.js';

const URL = 'https://user:s3cret@host/x?X-Amz-Signature=5ec7e7';

describe('a text is told without', () => {
  test.each([
    ['the user and the query of a URL', `GET ${URL} failed`, 'GET https://***@host/x?*** failed'],
    ['the query of a URL without a user', 'https://host/x?sig=5ec7e7', 'https://host/x?***'],
    ['a password with an @', 'https://user:s3@cret@host/x', 'https://***@host/x'],
    ['a password with a slash, as written by hand', 'https://user:s3/cret@host/x', 'https://***@host/x'],
    ['a password with a #', 'postgres://user:s3#cret@host/x', 'postgres://***@host/x'],
    [
      'a query of a path',
      'GET /b/k?X-Amz-Credential=s3cret&X-Amz-Date=1',
      'GET /b/k?X-Amz-Credential=***&X-Amz-Date=1',
    ],
    ['a header', 'Authorization: Digest s3cret, more="s3cret"', 'Authorization: ***'],
    [
      'a header as Node prints it',
      "{ authorization: 'Digest s3cret', host: 'h' }",
      "{ authorization: '***', host: 'h' }",
    ],
    ['a header in JSON', '{"Authorization":"Digest s3cret","a":1}', '{"Authorization":"***","a":1}'],
    ['a header in JSON in JSON', '{\\"cookie\\":\\"s3cret\\",\\"a\\":1}', '{\\"cookie\\":\\"***\\",\\"a\\":1}'],
    ['the token of a session', 'x-amz-security-token: FwoGs3cret', 'x-amz-security-token: ***'],
    [
      'a signature in a value',
      'AWS4-HMAC-SHA256 Credential=s3cret/x, Signature=5ec7e7',
      'AWS4-HMAC-SHA256 Credential=***, Signature=***',
    ],
    ['a bearer', 'sent Bearer s3crets3crets3cret', 'sent Bearer ***'],
    ['Basic and base64', `sent Basic ${btoa('user:s3cret')}`, 'sent Basic ***'],
    ['a JSON web token', 'got eyJhbGciOiJI.eyJzdWIiOiIx.s3cret', 'got ***'],
    [
      'keys of AWS as settings',
      'AWS_SECRET_ACCESS_KEY=s3cret aws_session_token = s3cret',
      'AWS_SECRET_ACCESS_KEY=*** aws_session_token = ***',
    ],
    ['keys of AWS as JSON', '{"SecretAccessKey" : "s3cret"}', '{"SecretAccessKey" : "***"}'],
    ['the id of a key', 'The key AKIAABCDEFGHIJKLMNOP is unknown', 'The key AKIA*** is unknown'],
    ['a password that is a setting', 'started with --db.password=s3cret -v', 'started with --db.password=*** -v'],
  ])('%s', (_, text, told) => {
    expect(withoutCredentials(text)).toBe(told);
    expect(told).not.toMatch(/s3cret|5ec7e7/);
  });
});

describe('a text stays as it is where it has', () => {
  test.each([
    ['a URL alone', 'https://host:8080/a/@scope/pkg#x'],
    ['a port and an address after it', 'from https://host:8080 by a@b.c'],
    ['a question after a URL', 'Is there https://host/? Look.'],
    ['Basic in prose', 'Basic authentication is refused; Basic: no'],
    ['a key of a configuration', 'prestage.config.yaml:3: database.password: expected text, found a number'],
    ['a token in prose', 'the session token: it expired; the token, which is none'],
    ['the header that asks for a token', 'X-aws-ec2-metadata-token-ttl-seconds: 60'],
    ['an ARN', 'arn:aws:iam::123456789012:role/x'],
  ])('%s', (_, text) => {
    expect(withoutCredentials(text)).toBe(text);
  });
});

test('data loses its secrets in every depth, and nothing else', () => {
  const date = new Date(0);
  const data = {
    at: date,
    list: [URL, { deep: [[URL]] }],
    [URL]: 1,
    password: 's3cret',
    headers: { 'Set-Cookie': ['s3cret'] },
    n: 7,
    none: null,
  };
  expect(redacted(data)).toEqual({
    at: date,
    list: ['https://***@host/x?***', { deep: [['https://***@host/x?***']] }],
    'https://***@host/x?***': 1,
    password: '***',
    headers: { 'Set-Cookie': '***' },
    n: 7,
    none: null,
  });
});

test('a circle, and an error among the data, do no harm', () => {
  const circle: Record<string, unknown> = { error: new Error(URL) };
  circle.self = circle;
  expect(redacted(circle)).toEqual({ error: 'Error: https://***@host/x?***', self: undefined });
});

test('a long line of an attacker is looked through at once', () => {
  const started = performance.now();
  for (const piece of ['a.', 'a:', 'https://', 'token', '_-.', 'Basic ', "'", 'x@'])
    withoutCredentials(piece.repeat((64 * 1024) / piece.length));
  expect(performance.now() - started).toBeLessThan(2000);
});
