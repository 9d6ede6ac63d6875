import type { StreamFormat } from '../format.js';
import { AR_MAGIC, unpackAr, unpackDeb } from './ar-reader.js';
import { looksLikeCpio } from './cpio-header.js';
import { unpackCpio } from './cpio-reader.js';
import { RPM_MAGIC, unpackRpm } from './rpm-reader.js';

/** A deb is an ar whose first member has this name. */
const DEB_START = `${AR_MAGIC}debian-binary`;

const startsWith = (magic: string) => (head: Buffer) => head.toString('latin1', 0, magic.length) === magic;

export const ar: StreamFormat = { reads: 'stream', starts: startsWith(AR_MAGIC), unpack: unpackAr };
export const deb: StreamFormat = { reads: 'stream', starts: startsWith(DEB_START), unpack: unpackDeb };
export const rpm: StreamFormat = { reads: 'stream', starts: startsWith(RPM_MAGIC), unpack: unpackRpm };
export const cpio: StreamFormat = { reads: 'stream', starts: looksLikeCpio, unpack: unpackCpio };
