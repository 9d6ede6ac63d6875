import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { locking } from '../../../test/locking.js';
import { inspectLease } from '../../store/index.js';
import { exclusively } from './exclusively.js';
import { layoutOf } from './layout.js';

/** Heartbeats come every 20 ms. */
const LEASE_MS = 240;

locking('the local target', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'prestage-locking-'));
  const layout = layoutOf(join(folder, 'root'));
  return {
    exclusively: (command, context, work) => exclusively(layout, command, context, work, { leaseMs: LEASE_MS }),
    holder: async () => (await inspectLease(layout.deployLock))?.holder.purpose,
    async steal(thief) {
      const found = JSON.parse(await readFile(layout.deployLock, 'utf8')) as object;
      await rm(layout.deployLock);
      await writeFile(layout.deployLock, JSON.stringify({ ...found, lease: 'another', run: thief, purpose: thief }));
    },
    remove: () => rm(layout.deployLock),
    close: () => rm(folder, { recursive: true, force: true }),
  };
});
