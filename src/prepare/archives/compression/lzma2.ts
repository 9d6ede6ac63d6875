import { crc32 } from 'node:zlib';
import xz from 'xz-decompress';
import type { ByteSource } from '../byte-source.js';
import type { WasmMemory } from './web-assembly.js';

/**
 * What the library's WebAssembly exports (its `native/` folder, over Lasse Collin's xz-embedded). Its own stream class is
 * not used: it lets one stream at a time run, and waits for ever where one was cut off.
 */
interface XzExports {
  memory: WasmMemory;
  /** @returns where the context lies: seven words, of which `WORD` names those that we read or set */
  create_context(): number;
  supply_input(context: number, bytes: number): void;
  get_next_output(context: number): number;
}

const WORD = { bufferBytes: 0, input: 1, output: 4, outputBytes: 5 } as const;

/** xz-embedded's result while there is more to come, `enum xz_ret` in xz.h. */
const OK = 0;

/** The most that the library decodes. */
export const MAX_DICTIONARY_BYTES = 64 * 1024 * 1024;

/** The checks of xz that the library verifies, by their number and the length of their field. */
export const DECODER_CHECKS: ReadonlyMap<number, number> = new Map([
  [0, 0],
  [1, 4], // CRC32
  [4, 8], // CRC64
]);

/**
 * Decodes LZMA2. The library knows it within xz only, so what it gets is one stream of xz that never ends: a header, then
 * blocks, each with its padding and its check.
 */
export class Lzma2Decoder {
  readonly #exports: XzExports;
  readonly #context: number;

  private constructor(exports: XzExports, check: number) {
    this.#exports = exports;
    this.#context = exports.create_context();
    const flags = Buffer.from([0, check]);
    this.#discard(Buffer.concat([Buffer.from('\xfd7zXZ\0', 'latin1'), flags, crcOf(flags)]));
  }

  /** @param check one of `DECODER_CHECKS`, which `endBlock` is given of each block */
  static async create(check = 0): Promise<Lzma2Decoder> {
    const library = xz.XzReadableStream as unknown as {
      _getModuleInstance(): Promise<void>;
      _moduleInstance: { exports: XzExports };
    };
    await library._getModuleInstance(); // another one each time, so that its dictionary goes when it does
    return new Lzma2Decoder(library._moduleInstance.exports, check);
  }

  /** @param dictionary its size, as `dictionaryBytes` reads it */
  startBlock(dictionary: number): void {
    const header = Buffer.from([2, 0, 0x21, 1, dictionary, 0, 0, 0]); // 12 bytes, no sizes, one filter
    this.#discard(Buffer.concat([header, crcOf(header)]));
  }

  /** What comes of some bytes of a block. @throws Lzma2Damaged */
  *decode(bytes: Buffer): Generator<Buffer> {
    const room = this.#word('bufferBytes');
    for (let at = 0; at < bytes.length; at += room) yield* this.#decoded(bytes.subarray(at, at + room));
  }

  /** @param rest the block's padding, and its check @throws Lzma2Damaged where that is wrong */
  endBlock(rest: Buffer): void {
    this.#discard(rest);
  }

  *#decoded(input: Buffer): Generator<Buffer> {
    const { memory } = this.#exports;
    new Uint8Array(memory.buffer).set(input, this.#word('input'));
    this.#exports.supply_input(this.#context, input.length);
    for (let isFull = true; isFull; ) {
      const result = this.#exports.get_next_output(this.#context);
      const bytes = this.#word('outputBytes');
      if (bytes > 0) yield Buffer.from(new Uint8Array(memory.buffer, this.#word('output'), bytes));
      this.#words()[WORD.outputBytes] = 0;
      if (result !== OK) throw new Lzma2Damaged();
      isFull = bytes === this.#word('bufferBytes');
    }
  }

  #discard(bytes: Buffer): void {
    for (const _ of this.decode(bytes)) throw new Lzma2Damaged(); // nothing can come of these
  }

  #words(): Uint32Array {
    return new Uint32Array(this.#exports.memory.buffer, this.#context, 7);
  }

  #word(name: keyof typeof WORD): number {
    return this.#words()[WORD[name]] ?? 0;
  }
}

export class Lzma2Damaged extends Error {}

/** The size of a dictionary by the byte that stands for it; undefined where it stands for none. */
export function dictionaryBytes(byte: number): number | undefined {
  if (byte > 40) return undefined;
  return byte === 40 ? 2 ** 32 - 1 : (2 | (byte & 1)) * 2 ** ((byte >>> 1) + 11);
}

/**
 * What one stream of LZMA2 comes to: chunk by chunk, as each says how long it is, up to the mark of its end.
 * @throws Lzma2Damaged, and what `cutOff` makes, where the source ends before
 */
export async function* lzma2Content(
  source: ByteSource,
  decoder: Lzma2Decoder,
  cutOff: () => Error,
): AsyncGenerator<Buffer> {
  for (;;) {
    const control = (await source.copy(1))[0];
    if (control === undefined) throw cutOff();
    if (control === 0) {
      yield* decoder.decode(Buffer.from([0]));
      return;
    }
    const isCompressed = control >= 0x80;
    if (!isCompressed && control > 2) throw new Lzma2Damaged();
    const header = await source.copy(isCompressed ? 4 : 2);
    if (header.length < (isCompressed ? 4 : 2)) throw cutOff();
    yield* decoder.decode(Buffer.concat([Buffer.from([control]), header]));
    if (control >= 0xc0) yield* decoder.decode(await source.copy(1)); // properties
    let left = header.readUInt16BE(isCompressed ? 2 : 0) + 1;
    let isStart = isCompressed;
    for await (const piece of source.stream(left)) {
      // What the range coder starts with is always zero; the library does not look.
      if (isStart && piece[0] !== 0) throw new Lzma2Damaged();
      isStart = false;
      left -= piece.length;
      yield* decoder.decode(piece);
    }
    if (left > 0) throw cutOff();
  }
}

function crcOf(bytes: Buffer): Buffer {
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32(bytes));
  return sum;
}
