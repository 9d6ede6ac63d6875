import { execFileSync } from 'node:child_process';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { folderWith } from '../../../test/folder-with.js';
import { serve } from '../../../test/http-server.js';
import { lacks } from '../../../test/requirements.js';
import { sha256 } from '../../core/digest.js';
import type { PrestageEvent } from '../../core/events.js';
import { mavenUrl } from '../../plan/maven.js';
import { RemotePins } from './pin-remote.js';

const TEXT = 'what Maven deploys\n';
let deployed: string;
let repository: string;
let requests: string[];
let events: PrestageEvent[];

/** Where Maven put it: the coordinates that we were given must lead there. */
const placeOf = (algorithm = '') =>
  join(repository, `com/example/parts/app/1.2/app-1.2-linux.txt${algorithm === '' ? '' : `.${algorithm}`}`);

beforeAll(async () => {
  if (lacks('maven')) return;
  deployed = await mkdtemp(join(tmpdir(), 'prestage-maven-'));
  await writeFile(join(deployed, 'app.txt'), TEXT);
  const settings = {
    groupId: 'com.example.parts',
    artifactId: 'app',
    version: '1.2',
    packaging: 'txt',
    classifier: 'linux',
  };
  const target = { file: 'app.txt', generatePom: 'false', repositoryId: 'it', url: `file://${deployed}/repository` };
  const checksums = { 'aether.checksums.algorithms': 'SHA-1,SHA-256' };
  const flags = Object.entries({ ...settings, ...target, ...checksums }).map(([name, value]) => `-D${name}=${value}`);
  execFileSync('mvn', ['--quiet', '--batch-mode', 'deploy:deploy-file', ...flags], { cwd: deployed, stdio: 'inherit' });
});

afterAll(() => rm(deployed, { recursive: true, force: true }));

beforeEach(async () => {
  requests = [];
  events = [];
  if (deployed === undefined) return;
  repository = join(deployed, 'copy');
  await rm(repository, { recursive: true, force: true });
  await cp(join(deployed, 'repository'), repository, { recursive: true });
});

async function pinned() {
  const origin = await serve(({ method, url = '' }, response) => {
    const path = join(repository, url.replace(/^\/maven2/, ''));
    requests.push(`${method} ${url.replace(/^.*\//, '')}`);
    if (!existsSync(path)) return response.writeHead(404).end();
    response.writeHead(200, { 'content-length': statSync(path).size });
    return method === 'HEAD' ? response.end() : createReadStream(path).pipe(response);
  });
  const url = mavenUrl('maven:com.example.parts:app:1.2:linux@txt', `${origin}/maven2`)?.href ?? '';
  const cacheFolder = await folderWith({});
  const pins = new RemotePins({
    cacheFolder,
    emit: (event) => events.push(event),
    signal: new AbortController().signal,
  });
  try {
    return await pins.pin({ url, isMaven: true, package: 'app' });
  } finally {
    await pins.close();
  }
}

describe.skipIf(lacks('maven'))('a file that Maven deployed', () => {
  test('is where its coordinates say, and pinned by its SHA-256 without being fetched', async () => {
    expect(await pinned()).toMatchObject({ sha256: sha256(TEXT), size: TEXT.length });
    expect(requests).toEqual(['GET app-1.2-linux.txt.sha256', 'HEAD app-1.2-linux.txt']);
    expect(events.filter(({ type }) => type === 'warning')).toEqual([]);
  });

  test('is compared with its SHA-1 where there is no better one', async () => {
    await rm(placeOf('sha256'));
    expect(await pinned()).toMatchObject({ sha256: sha256(TEXT) });
    await writeFile(placeOf(), TEXT.toUpperCase());
    await expect(pinned()).rejects.toMatchObject({
      code: 'INTEGRITY_MISMATCH',
      message: expect.stringMatching(/is not what \S+\.sha1 says: expected [0-9a-f]{40}, found [0-9a-f]{40}/),
    });
  });

  test('without a checksum is pinned as it came, with a warning', async () => {
    await Promise.all([rm(placeOf('sha256')), rm(placeOf('sha1'))]);
    expect(await pinned()).toMatchObject({ sha256: sha256(TEXT) });
    expect(events).toContainEqual(expect.objectContaining({ type: 'warning' }));
  });

  test('beside a page in the place of its checksum is refused', async () => {
    await writeFile(placeOf('sha256'), '<html>log in</html>');
    await expect(pinned()).rejects.toMatchObject({ message: expect.stringContaining('.sha256 is not a checksum') });
    expect(await readFile(placeOf(), 'utf8')).toBe(TEXT);
  });
});
