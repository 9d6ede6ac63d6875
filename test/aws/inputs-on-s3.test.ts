import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { InputLocations } from '../../src/plan/index.js';
import type { Bucket } from '../../src/targets/aws/bucket/bucket.js';
import { uploadInputs } from '../../src/targets/aws/bucket/upload-inputs.js';
import { serve } from '../http-server.js';
import { prepared } from '../prepared.js';
import { isEmptyOrAbsent, ReleaseJob } from '../release-job.js';
import { lacks } from '../requirements.js';
import { tarGz } from '../small-archives.js';
import { newBucket } from './bucket.js';
import { addManyInputs } from './many-inputs.js';
import { type Region, startRegion } from './region.js';

describe.skipIf(lacks('moto'))('a preparation whose every input is on S3', () => {
  let region: Region;
  let folder: string;
  let job: ReleaseJob;
  let bucket: Bucket;
  let uploaded: InputLocations;
  beforeAll(async () => {
    region = await startRegion();
  }, 60_000);
  afterAll(() => region?.stop());
  beforeEach(async () => {
    for (const [name, value] of Object.entries(region.env)) vi.stubEnv(name, value);
    folder = await mkdtemp(join(tmpdir(), 'prestage-on-s3-'));
    job = new ReleaseJob(join(folder, 'files'));
    await addManyInputs(job);
    bucket = await newBucket(region);
    uploaded = await uploadInputs(bucket, job, { emit: () => {}, signal: new AbortController().signal, wait: false });
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true, force: true });
  });

  const packages = async (root: string, inputs: InputLocations) =>
    (await prepared(join(folder, root), { plan: job.plan, inputs })).packages;

  test('gives the trees of one whose inputs are all on this machine', async () => {
    const expected = await packages('local', job.inputs);
    await rm(job.folder, { recursive: true });
    expect(new Set(Object.values(uploaded).map(({ kind }) => kind))).toEqual(new Set(['s3', 'packed']));
    expect(await packages('remote', uploaded)).toEqual(expected);
    expect(await isEmptyOrAbsent(join(folder, 'remote', '.staging'))).toBe(true);
  });

  test('takes from the bucket also what was on a server when it was uploaded', async () => {
    const content = tarGz({ 'a.txt': 'a' });
    const url = await serve((_, response) => response.end(content));
    const remote = new ReleaseJob(join(folder, 'more'));
    const digest = await remote.file('remote.tgz', content);
    remote.add('remote', { source: { kind: 'file', name: 'remote.tgz', sha256: digest } });
    const expected = (await prepared(join(folder, 'more-local'), remote)).packages;
    remote.inputs[digest] = { kind: 'http', url: `${url}/remote.tgz`, size: content.length };
    const inputs = await uploadInputs(bucket, remote, {
      emit: () => {},
      signal: new AbortController().signal,
      wait: false,
    });
    expect(inputs[digest]).toEqual({
      kind: 's3',
      url: `s3://${bucket.name}/sources/${digest}/remote.tgz`,
      size: content.length,
      said: {},
    });
    expect((await prepared(join(folder, 'more-remote'), { plan: remote.plan, inputs })).packages).toEqual(expected);
  });

  test.each([
    ['app.tar', 'color=red'],
    ['overlay.tar', 'size=1'],
    ['10-color.patch', 'color=blue'],
    ['boot-api.sh', 'echo'],
    ['single.txt', 'just'],
  ])('is refused where %s was changed in the bucket', async (name, part) => {
    const [key = ''] = (await bucket.list('sources/')).filter((key) => key.endsWith(`/${name}`));
    const content = Buffer.from((await bucket.getText(key)) ?? '');
    content.write('!', content.indexOf(part));
    await bucket.put(key, content);
    await expect(packages('remote', uploaded)).rejects.toMatchObject({
      code: 'SOURCE_MOVED',
      message: expect.stringContaining(key),
      hint: expect.stringMatching(/^Delete that object/),
    });
  });
});
