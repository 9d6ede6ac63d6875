import type { ArchiveReason } from '../../../core/archive-reasons.js';
import { archiveError } from '../archive-error.js';
import { BLOCK_BYTES, type Disc } from './disc.js';
import { bothOrders } from './iso-record.js';

/** What Rock Ridge (IEEE P1282) says of a record, by the fields of SUSP (IEEE P1281). */
export interface RockRidge {
  /** Whether there is any of it. */
  isThere: boolean;
  name: Buffer | undefined;
  /** With the type. */
  mode: number | undefined;
  /** A symbolic link's target. */
  target: Buffer | undefined;
  /** The block of a folder that is kept elsewhere, as it lies too deep for ISO 9660. */
  child: number | undefined;
  /** Whether this is such a folder, where it is kept. */
  isRelocated: boolean;
  zisofs: Zisofs | undefined;
  isSparse: boolean;
}

/** What a file was before it was compressed. */
export interface Zisofs {
  blockBytes: number;
  size: number;
}

/** Longer ones would be a longer name or target than any system takes. */
const MAX_CONTINUATIONS = 64;
const MAX_CONTINUED_BYTES = 64 * 1024;
const GOES_ON = 1;
const CURRENT = 2;
const PARENT = 4;
const ROOT = 8;

/** The mark at the start of the root's first record. @returns its length, and how much to pass over in each other record */
export function startOfSusp(systemUse: Buffer): { bytes: number; skip: number } | undefined {
  // CD-ROM XA has 14 bytes of its own before it.
  for (const bytes of [0, 14]) {
    const field = systemUse.subarray(bytes, bytes + 7);
    if (field.length === 7 && field.toString('latin1', 0, 6) === 'SP\x07\x01\xbe\xef')
      return { bytes: bytes + 7, skip: field[6] ?? 0 };
  }
  return undefined;
}

/** @param entry for messages @throws ARCHIVE_INVALID, ARCHIVE_UNSUPPORTED */
export async function readRockRidge(disc: Disc, systemUse: Buffer, entry: string): Promise<RockRidge> {
  const invalid = (what: string, reason?: ArchiveReason<'ARCHIVE_INVALID'>) =>
    archiveError('ARCHIVE_INVALID', { archive: disc.archive, entry }, what, reason && { reason });
  const found: RockRidge = {
    isThere: false,
    name: undefined,
    mode: undefined,
    target: undefined,
    child: undefined,
    isRelocated: false,
    zisofs: undefined,
    isSparse: false,
  };
  const names = new JoinedName();
  const target = new JoinedTarget();
  for await (const { tag, data } of fieldsOf(disc, systemUse, invalid)) {
    switch (tag) {
      case 'NM':
        if (!names.add(data)) throw invalid('has a name of Rock Ridge that is `.` or `..`, or goes on after its end');
        break;
      case 'PX': {
        const mode = bothOrders(data, 0);
        if (mode === undefined || found.mode !== undefined) throw invalid('has two modes', 'headers-differ');
        found.mode = mode;
        break;
      }
      case 'SL':
        if (!target.add(data)) throw invalid('has a target of a link that is damaged');
        break;
      case 'CL':
        found.child = bothOrders(data, 0);
        if (found.child === undefined) throw invalid('is kept elsewhere, and where is damaged');
        break;
      case 'RE':
        found.isRelocated = true;
        break;
      case 'SF':
        found.isSparse = true;
        break;
      case 'ZF':
        found.zisofs = zisofsOf(data);
        if (found.zisofs === undefined)
          throw archiveError(
            'ARCHIVE_UNSUPPORTED',
            { archive: disc.archive, entry },
            'is compressed by a method that is not known',
            {
              reason: 'compression',
            },
          );
        break;
      case 'ER':
      case 'RR':
        break;
      default: // times, owners of other systems, fillings
        continue;
    }
    found.isThere = true;
  }
  if (names.goesOn || target.goesOn) throw invalid('has a name, or a target of a link, that goes on and ends');
  return { ...found, name: names.name, target: target.text };
}

