import { randomBytes } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { unlink } from '../core/held-files.js';
import { processRecord, thisProcess } from '../core/this-process.js';
import { temporaryName } from './paths.js';
import { move, placeFile } from './place.js';
import { writeNewFile } from './publish-file.js';
import { ifThere, isAbsent } from './reading.js';

/** What a lock file holds: who has it, and when they last said so. */
const leaseHolder = processRecord.extend({
  /** This holding of the lock: no other has it. */
  lease: z.string(),
  run: z.string(),
  /** What it is held for, as a few words: `prepare`, `deploy`. */
  purpose: z.string(),
  /** The release that is being prepared or deployed, where there is one. */
  release: z.string().optional(),
  /** ISO 8601, UTC, by the holder's clock. */
  startedAt: z.string(),
  heartbeatAt: z.string(),
  /** A holder that says nothing for so long has lost the lock. */
  leaseMs: z.int().min(1),
});

/** What holders say that we make: for how long they may be silent, and how often they speak. */
export const LEASE_MS = 60_000;
export const BEATS_PER_LEASE = 12;

export type LeaseHolder = z.infer<typeof leaseHolder>;
export type LeaseClaim = Pick<LeaseHolder, 'run' | 'purpose' | 'release'>;

/** A lock file as it was read; `holder` is undefined where it cannot be understood. */
export interface FoundLease {
  text: string;
  holder: LeaseHolder | undefined;
}

export async function readLease(file: string): Promise<FoundLease | undefined> {
  const text = await ifThere(() => readFile(file, 'utf8'));
  return text === undefined ? undefined : { text, holder: parseHolder(text) };
}

function parseHolder(text: string): LeaseHolder | undefined {
  try {
    return leaseHolder.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Takes the lock if nobody has it: a complete file under another name, given the lock's name as well. */
export async function takeLease(file: string, claim: LeaseClaim, leaseMs: number): Promise<LeaseHolder | undefined> {
  const now = new Date().toISOString();
  const lease = randomBytes(12).toString('hex');
  const holder: LeaseHolder = { ...claim, ...thisProcess(), lease, startedAt: now, heartbeatAt: now, leaseMs };
  const fresh = join(dirname(file), temporaryName());
  try {
    // Flushed, as everything that gets a name: one that a power failure left empty would be nobody's, and held for ever.
    await writeNewFile(fresh, JSON.stringify(holder), 0o644, { flush: true });
    return (await placeFile(fresh, file)) ? holder : undefined;
  } finally {
    await unlink(fresh).catch(() => undefined); // gone where it was renamed
  }
}

export type BeatOutcome = 'held' | 'missing' | 'lost';

/**
 * Says that the holder lives: a new `heartbeatAt` over the old one, in the file itself. Its length never changes, so a
 * reader finds the one time or the other; it needs no space on a full disk; and a file that was moved aside is
 * written where it is, not over the lock of a later holder.
 */
export async function beat(file: string, holder: LeaseHolder): Promise<BeatOutcome> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(file, 'r+');
  } catch (error) {
    if (isAbsent(error)) return 'missing';
    throw error;
  }
  try {
    const found = parseHolder(await handle.readFile('utf8'));
    if (found?.lease !== holder.lease) return 'lost';
    const content = Buffer.from(JSON.stringify({ ...found, heartbeatAt: new Date().toISOString() }));
    await handle.write(content, 0, content.length, 0);
    return 'held';
  } finally {
    await handle.close();
  }
}

/**
 * Removes the lock if it is (still) the one that is meant. It is moved aside first and looked at there, where nobody
 * else acts on it; another's goes back.
 */
export async function removeLease(file: string, isMeant: (found: FoundLease) => boolean): Promise<boolean> {
  const before = await readLease(file);
  if (!before || !isMeant(before)) return false;
  const aside = join(dirname(file), temporaryName());
  try {
    await move(file, aside);
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
  const moved = await readLease(aside);
  const meant = moved !== undefined && isMeant(moved);
  if (!meant) await placeFile(aside, file); // where a third took the lock in this moment, its holder finds out
  await unlink(aside).catch(() => undefined);
  return meant;
}
