import type { FileHandle } from 'node:fs/promises';
import type { ByteSource } from './byte-source.js';
import type { Names } from './names/names.js';
import type { Unpacker } from './unpacker.js';

/** What an archive comes to when it is unpacked, as its own index says before anything is. */
export interface Measure {
  /** Files and links; undefined where the format has no index. */
  files: number | undefined;
  /** Bytes of the files. */
  bytes: number;
  /** Whether that is all of it, or only the least that it can be. */
  exact: boolean;
}

export interface MeasuredFile {
  handle: FileHandle;
  /** In bytes. */
  size: number;
  /** For messages. */
  name: string;
  /** More entries than this are refused. */
  maxCount: number;
  names: Names;
  /** For what is encrypted. */
  password: string | undefined;
}

interface Format {
  /** Whether these first bytes of a file begin an archive of this format. */
  starts(head: Buffer): boolean;
  /** Without unpacking it. Damage is not looked for: what cannot be read ends the count. */
  measure?(file: MeasuredFile): Promise<Measure>;
}

/** A format that is read from its first byte to its last one. */
export interface StreamFormat extends Format {
  reads: 'stream';
  unpack(source: ByteSource, unpacker: Unpacker): Promise<void>;
}

/** A format that is read at random, from a file. */
export interface FileFormat extends Format {
  reads: 'file';
  /** Whether a file ends as one does, where something may stand before it. */
  ends?(handle: FileHandle, size: number, name: string): Promise<boolean>;
  unpack(file: string, unpacker: Unpacker): Promise<void>;
}
