import { expect, test } from 'vitest';
import { objectAddress } from './address.js';

test.each([
  ['bucket', 'a/b.tar', undefined, 'eu-west-1', 'https://bucket.s3.eu-west-1.amazonaws.com', '/a/b.tar'],
  ['bucket', 'a', undefined, 'cn-north-1', 'https://bucket.s3.cn-north-1.amazonaws.com.cn', '/a'],
  ['with.dots', 'a', undefined, 'eu-west-1', 'https://s3.eu-west-1.amazonaws.com', '/with.dots/a'],
  ['bucket', 'a', 'http://127.0.0.1:7070', 'eu-west-1', 'http://127.0.0.1:7070', '/bucket/a'],
  ['bucket', 'a', 'https://host/s3/', 'eu-west-1', 'https://host', '/s3/bucket/a'],
  ['bucket', "../ä b+(1)?#!*'//c", 'http://h', 'r', 'http://h', '/bucket/../%C3%A4%20b%2B%281%29%3F%23%21%2A%27//c'],
])('%s %s at %s in %s', (bucket, key, endpoint, region, origin, path) => {
  expect(objectAddress({ bucket, key }, { endpoint, region })).toEqual({ origin, path });
});

test.each(['host:7070', 'ftp://host', ''])('an endpoint must be a URL: %j', (endpoint) => {
  expect(() => objectAddress({ bucket: 'b', key: 'k' }, { endpoint, region: 'r' })).toThrow(/http or https URL/);
});
