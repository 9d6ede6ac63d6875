import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  freePort,
  HEALTH,
  type LocalTargetKit,
  openLocalTargetKit,
  SERVER,
  service,
} from '../../../test/local-target.js';

let kit: LocalTargetKit;
afterEach(() => kit.close());

/** Writes into its files, makes one and deletes one. */
const WRITES = `#!/bin/sh
package="$PRESTAGE_ROOT/opt/server"
echo changed > "$package/value.txt"
mkdir "$package/data"
rm "$package/value.txt"
echo 'it tried'
exec sleep 600
`;
const packages = { server: 'as prepared' };
const services = [service('api', { run: 'run.sh', needs: ['server'] })];

describe('where hosts cannot have mounts of their own', () => {
  const path = process.env.PATH;
  const withoutUnshare = mkdtempSync(join(tmpdir(), 'prestage-no-unshare-'));
  afterAll(() => {
    process.env.PATH = path;
    rmSync(withoutUnshare, { recursive: true });
  });
  beforeEach(async () => {
    writeFileSync(join(withoutUnshare, 'unshare'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    process.env.PATH = `${withoutUnshare}:${path}`;
    kit = await openLocalTargetKit({ agent: true });
  });

  test('one that writes there fails the deployment with the paths, and its files are prepared again', async () => {
    const contents = { scripts: { 'run.sh': WRITES }, packages: { ...packages, other: 'untouched' } };
    const job = await kit.job(contents);
    await kit.target.prepare(job, kit.follow());
    await expect(kit.deploy(job.plan, services)).rejects.toMatchObject({
      code: 'FILES_CHANGED',
      message: expect.stringMatching(
        /^Hosts wrote into the prepared files: opt\/server\/data \(extra\), opt\/server\/value\.txt \(missing\)\. This was the first/,
      ),
      hint: expect.stringContaining('cp -R "$PRESTAGE_ROOT/opt/server/." server'),
      context: { files: ['opt/server/data (extra)', 'opt/server/value.txt (missing)'], stopped: ['api-0'] },
    });
    const { trees } = await kit.target.look().lookUp(job.plan);
    expect([...trees].map((tree) => tree.replace(/-[0-9a-f]+$/, ''))).toEqual(['other']);
    const again = await kit.job(contents);
    await kit.target.prepare(again, kit.follow());
    expect((await kit.target.verify({ deep: true }, kit.follow())).differences).toEqual([]);
  });

  test('a change after the deployment is found by the next one, which replaces the files and the hosts on them', async () => {
    const contents = { scripts: { 'run.js': SERVER }, packages };
    const port = await freePort();
    const wanted = [service('api', { run: 'run.js', needs: ['server'], port, health: HEALTH })];
    const job = await kit.job(contents);
    await kit.target.prepare(job, kit.follow());
    await kit.deploy(job.plan, wanted);
    expect(await kit.target.look().changedTrees?.(job.plan)).toEqual([]);
    const file = join(kit.root, 'releases', job.plan.release, 'opt/server/value.txt');
    writeFileSync(file, 'as PREPARED');
    const changed = (await kit.target.look().changedTrees?.(job.plan)) ?? [];
    expect(changed).toMatchObject([{ package: 'server', differences: [{ path: 'value.txt', kind: 'digest' }] }]);
    await kit.target.forgetTrees?.(changed);
    await kit.target.prepare(await kit.job(contents), kit.follow());
    expect(readFileSync(file, 'utf8')).toBe('as prepared');
    expect((await kit.target.look().planServices(kit.deployment(job.plan, wanted))).hosts).toMatchObject([
      { action: 'replace', reason: 'package server was prepared again' },
    ]);
    expect(await kit.deploy(job.plan, wanted)).toBe('applied');
    expect(await kit.deploy(job.plan, wanted)).toBe('unchanged');
  });
});
