import type { ReleaseRecord } from '../store/index.js';
import type { ArchiveListing } from './inspect.js';
import type { PrepareOptions } from './options.js';

export { passwordOf } from './archive-password.js';
export type { ArchiveListing } from './inspect.js';
/** The engine: from a plan and its inputs to a release in the store. */
export type { PrepareOptions } from './options.js';
export { refuseMistakenSources, type SourceHandling, sourceHandling } from './source-handling.js';
export { openRemote } from './sources/open-remote.js';
export { locateCached, RemotePins, removeCopies } from './sources/pin-remote.js';

/** See prepare-release.ts. Loaded when it is called: the command line only pins, and must start at once. */
export async function prepareRelease(options: PrepareOptions): Promise<ReleaseRecord> {
  const engine = await import('./prepare-release.js');
  return engine.prepareRelease(options);
}

/** See inspect.ts. */
export async function listArchive(file: string, signal: AbortSignal): Promise<ArchiveListing | undefined> {
  const { listArchive } = await import('./inspect.js');
  return listArchive(file, signal);
}

/** See inspect.ts. */
export async function namesInPatch(content: Buffer, name: string): Promise<string[]> {
  const { namesInPatch } = await import('./inspect.js');
  return namesInPatch(content, name);
}
