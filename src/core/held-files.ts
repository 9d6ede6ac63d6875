import { rmSync as removeAtOnce, renameSync as renameAtOnce } from 'node:fs';
import * as promises from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HeldError } from './system-error.js';

/**
 * Windows refuses to rename, remove or open what another program has open without sharing it, and a virus scanner opens
 * every new file for a moment. These calls are tried again for a while there; elsewhere they are Node's own.
 */

/** A scanner is done long before that, and nobody wants to wait longer to learn that an editor has the file open. */
export const PATIENCE_MS = 10_000;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 400;

/**
 * Windows' "sharing violation" is EBUSY. "Access denied" is EPERM or EACCES, and stands for a lack of rights as well as
 * for a folder with open files in it, and for a removed file that somebody has open still.
 */
const HELD = new Set<unknown>(['EBUSY', 'EPERM', 'EACCES']);

interface Patience {
  platform?: NodeJS.Platform;
  patienceMs?: number;
}

/** Repeats a call that is either carried out or not, while Windows says that another program has the file open. */
export async function whileHeld<T>(call: () => Promise<T>, patience: Patience = {}): Promise<T> {
  const pauseAfter = pausesFor(patience);
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const pauseMs = pauseAfter(error);
      if (pauseMs === undefined) throw error;
      await sleep(pauseMs);
    }
  }
}

/** As `whileHeld`, for code that must not wait for anything else meanwhile. */
export function whileHeldAtOnce<T>(call: () => T, patience: Patience = {}): T {
  const pauseAfter = pausesFor(patience);
  for (;;) {
    try {
      return call();
    } catch (error) {
      const pauseMs = pauseAfter(error);
      if (pauseMs === undefined) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
    }
  }
}

/** How long to wait after an error; undefined where there is nothing to wait for. The last error says how long it was tried. */
function pausesFor({ platform = process.platform, patienceMs = PATIENCE_MS }: Patience) {
  const started = performance.now();
  let pauseMs = FIRST_PAUSE_MS / 2;
  return (error: unknown): number | undefined => {
    if (platform !== 'win32' || !(error instanceof Error && 'code' in error && HELD.has(error.code))) return undefined;
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    const heldForMs = performance.now() - started;
    if (heldForMs < patienceMs) return pauseMs;
    (error as HeldError).heldForMs = heldForMs;
    return undefined;
  };
}

export const rename = (from: string, to: string): Promise<void> => whileHeld(() => promises.rename(from, to));
export const unlink = (path: string): Promise<void> => whileHeld(() => promises.unlink(path));
export const rmdir = (path: string): Promise<void> => whileHeld(() => promises.rmdir(path));
export const renameSync = (from: string, to: string): void => whileHeldAtOnce(() => renameAtOnce(from, to));
export const rmSync: typeof removeAtOnce = (path, options) => whileHeldAtOnce(() => removeAtOnce(path, options));

/** A folder is not empty, too, as long as a program has a removed file of it open. */
export const rm: typeof promises.rm = (path, options) =>
  whileHeld(() =>
    promises.rm(path, process.platform === 'win32' ? { ...options, maxRetries: 10, retryDelay: 50 } : options),
  );
