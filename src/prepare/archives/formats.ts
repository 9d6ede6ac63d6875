import type { Compression } from './compression/compression.js';
import type { FileFormat, StreamFormat } from './format.js';
import { iso } from './iso/format.js';
import { ar, cpio, deb, rpm } from './packages/formats.js';
import { sevenZip } from './seven-zip/format.js';
import { tar } from './tar/format.js';
import { zip } from './zip/format.js';

/**
 * Every format that is unpacked, by its name, in the order in which a file is compared with them: a deb is an ar as well, and an
 * ISO image may begin like anything, as its own mark comes later.
 */
export const FORMATS = { zip, '7z': sevenZip, rpm, deb, ar, tar, cpio, iso } as const satisfies Record<
  string,
  StreamFormat | FileFormat
>;

/** What may lie in a compressed stream. */
export const PACKED = ['tar', 'cpio'] as const;
type Packed = (typeof PACKED)[number];

export type Container = keyof typeof FORMATS;
export type ArchiveFormat = Container | `${Packed}.${Compression}`;

/** For messages. */
export const SUPPORTED_FORMATS =
  'tar and cpio (plain, or with gzip, xz, bzip2, zstd, lzma, lzip, lz4 or compress), zip, jar, 7z, ISO images, deb, rpm and ar';

/** What of a format's name is which. */
export function layersOf(format: ArchiveFormat): { container: Container; compression: Compression | undefined } {
  const [container, compression] = format.split('.') as [Container, Compression | undefined];
  return { container, compression };
}

/** Whether an archive must be a file to be unpacked. */
export function isFileFormat(format: ArchiveFormat | undefined): boolean {
  return format !== undefined && FORMATS[layersOf(format).container].reads === 'file';
}
