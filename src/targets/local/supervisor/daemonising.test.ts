import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { freePort, type LocalTargetKit, openLocalTargetKit, service } from '../../../../test/local-target.js';
import { until } from '../../../../test/until.js';
import { identify, isRunning } from '../../../core/process-identity.js';
import type { HostState } from '../hosts/state.js';
import { hostFiles, hostFolder, layoutOf } from '../layout.js';

let kit: LocalTargetKit;
beforeEach(async () => {
  kit = await openLocalTargetKit();
});
afterEach(() => kit.close());

const folder = (host: string) => hostFolder(layoutOf(kit.root), host);
const state = (host: string) => JSON.parse(readFileSync(hostFiles(folder(host)).state, 'utf8')) as HostState;
const pids = (host: string, name: string) =>
  readFileSync(join(hostFiles(folder(host)).work, name), 'utf8')
    .trim()
    .split('\n')
    .map(Number);

/** It puts its work into the background, in a session of its own, and ends while its port is being served. */
const DAEMONISES = `#!/bin/sh
setsid sleep 4242 &
echo $! >> daemons
[ "$(wc -l < daemons)" -lt 3 ] || exec sleep 4242
sleep 0.2
`;

describe.skipIf(process.platform !== 'linux')(
  'a run that puts its work into the background (seen on Linux only)',
  () => {
    test('loses what it left before each restart, and keeps what boot left', async () => {
      const plan = await kit.publish({
        scripts: {
          'run.sh': DAEMONISES,
          'boot.sh': '#!/bin/sh\nsetsid sleep 4243 > /dev/null 2>&1 &\necho $! > booted\n',
        },
      });
      await kit.deploy(plan, [service('api', { boot: 'boot.sh', run: 'run.sh' })]);
      const running = pids('api-0', 'daemons').map((pid) => isRunning(identify(pid)));
      expect(running).toEqual([false, false, true]);
      expect(isRunning(identify(pids('api-0', 'booted')[0] ?? 0))).toBe(true);
    });

    test('is not healthy while its program does not run, whoever answers its check, and status counts its endings', async () => {
      const port = await freePort();
      const answers = `require('node:http').createServer((q, r) => r.end()).listen(${port}, '127.0.0.1')`;
      const plan = await kit.publish({
        scripts: {
          // What boot left answers the check; run ends as long as it may not stay.
          'boot.sh': `#!/bin/sh\nsetsid "${process.execPath}" -e "${answers}" > /dev/null 2>&1 &\n`,
          'run.sh': '#!/bin/sh\n[ -e ends ] || exec sleep 4242\nexit 5\n',
        },
      });
      const health = { kind: 'http', path: '/', timeoutMs: 20_000 } as const;
      await kit.deploy(plan, [service('api', { boot: 'boot.sh', run: 'run.sh', port, health })]);
      const host = async () => (await kit.target.look().status()).hosts[0];
      expect(await host()).toMatchObject({ state: 'healthy' });
      const ends = join(hostFiles(folder('api-0')).work, 'ends');
      writeFileSync(ends, '');
      process.kill(state('api-0').child?.pid ?? 0, 'SIGKILL');
      const restarting = await until('it not to run', async () => {
        const seen = await host();
        return seen?.state !== 'healthy' && seen?.detail?.endsWith('exit status 5') && seen;
      });
      expect(restarting).toMatchObject({
        state: 'unhealthy',
        detail: expect.stringMatching(/^its program does not run; it ended \d+ times, last with exit status 5$/),
      });
      rmSync(ends);
      const recovered = await until('it to run again', async () => {
        const seen = await host();
        return seen?.state === 'healthy' && seen;
      });
      expect(recovered.detail).toMatch(/ended \d+ times, last with exit status 5$/);
    });
  },
);
