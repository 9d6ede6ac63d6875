import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type LocalTargetKit, openLocalTargetKit, service } from '../../../test/local-target.js';
import { lacks } from '../../../test/requirements.js';
import { until } from '../../../test/until.js';
import type { HostState } from './hosts/state.js';
import { hostFiles, hostFolder, layoutOf } from './layout.js';

let kit: LocalTargetKit;
afterEach(() => kit.close());

/** Tries to write into its files, to make one, to delete one and to write beside them; then serves. */
const WRITES = `#!/bin/sh
package="$PRESTAGE_ROOT/opt/server"
echo changed > "$package/value.txt"
mkdir "$package/data"
rm "$package/value.txt"
echo x > "$PRESTAGE_ROOT/beside"
echo 'it tried'
exec sleep 600
`;
/** As the documentation shows it. */
const COPIES = `#!/bin/sh
cp -R "$PRESTAGE_ROOT/opt/server/." server
`;
const RUNS_COPY = `#!/bin/sh
echo changed > server/value.txt
exec sleep 600
`;

const packages = { server: 'as prepared' };
const services = [service('api', { run: 'run.sh', needs: ['server'] })];

describe.skipIf(lacks('root') || process.platform !== 'linux')(
  'where hosts have mounts of their own (root, Linux)',
  () => {
    beforeEach(async () => {
      kit = await openLocalTargetKit();
    });

    test('they see what is prepared read-only', async () => {
      const plan = await kit.publish({ scripts: { 'run.sh': WRITES }, packages });
      await kit.deploy(plan, services);
      const files = hostFiles(hostFolder(layoutOf(kit.root), 'api-0'));
      await until('it to have tried', () => readFileSync(files.log, 'utf8').includes('it tried'));
      expect(readFileSync(files.log, 'utf8').match(/Read-only file system/g)).toHaveLength(4);
      expect(JSON.parse(readFileSync(files.state, 'utf8')) as HostState).toMatchObject({ readOnly: true });
      expect((await kit.target.verify({ deep: true }, kit.follow())).differences).toEqual([]);
      expect(existsSync(join(kit.root, 'releases', plan.release, 'beside'))).toBe(false);
      // Anyone who deploys is not bound by it.
      writeFileSync(join(kit.root, 'trees', 'mine'), '');
      rmSync(join(kit.root, 'trees', 'mine'));
    });

    test('a service that works on a copy of its own runs', async () => {
      const plan = await kit.publish({ scripts: { 'boot.sh': COPIES, 'run.sh': RUNS_COPY }, packages });
      await kit.deploy(plan, [service('api', { boot: 'boot.sh', run: 'run.sh', needs: ['server'] })]);
      const { work } = hostFiles(hostFolder(layoutOf(kit.root), 'api-0'));
      await until(
        'it to have changed its copy',
        () => readFileSync(join(work, 'server/value.txt'), 'utf8') === 'changed\n',
      );
    });
  },
);
