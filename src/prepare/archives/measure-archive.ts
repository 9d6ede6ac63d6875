import { open } from 'node:fs/promises';
import type { ArchiveLimits, NameEncoding } from '../../plan/index.js';
import { DECOMPRESSED_LENGTH } from './compression/decompressed-length.js';
import type { Measure } from './format.js';
import { type ArchiveFormat, FORMATS, layersOf } from './formats.js';
import { DEFAULT_LIMITS } from './limits.js';
import { Names } from './names/names.js';
import { recogniseInFile } from './recognise.js';

export interface ArchiveMeasure extends Measure {
  format: ArchiveFormat;
}

/**
 * Measures an archive file without unpacking it: a zip or a 7z by its directory, a tar by hopping from header to header, gzip by
 * the length at its end, xz by its index, zstd by its first frame. Damage is not looked for: what cannot be read ends the
 * count.
 * @returns undefined where the file is no archive, begins with a script, or is of a format that says nothing
 * @throws as `recogniseFile`, and ARCHIVE_LIMIT for a zip of more entries than the limits allow
 */
export async function measureArchive(input: {
  file: string;
  name?: string;
  limits?: ArchiveLimits | undefined;
  encoding?: NameEncoding | undefined;
  password?: string | undefined;
}): Promise<ArchiveMeasure | undefined> {
  const name = input.name ?? input.file;
  const found = await recogniseInFile(input.file, name);
  if (found === undefined || found.at > 0) return undefined;
  const { format } = found;
  const { container, compression } = layersOf(format);
  const handle = await open(input.file);
  try {
    const { size } = await handle.stat();
    const maxCount = input.limits?.count ?? DEFAULT_LIMITS.count;
    if (compression === undefined) {
      const measure = await FORMATS[container].measure?.({
        ...{ handle, size, name, maxCount, password: input.password },
        names: new Names(input.encoding),
      });
      return measure && { format, ...measure };
    }
    const bytes = await DECOMPRESSED_LENGTH[compression]?.(handle, size);
    return bytes === undefined ? undefined : { format, files: undefined, bytes, exact: false };
  } finally {
    await handle.close();
  }
}
