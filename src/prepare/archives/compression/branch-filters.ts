/**
 * Filters for programs: before compressing, the targets of calls were made absolute, as one that is called often then
 * looks the same each time. These make them relative again. After the descriptions by code in XZ Utils and the LZMA SDK (public
 * domain), whose names of processors they have.
 */
export type Processor = 'x86' | 'PowerPC' | 'IA-64' | 'ARM' | 'ARM Thumb' | 'SPARC' | 'ARM64' | 'RISC-V';

/** Changes bytes in place. @param ip where the first one is in the whole @returns how many are done: the rest waits for more */
type Convert = (bytes: Buffer, ip: number) => number;

const CONVERTERS: Record<Processor, () => Convert> = {
  x86,
  PowerPC: () => everyWord(powerPc),
  'IA-64': () => ia64,
  ARM: () => everyWord(arm),
  'ARM Thumb': () => armThumb,
  SPARC: () => everyWord(sparc),
  ARM64: () => everyWord(arm64),
  'RISC-V': () => riscV,
};

/** @param start what the first byte counts as */
export async function* unfiltered(
  pieces: AsyncIterable<Buffer>,
  processor: Processor,
  start = 0,
): AsyncGenerator<Buffer> {
  const convert = CONVERTERS[processor]();
  let rest: Buffer = Buffer.alloc(0);
  let ip = start;
  for await (const piece of pieces) {
    const bytes = Buffer.concat([rest, piece]);
    const done = convert(bytes, ip);
    ip = (ip + done) >>> 0;
    rest = bytes.subarray(done);
    if (done > 0) yield bytes.subarray(0, done);
  }
  if (rest.length > 0) yield rest;
}

/** Each byte is the difference from the one some bytes before. */
export async function* undelta(pieces: AsyncIterable<Buffer>, distance: number): AsyncGenerator<Buffer> {
  const before = Buffer.alloc(256);
  let at = 0;
  for await (const piece of pieces) {
    const bytes = Buffer.from(piece);
    for (let i = 0; i < bytes.length; i += 1) {
      const byte = ((bytes[i] ?? 0) + (before[(at - distance) & 255] ?? 0)) & 255;
      bytes[i] = byte;
      before[at] = byte;
      at = (at + 1) & 255;
    }
    yield bytes;
  }
}

function everyWord(change: (bytes: Buffer, at: number, ip: number) => void): Convert {
  return (bytes, ip) => {
    const end = bytes.length & ~3;
    for (let at = 0; at < end; at += 4) change(bytes, at, ip + at);
    return end;
  };
}

function arm(bytes: Buffer, at: number, ip: number): void {
  if (bytes[at + 3] !== 0xeb) return;
  const target = ((bytes.readUIntLE(at, 3) << 2) - (ip + 8)) >>> 2;
  bytes.writeUIntLE(target & 0xffffff, at, 3);
}

function powerPc(bytes: Buffer, at: number, ip: number): void {
  const word = bytes.readUInt32BE(at);
  if ((word & 0xfc000003) >>> 0 !== 0x48000001) return;
  bytes.writeUInt32BE((0x48000001 | ((word - 1 - ip) & 0x03fffffc)) >>> 0, at);
}

function sparc(bytes: Buffer, at: number, ip: number): void {
  const word = bytes.readUInt32BE(at);
  if (word >>> 22 !== 0x100 && word >>> 22 !== 0x1ff) return;
  const target = ((word << 2) - ip) >>> 2;
  const sign = ((0 - ((target >>> 22) & 1)) << 22) & 0x3fffffff;
  bytes.writeUInt32BE((sign | (target & 0x3fffff) | 0x40000000) >>> 0, at);
}

function arm64(bytes: Buffer, at: number, ip: number): void {
  const word = bytes.readUInt32LE(at);
  if (word >>> 26 === 0x25) {
    bytes.writeUInt32LE((0x94000000 | ((word - (ip >>> 2)) & 0x03ffffff)) >>> 0, at);
  } else if ((word & 0x9f000000) >>> 0 === 0x90000000) {
    const source = ((word >>> 29) & 3) | ((word >>> 3) & 0x1ffffc);
    if (((source + 0x20000) & 0x1c0000) !== 0) return;
    const target = source - (ip >>> 12);
    const sign = (0 - (target & 0x20000)) & 0xe00000;
    bytes.writeUInt32LE(((word & 0x9000001f) | ((target & 3) << 29) | ((target & 0x3fffc) << 3) | sign) >>> 0, at);
  }
}

function armThumb(bytes: Buffer, ip: number): number {
  let at = 0;
  for (; at + 4 <= bytes.length; at += 2) {
    const [high, low] = [bytes.readUInt16LE(at), bytes.readUInt16LE(at + 2)];
    if ((high & 0xf800) !== 0xf000 || (low & 0xf800) !== 0xf800) continue;
    const source = (((high & 0x7ff) << 11) | (low & 0x7ff)) << 1;
    const target = (source - (ip + at + 4)) >>> 1;
    bytes.writeUInt16LE(0xf000 | ((target >>> 11) & 0x7ff), at);
    bytes.writeUInt16LE(0xf800 | (target & 0x7ff), at + 2);
    at += 2;
  }
  return at;
}

/** Which of the three instructions of a bundle may be branches, by its template. */
const IA64_SLOTS = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 4, 6, 6, 0, 0, 7, 7, 4, 4, 0, 0, 4, 4, 0, 0];

