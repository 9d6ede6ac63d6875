import { expect, test } from 'vitest';
import { parseSource, sourceName, urlBaseName } from './source.js';

test.each([
  ['files/a.jar', 'local', 'files/a.jar'],
  ['C:\\files\\a.jar', 'local', 'C:\\files\\a.jar'],
  ['https://host/a.tar', 'http', 'https://host/a.tar'],
  ['https://me:secret@host/a.tar#x', 'http', 'https://host/a.tar'],
  ['https://host/get?file=a.tar&X-Amz-Signature=secret&token=secret', 'http', 'https://host/get?file=a.tar'],
  ['s3://bucket/a/b.tar', 's3', 's3://bucket/a/b.tar'],
  ['oci://GHCR.io/team/app:1.0', 'oci', 'oci://GHCR.io/team/app:1.0'],
  [`oci://localhost:5000/app@sha256:${'0'.repeat(64)}`, 'oci', `oci://localhost:5000/app@sha256:${'0'.repeat(64)}`],
  ['S3://bucket/a?b #%2f.tar', 's3', 's3://bucket/a?b #%2f.tar'],
])('%s is a %s source, called %s in the lockfile', (written, kind, name) => {
  const source = parseSource(written);
  expect(source?.kind).toBe(kind);
  expect(source && sourceName(source)).toBe(name);
});

test.each([
  'ftp://host/a',
  'file:///a',
  's3://bucket',
  's3://bucket/folder/',
  's3://me@host/a',
  's3://arn:aws:s3/a',
  'https://',
  'oci://ghcr.io/team/app',
  'oci://ghcr.io/Team/app:1',
  'oci://ghcr.io/team/app@sha256:12',
  'oci://me:secret@ghcr.io/team/app:1',
  'oci://ghcr.io/../app:1',
  'https://[x/',
])('%s is no source', (written) => {
  expect(parseSource(written)).toBeUndefined();
});

test.each([
  ['https://host/x/a%20b.tar.gz?v=1', 'a b.tar.gz'],
  ['https://host/', 'app'],
  ['https://host/x/%2e%2e%2fetc', 'app'],
  ['https://host/%zz', '%zz'],
])('the file name of %s is %s', (url, name) => {
  expect(urlBaseName(new URL(url), 'app')).toBe(name);
});

test('the choice in a registry is part of the name', () => {
  const source = parseSource('oci://ghcr.io/team/app:1', { platform: 'linux/arm64', layer: 'app.tar.gz' });
  expect(source && sourceName(source)).toBe('oci://ghcr.io/team/app:1 platform linux/arm64 layer app.tar.gz');
});
