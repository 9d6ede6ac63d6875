import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { errnoOf } from '../core/errors.js';
import { type Place, placeOf } from '../core/place.js';
import type { ProcessIdentity } from '../core/process-identity.js';
import { replaceFile } from '../core/replace-file.js';
import { publishFile } from '../store/index.js';

/** The files of a run, by which an agent and anyone who follows it speak: each has one writer, and nobody needs a pipe. */
export function runFiles(runFolder: string) {
  return {
    /** What is to be done; written by the spawner when it is known who does it. Only the owner may read it. */
    job: join(runFolder, 'job.json'),
    /** Which process does it. */
    agent: join(runFolder, 'agent.json'),
    /** What happens, one TimedEvent a line. */
    events: join(runFolder, 'events.ndjson'),
    /** What the process wrote to stdout and stderr: nothing, unless it crashed. */
    log: join(runFolder, 'worker.log'),
    /** How it ended. */
    result: join(runFolder, 'result.json'),
    /** Space that is given back for the result, so that a full disk can be told of. */
    reserve: join(runFolder, '.reserve'),
  };
}

/** agent.json: the process, and where its run is. */
export function agentRecord(process: ProcessIdentity, runFolder: string): ProcessIdentity & { place: Place } {
  return { ...process, place: placeOf(runFolder) };
}

/** Readers find the whole file or none. */
export function publishJson(path: string, value: unknown, mode = 0o644): Promise<void> {
  return publishFile(path, JSON.stringify(value), { mode });
}

/** For a process that is about to end and may not wait. */
export function publishJsonNow(path: string, value: unknown): void {
  replaceFile(path, JSON.stringify(value), 0o644);
}

/** Undefined where there is no such file. @throws where it is not what the schema says. */
export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  return schema.parse(JSON.parse(text));
}
