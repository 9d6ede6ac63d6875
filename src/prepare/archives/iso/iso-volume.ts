import { archiveError } from '../archive-error.js';
import { BLOCK_BYTES, type Disc } from './disc.js';
import { bothOrders, type IsoRecord, parseRecord } from './iso-record.js';
import { readRockRidge, startOfSusp } from './rock-ridge.js';

/** Where the descriptors begin: what is before them is for starting machines. */
const DESCRIPTORS_AT = 16 * BLOCK_BYTES;
/** After the kind of a descriptor. */
export const ISO_MAGIC = 'CD001';
export const ISO_MAGIC_AT = DESCRIPTORS_AT + 1;
/** The second and the third edition of UDF (ECMA-167, 3/9.1). */
const UDF = /^NSR0[23]/;
/** Any honest image has less than ten. */
const MAX_DESCRIPTORS = 100;
const KIND = { primary: 1, supplementary: 2, end: 255 } as const;
/** The three levels of UCS-2, all of which are read as UTF-16. */
const JOLIET = /^%\/[@CE]/;

/** Which of the trees of an image is read, and how. */
export interface Volume {
  root: IsoRecord;
  names: 'rock-ridge' | 'joliet' | 'plain';
  /** Where Rock Ridge begins in what a record says for systems. */
  suspSkip: number;
  /** Where it ends. */
  end: number;
  hasUdf: boolean;
}

/** @returns what is in the descriptors: the tree that Linux reads. @throws ARCHIVE_INVALID, ARCHIVE_UNSUPPORTED */
export async function readVolume(disc: Disc): Promise<Volume> {
  const invalid = (what: string) => archiveError('ARCHIVE_INVALID', { archive: disc.archive }, what);
  const { primary, joliet, hasUdf } = await readDescriptors(disc);
  if (primary === undefined) throw invalid('has no primary volume descriptor');
  const blocks = bothOrders(primary, 80);
  const root = rootOf(primary);
  if (blocks === undefined || root === undefined) throw invalid('its primary volume descriptor is damaged');
  if (primary.readUInt16LE(128) !== BLOCK_BYTES)
    throw unsupported(disc, `has blocks of ${primary.readUInt16LE(128)} bytes; images have such of ${BLOCK_BYTES}`);
  const end = blocks * BLOCK_BYTES;
  if (end > disc.size)
    throw archiveError('ARCHIVE_INVALID', { archive: disc.archive }, 'is cut off: it is shorter than it says', {
      reason: 'cut-off',
    });
  const suspSkip = await rockRidgeOf(disc, root);
  if (suspSkip !== undefined) return { root, names: 'rock-ridge', suspSkip, end, hasUdf };
  const jolietRoot = joliet && rootOf(joliet);
  if (joliet !== undefined && jolietRoot === undefined) throw invalid('its descriptor of Joliet is damaged');
  return { root: jolietRoot ?? root, names: jolietRoot ? 'joliet' : 'plain', suspSkip: 0, end, hasUdf };
}

async function readDescriptors(disc: Disc): Promise<{
  primary: Buffer | undefined;
  joliet: Buffer | undefined;
  hasUdf: boolean;
}> {
  let primary: Buffer | undefined;
  let joliet: Buffer | undefined;
  let at = DESCRIPTORS_AT;
  for (let kind = 0; kind !== KIND.end; at += BLOCK_BYTES) {
    const descriptor = Buffer.from(await disc.bytes({ at, length: BLOCK_BYTES }));
    kind = descriptor[0] ?? 0;
    const isOne = descriptor.toString('latin1', 1, 6) === ISO_MAGIC;
    if (!isOne || at >= DESCRIPTORS_AT + MAX_DESCRIPTORS * BLOCK_BYTES)
      throw archiveError('ARCHIVE_INVALID', { archive: disc.archive, offset: at }, 'its volume descriptors do not end');
    if (kind === KIND.primary) primary ??= descriptor;
    if (kind === KIND.supplementary && JOLIET.test(descriptor.toString('latin1', 88, 91))) joliet ??= descriptor;
  }
  return { primary, joliet, hasUdf: await hasUdfAt(disc, at) };
}

/** UDF's descriptors follow those of ISO 9660: `BEA01`, `NSR02` or `NSR03`, `TEA01`. */
async function hasUdfAt(disc: Disc, at: number): Promise<boolean> {
  const count = Math.min(3, Math.floor((disc.size - at) / BLOCK_BYTES));
  if (count <= 0) return false;
  const bytes = await disc.bytes({ at, length: count * BLOCK_BYTES });
  return Array.from({ length: count }, (_, i) =>
    bytes.toString('latin1', i * BLOCK_BYTES + 1, i * BLOCK_BYTES + 6),
  ).some((magic) => UDF.test(magic));
}

function rootOf(descriptor: Buffer): IsoRecord | undefined {
  const root = parseRecord(descriptor.subarray(156, 156 + 34));
  return root?.isFolder ? root : undefined;
}

/** The first record of the root says whether all others have Rock Ridge. @returns what to pass over in each, or undefined */
async function rockRidgeOf(disc: Disc, { block, size }: IsoRecord): Promise<number | undefined> {
  const start = await disc.bytes({ at: block * BLOCK_BYTES, length: Math.min(BLOCK_BYTES, size) });
  const self = parseRecord(start.subarray(0, start[0] ?? 0));
  const susp = self && startOfSusp(self.systemUse);
  if (self === undefined || susp === undefined) return undefined;
  const { isThere } = await readRockRidge(disc, self.systemUse.subarray(susp.bytes), '/');
  return isThere ? susp.skip : undefined;
}

export function unsupported(disc: Disc, what: string, entry?: string): Error {
  return archiveError('ARCHIVE_UNSUPPORTED', { archive: disc.archive, entry }, what);
}
