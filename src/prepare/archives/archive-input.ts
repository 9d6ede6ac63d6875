import { createReadStream } from 'node:fs';
import { basename } from 'node:path';

/** Where an archive's bytes come from. */
export interface ArchiveInput {
  /** What people know it by. */
  name: string;
  /** Its absolute path, for formats that must be read at random (zip). */
  file?: string;
  /** The whole content from its start; called once, and read to its end unless the archive is refused. */
  stream(): AsyncIterable<Buffer>;
}

/** Reads by 1 MiB: each round trip to a shared file system costs the same, however little it brings. */
export const READ_BYTES = 1024 * 1024;

/** An archive that lies on this machine. */
export function archiveFile(file: string, name = basename(file)): ArchiveInput {
  return { name, file, stream: () => createReadStream(file, { highWaterMark: READ_BYTES }) };
}
