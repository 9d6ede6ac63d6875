import type { StreamFormat } from '../format.js';
import { measureTar } from './measure-tar.js';
import { parseTarHeader, TAR_BLOCK } from './tar-header.js';
import { unpackTar } from './tar-reader.js';

export const tar: StreamFormat = { reads: 'stream', starts: looksLikeTar, unpack: unpackTar, measure: measureTar };

/**
 * A header with the right checksum and a name. Zeros are no tar, though an empty one is nothing else: images of disks begin
 * with them as well, and there is nothing to unpack.
 */
function looksLikeTar(start: Buffer): boolean {
  if (start.length < TAR_BLOCK) return false;
  const header = parseTarHeader(start.subarray(0, TAR_BLOCK));
  return typeof header !== 'string' && (header.name.length > 0 || 'xgLK'.includes(header.type));
}