/** The fields of a record, and of the areas that it goes on in (CE). */
async function* fieldsOf(
  disc: Disc,
  systemUse: Buffer,
  invalid: (what: string) => Error,
): AsyncGenerator<{ tag: string; data: Buffer }> {
  let area: Buffer | undefined = systemUse;
  let bytes = 0;
  for (let areas = 0; area !== undefined; areas += 1) {
    if (areas > MAX_CONTINUATIONS || bytes > MAX_CONTINUED_BYTES)
      throw invalid('goes on and on in what it says for systems');
    const fields: Buffer = area;
    area = undefined;
    for (let at = 0; at + 4 <= fields.length; ) {
      const tag = fields.toString('latin1', at, at + 2);
      const length = fields[at + 2] ?? 0;
      if (tag === '\0\0' || tag === 'ST') break;
      if (length < 4 || at + length > fields.length) throw invalid('has a field for systems that is damaged');
      const data = fields.subarray(at + 4, at + length);
      at += length;
      if (tag !== 'CE') {
        yield { tag, data };
        continue;
      }
      const [block, offset, more] = [bothOrders(data, 0), bothOrders(data, 8), bothOrders(data, 16)];
      if (block === undefined || offset === undefined || more === undefined || area !== undefined)
        throw invalid('goes on at a place that is damaged');
      bytes += more;
      if (more > MAX_CONTINUED_BYTES) throw invalid('goes on and on in what it says for systems');
      area = Buffer.from(await disc.bytes({ at: block * BLOCK_BYTES + offset, length: more }));
    }
  }
}

/** zisofs: `pz`, the header's length in words, the block's size as a power of two, and the size that the file had. */
function zisofsOf(data: Buffer): Zisofs | undefined {
  const size = bothOrders(data, 4);
  const power = data[3] ?? 0;
  if (data.toString('latin1', 0, 2) !== 'pz' || data[2] !== 4 || size === undefined) return undefined;
  return power >= 15 && power <= 17 ? { blockBytes: 2 ** power, size } : undefined;
}

/** A name in one or more fields `NM`. */
class JoinedName {
  goesOn = false;
  #parts: Buffer[] | undefined;

  add(data: Buffer): boolean {
    const flags = data[0] ?? 0;
    if (this.#parts !== undefined && !this.goesOn) return false;
    if ((flags & (CURRENT | PARENT)) !== 0) return true; // of the folder itself, and of the one above
    this.#parts ??= [];
    this.#parts.push(Buffer.from(data.subarray(1)));
    this.goesOn = (flags & GOES_ON) !== 0;
    return true;
  }

  get name(): Buffer | undefined {
    return this.#parts && Buffer.concat(this.#parts);
  }
}

/** A target in one or more fields `SL`, each with one or more names, which may go on in the next. */
class JoinedTarget {
  goesOn = false;
  #names: Buffer[] | undefined;
  #isAbsolute = false;
  #nameGoesOn = false;

  add(data: Buffer): boolean {
    if (this.#names !== undefined && !this.goesOn) return false;
    this.#names ??= [];
    this.goesOn = ((data[0] ?? 0) & GOES_ON) !== 0;
    for (let at = 1; at < data.length; ) {
      const flags = data[at] ?? 0;
      const length = data[at + 1] ?? 0;
      if (at + 2 + length > data.length) return false;
      if (!this.#component(flags, Buffer.from(data.subarray(at + 2, at + 2 + length)))) return false;
      at += 2 + length;
    }
    return this.goesOn || !this.#nameGoesOn;
  }

  get text(): Buffer | undefined {
    if (this.#names === undefined) return undefined;
    return Buffer.from(
      `${this.#isAbsolute ? '/' : ''}${this.#names.map((name) => name.toString('latin1')).join('/')}`,
      'latin1',
    );
  }

  #component(flags: number, text: Buffer): boolean {
    const names = this.#names ?? [];
    const known = flags & (CURRENT | PARENT | ROOT);
    if ((flags & ~(GOES_ON | CURRENT | PARENT | ROOT)) !== 0) return false; // the host, or the root of the volume
    const isFirst = names.length === 0 && !this.#nameGoesOn && !this.#isAbsolute;
    if (known === ROOT && isFirst) this.#isAbsolute = true;
    else if (known === ROOT)
      names.push(Buffer.alloc(0)); // as genisoimage has slashes that follow each other
    else if (known === CURRENT) names.push(Buffer.from('.'));
    else if (known === PARENT) names.push(Buffer.from('..'));
    else if (known !== 0) return false;
    else if (this.#nameGoesOn) names.push(Buffer.concat([names.pop() ?? Buffer.alloc(0), text]));
    else names.push(text);
    this.#nameGoesOn = (flags & GOES_ON) !== 0;
    return known === 0 || !this.#nameGoesOn;
  }
}
