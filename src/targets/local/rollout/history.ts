import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { errnoOf, PrestageError } from '../../../core/errors.js';
import { rm } from '../../../core/held-files.js';
import { type ServicesPlan, servicesPlan } from '../../../plan/index.js';
import { makeFolder, publishFile } from '../../../store/index.js';
import type { DeployedRelease } from '../../target.js';
import type { LocalLayout } from '../layout.js';

/** How many deployments are remembered: what `rollback` can go back to. */
const KEPT = 30;

const deployedRelease = z.object({ release: z.string(), deployedAt: z.string(), services: servicesPlan });

/** The deployments that became healthy, oldest first, each a file `<n>-<release>.json`. @throws STORE_INVALID */
export async function readHistory(layout: LocalLayout): Promise<DeployedRelease[]> {
  const names = await recordNames(layout);
  return Promise.all(names.map((name) => readRecord(join(layout.deployments, name))));
}

async function readRecord(path: string): Promise<DeployedRelease> {
  const text = await readFile(path, 'utf8');
  try {
    return deployedRelease.parse(JSON.parse(text));
  } catch (cause) {
    throw new PrestageError('STORE_INVALID', `The record of a deployment is damaged: ${path}.`, {
      hint: 'Remove that file, and run the same command again. Only that deployment is forgotten: `rollback` cannot go back to it by itself.',
      context: { path },
      cause,
    });
  }
}

/** Remembers a deployment, also when the power fails, and forgets the oldest ones. */
export async function recordDeployment(layout: LocalLayout, release: string, services: ServicesPlan): Promise<void> {
  await makeFolder(layout.deployments, { flush: true });
  const names = await recordNames(layout);
  const number = Number.parseInt(names.at(-1) ?? '0', 10) + 1;
  const record: DeployedRelease = { release, deployedAt: new Date().toISOString(), services };
  const name = `${String(number).padStart(6, '0')}-${release}.json`;
  await publishFile(join(layout.deployments, name), `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  const forgotten = [...names, name].slice(0, -KEPT);
  await Promise.all(forgotten.map((old) => rm(join(layout.deployments, old), { force: true })));
}

async function recordNames(layout: LocalLayout): Promise<string[]> {
  try {
    return (await readdir(layout.deployments)).filter((name) => /^\d{6}-.*\.json$/.test(name)).sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
