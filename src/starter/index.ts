import { access } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { Emit } from '../core/events.js';
import { additions, missingIn } from './additions.js';
import { configText } from './config-text.js';
import { writeStarter } from './example.js';
import { asName } from './names.js';
import { readOutside } from './outside.js';
import type { Proposal } from './proposal.js';
import { isEmpty, propose } from './propose.js';
import { survey } from './survey.js';
import { trySteps } from './try-steps.js';

/** A configuration to start from: out of what lies in a folder, or the example. */
export { writeStarter } from './example.js';
export type { Proposal, ProposedPackage, ProposedService, ProposedStep } from './proposal.js';

export interface ReadOptions {
  emit: Emit;
  signal: AbortSignal;
}

/** What a configuration of this folder could say; undefined where nothing lies there that one is about. Changes nothing. */
export async function readFolder(folder: string, options: ReadOptions): Promise<Proposal | undefined> {
  const isThere = await access(folder).then(
    () => true,
    () => false,
  );
  if (!isThere) return undefined;
  const found = await survey(folder, options);
  if (isEmpty(found)) return undefined;
  return propose(found, await readOutside(folder, found));
}

/** Writes it, after each step was tried. @throws FILE_EXISTS, and the signal's reason */
export async function writeProposal(folder: string, proposal: Proposal, options: ReadOptions) {
  await tryAll(folder, proposal, options);
  return writeStarter(folder, configText(asName(basename(resolve(folder))) || 'starter', proposal));
}

/** What it would add to a configuration that is there, after each step was tried: lines for people. @throws the signal's reason */
export async function proposeAdditions(
  folder: string,
  proposal: Proposal,
  { config, ...options }: ReadOptions & { config: { name: string; text: string } },
): Promise<string[]> {
  const missing = missingIn(config.text, proposal);
  if (additions(config, missing).length === 0) return [];
  await tryAll(folder, proposal, options);
  return additions(config, missing);
}

/** Marks the steps that fail. */
async function tryAll(folder: string, proposal: Proposal, { emit, signal }: ReadOptions): Promise<void> {
  const steps = proposal.packages.reduce((sum, item) => sum + item.steps.length, 0);
  if (steps > 0) emit({ type: 'notice', message: 'Trying the patches and copies in a temporary folder.' });
  const failure = await trySteps(folder, proposal, signal);
  if (failure) emit({ type: 'warning', message: `The steps could not be tried: ${failure.message}` });
}
