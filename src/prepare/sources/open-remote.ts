import { PrestageError } from '../../core/errors.js';
import type { Emit } from '../../core/events.js';
import { type RemoteFile, readRemoteFile } from './http-source.js';
import { Remotes } from './remotes.js';

export interface OpenedRemote {
  size: number;
  /** Proven when the iteration has ended without an error. @throws SOURCE_MOVED, SOURCE_UNREACHABLE, SOURCE_REFUSED */
  content: AsyncIterable<Buffer>;
  close(): Promise<void>;
}

/** A remote file for one who passes it on, and must say its size before. @throws SOURCE_REFUSED where nobody knows it */
export function openRemote(file: RemoteFile, { emit, signal }: { emit: Emit; signal: AbortSignal }): OpenedRemote {
  const { url, size } = file;
  if (size === undefined)
    throw new PrestageError('SOURCE_REFUSED', `The size of ${url} is not known, so that it cannot be passed on.`, {
      hint: 'Run again with `--update-lock`, which learns it.',
      context: { url },
    });
  const remotes = new Remotes();
  const onRetry = ({ reason }: { reason: string }) => emit({ type: 'notice', message: `Retrying: ${reason}` });
  return { size, content: readRemoteFile(remotes, file, { signal, onRetry }), close: () => remotes.close() };
}