function ia64(bytes: Buffer, ip: number): number {
  const end = bytes.length & ~15;
  for (let at = 0; at < end; at += 16) {
    const slots = IA64_SLOTS[(bytes[at] ?? 0) & 31] ?? 0;
    for (let slot = 0; slot < 3; slot += 1) if ((slots >>> slot) & 1) ia64Branch(bytes, at, slot, ip + at);
  }
  return end;
}

function ia64Branch(bytes: Buffer, at: number, slot: number, ip: number): void {
  const bit = 5 + slot * 41;
  const place = at + (bit >>> 3);
  const shift = BigInt(bit & 7);
  const word = BigInt(bytes.readUIntLE(place, 6));
  const instruction = word >> shift;
  if (((instruction >> 37n) & 15n) !== 5n || ((instruction >> 9n) & 7n) !== 0n) return;
  const source = Number((instruction >> 13n) & 0xfffffn) | (Number((instruction >> 36n) & 1n) << 20);
  const target = ((source << 4) - ip) >>> 4;
  const changed =
    (instruction & ~(0x8fffffn << 13n)) | (BigInt(target & 0xfffff) << 13n) | (BigInt(target & 0x100000) << 16n);
  bytes.writeUIntLE(Number((word & ((1n << shift) - 1n)) | ((changed << shift) & 0xffffffffffffn)), place, 6);
}

const X86_ALLOWED = [true, true, true, false, true, false, false, false];
const X86_BYTE = [0, 1, 2, 2, 3, 3, 3, 3];
const isSign = (byte: number) => byte === 0 || byte === 0xff;

/** Calls and jumps are found by a byte alone, which may be part of another instruction: what is near before it decides. */
function x86(): Convert {
  let mask = 0;
  return (bytes, ip) => {
    let before = -1;
    let at = 0;
    for (; at < bytes.length - 4; at += 1) {
      if (((bytes[at] ?? 0) & 0xfe) !== 0xe8) continue;
      const distance = at - before;
      before = at;
      mask = distance > 3 ? 0 : (mask << (distance - 1)) & 7;
      const nearest = bytes[at + 4 - (X86_BYTE[mask] ?? 0)] ?? 0;
      if ((mask !== 0 && (!X86_ALLOWED[mask] || isSign(nearest))) || !isSign(bytes[at + 4] ?? 0)) {
        mask = (mask << 1) | 1;
        continue;
      }
      bytes.writeUInt32LE(x86Target(bytes.readUInt32LE(at + 1), ip + at + 5, mask), at + 1);
      at += 4;
    }
    const distance = at - before;
    mask = distance > 3 ? 0 : (mask << (distance - 1)) & 7;
    return Math.max(0, at);
  };
}

function x86Target(source: number, ip: number, mask: number): number {
  let target = (source - ip) >>> 0;
  const bits = (X86_BYTE[mask] ?? 0) * 8;
  if (mask !== 0 && isSign((target >>> (24 - bits)) & 255)) {
    target = ((target ^ (2 ** (32 - bits) - 1)) - ip) >>> 0;
  }
  return ((target & 0x01ffffff) | (0 - (target & 0x01000000))) >>> 0;
}

function riscV(bytes: Buffer, ip: number): number {
  let at = 0;
  for (; at + 8 <= bytes.length; at += 2) {
    const first = bytes[at] ?? 0;
    if (first === 0xef) {
      if (riscVJump(bytes, at, ip + at)) at += 2;
    } else if ((first & 0x7f) === 0x17) at += riscVPair(bytes, at, ip + at) - 2;
  }
  return at;
}

/** `jal` with one of the two registers that returns go by. */
function riscVJump(bytes: Buffer, at: number, ip: number): boolean {
  const [, b1 = 0, b2 = 0, b3 = 0] = bytes.subarray(at, at + 4);
  if ((b1 & 0x0d) !== 0) return false;
  const target = ((((b1 & 0xf0) << 13) | (b2 << 9) | (b3 << 1)) - ip) >>> 0;
  bytes[at + 1] = (b1 & 0x0f) | ((target >>> 8) & 0xf0);
  bytes[at + 2] = ((target >>> 16) & 0x0f) | ((target >>> 7) & 0x10) | ((target << 4) & 0xe0);
  bytes[at + 3] = ((target >>> 4) & 0x7f) | ((target >>> 13) & 0x80);
  return true;
}

/** `auipc` and what takes its register. @returns how many bytes to pass over */
function riscVPair(bytes: Buffer, at: number, ip: number): number {
  const first = bytes.readUInt32LE(at);
  if ((first & 0xe80) !== 0) {
    const second = bytes.readUInt32LE(at + 4);
    if ((((first << 8) ^ (second - 3)) & 0xf8003) !== 0) return 6;
    bytes.writeUInt32LE((0x17 | (2 << 7) | (second << 12)) >>> 0, at);
    bytes.writeUInt32LE(((first & 0xfffff000) + (second >>> 20)) >>> 0, at + 4);
    return 8;
  }
  const register = first >>> 27;
  if (((first - 0x3117) << 18) >>> 0 >= (register & 0x1d)) return 4;
  const target = (bytes.readUInt32BE(at + 4) - ip) >>> 0;
  bytes.writeUInt32LE((0x17 | (register << 7) | ((target + 0x800) & 0xfffff000)) >>> 0, at);
  bytes.writeUInt32LE(((first >>> 12) | (target << 20)) >>> 0, at + 4);
  return 8;
}
