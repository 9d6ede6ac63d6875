import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { until } from '../until.js';
import { client } from './client.js';
import { succeeded, useCloud, withoutCloud } from './cloud.js';

describe.skipIf(withoutCloud)('a service behind a load balancer', () => {
  const cloud = useCloud();

  test('answers every request in a release, a rollback, a release that fails, and one that its balancer refuses', async () => {
    const project = await cloud.project('rolling');
    const { release: first = '' } = succeeded(await project.aws('deploy --yes --json')).result;
    const hosts = async () => (await project.instances()).map(({ id }) => id).sort();

    let stop = await client(cloud);
    await project.archive('extras', { 'data/two.txt': 'two\n' });
    const { release: second = '' } = succeeded(await project.aws('deploy --yes --json')).result;
    succeeded(await project.aws('rollback --yes --json'));
    expect(await stop()).toMatchObject({ failures: [], releases: [first, second] });

    // Hosts of the service come up, and then another one does not.
    stop = await client(cloud);
    const before = await hosts();
    const good = await readFile(join(project.folder, 'hosts/server.py'), 'utf8');
    await project.write(
      'hosts/server.py',
      good.replace('\n\n', "\nif os.environ['PRESTAGE_SERVICE'] == 'web': exit(3)\n\n"),
      0o755,
    );
    const failed = await project.aws('deploy --yes --json');
    expect(failed.result.error).toMatchObject({ code: 'HOST_FAILED', context: { host: 'web-0' } });
    expect(failed.events).toContainEqual(expect.objectContaining({ type: 'host.healthy', host: 'api-0' }));
    expect(await stop()).toMatchObject({ failures: [], releases: [first] });
    expect(await hosts()).toEqual(before);

    // All are healthy by themselves, and their balancer does not find them so.
    stop = await client(cloud);
    await cloud.region.unhealthyTargets(true);
    await project.write('hosts/server.py', good.replace('listening on', 'listening at'), 0o755);
    const refused = await project.aws('deploy --yes --json');
    expect(refused.result.error).toMatchObject({
      code: 'HOST_FAILED',
      message: expect.stringContaining('does not find'),
    });
    await cloud.region.unhealthyTargets(false);
    expect((await stop()).failures).toEqual([]);
    expect(await hosts()).toEqual(before);
    await until(
      'targets to be as before',
      async () => (await cloud.region.machines()).balancers[0]?.listeners[0]?.targets.length === 2,
    );
    expect(succeeded(await project.aws('status --json')).result.release).toBe(first);
  }, 1_500_000);
});
