import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Run } from '../prestage.js';
import { type CloudProject, succeeded, useCloud, withoutCloud } from './cloud.js';

const types = ({ events }: Run) => events.map(({ type }) => type as string);
const hosts = async (project: CloudProject) =>
  (await project.instances()).map(({ tags }) => tags['prestage:host']).sort();

describe.skipIf(withoutCloud)('hosts on AWS', () => {
  const cloud = useCloud();

  test('in a single phase: the jump host prepares, the others wait, and a second deployment changes nothing', async () => {
    const project = await cloud.project('single');
    const run = succeeded(await project.aws('deploy --yes --single-phase --json'));
    expect(types(run)).not.toContain('machine.launched');
    expect(run.events).toContainEqual(
      expect.objectContaining({ type: 'host.files', host: 'jump-0', state: 'preparing' }),
    );
    const { release = '' } = run.result;
    const record = await readFile(
      join(await project.store(), 'prestage-sample-single/releases', release, 'release.json'),
      'utf8',
    );
    expect(JSON.parse(record)).toMatchObject({ release });
    const again = succeeded(await project.aws('deploy --yes --json'));
    expect(again.result).toMatchObject({ phase1: 'ready', phase2: 'unchanged' });
    expect(types(again)).not.toContain('machine.launched');
  });

  test('with a database: they get its address, and it stays when the hosts go', async () => {
    const project = await cloud.project('data', (config) => {
      config.database = { engine: 'postgres', version: '16' };
      config.environments = {
        data: { target: 'aws', region: cloud.region.name, nat: 'none' },
      };
      config.services = { jump: { role: 'jump', boot: 'hosts/jump.py' } };
    });
    await project.write(
      'hosts/jump.py',
      `#!/bin/sh
echo database at "\${PRESTAGE_DATABASE_URL%%:*}, \${PRESTAGE_DATABASE_URL##*\\?}, \${PRESTAGE_DATABASE_JDBC_URL##*&}"
echo authorities: $(su -s /bin/sh nobody -c "grep -c BEGIN '$PGSSLROOTCERT'")
`,
      0o755,
    );
    await project.save();
    succeeded(await project.aws('deploy --yes --json'));
    const { stdout } = succeeded(await project.aws('logs jump-0'));
    const file = '/var/lib/prestage/database-ca.pem';
    expect(stdout).toContain(`database at postgres, sslmode=verify-full, sslrootcert=${file}`);
    // Its three authorities, which every user may read.
    expect(stdout).toContain('authorities: 3');
    const status = succeeded(await project.aws('status --json'));
    expect(status.result).toMatchObject({ database: { engine: 'postgres' } });
    succeeded(await project.aws('destroy --yes'));
    expect(await hosts(project)).toEqual([]);
    expect(succeeded(await project.aws('status --json')).result).toMatchObject({
      database: { engine: 'postgres' },
      hosts: [],
    });
    succeeded(await project.aws('deploy --yes --json'));
    succeeded(await project.aws('destroy --yes --purge'));
  });

  test('are where their files are verified and pruned, by a worker', async () => {
    const project = await cloud.project('care');
    const { release: first = '' } = succeeded(await project.aws('deploy --yes --prepare-files-only --json')).result;
    await project.archive('extras', { 'data/other.txt': 'other\n' });
    const { release: second = '' } = succeeded(await project.aws('deploy --yes --json')).result;
    const verified = succeeded(await project.aws('verify --deep --json'));
    expect(verified.result).toMatchObject({ differences: [] });
    const pruned = succeeded(await project.aws('prune --keep 1 --yes --json'));
    // Both say what their worker does, and a prune that has nothing to remove starts none.
    for (const { events } of [verified, pruned]) expect(events.map(({ type }) => type)).toContain('machine.launched');
    const nothing = succeeded(await project.aws('prune --keep 1 --yes --json'));
    expect(nothing.events).toEqual([]);
    const left = succeeded(await project.aws('status --json')).result as unknown as { releases: string[] };
    expect(left.releases).toEqual([second]);
    expect(left.releases).not.toContain(first);
    expect(await project.workers()).toEqual([]);
  });
});
