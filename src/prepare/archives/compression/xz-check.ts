import { createHash, type Hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { Crc64 } from './crc64.js';

/** The checks of blocks, by their numbers ("The .xz File Format" 2.1.1.2). */
export const CHECK = { none: 0, crc32: 1, crc64: 4, sha256: 10 } as const;
export const CHECK_BYTES: ReadonlyMap<number, number> = new Map([
  [CHECK.none, 0],
  [CHECK.crc32, 4],
  [CHECK.crc64, 8],
  [CHECK.sha256, 32],
]);

/** What a block's check must be, where the decoder does not see to it. */
export class BlockCheck {
  readonly #kind: number;
  readonly #hash: Hash | undefined;
  readonly #crc64 = new Crc64();
  #crc32 = 0;

  constructor(kind: number) {
    this.#kind = kind;
    this.#hash = kind === CHECK.sha256 ? createHash('sha256') : undefined;
  }

  update(piece: Buffer): void {
    if (this.#kind === CHECK.crc32) this.#crc32 = crc32(piece, this.#crc32);
    else if (this.#kind === CHECK.crc64) this.#crc64.update(piece);
    else this.#hash?.update(piece);
  }

  digest(): Buffer {
    switch (this.#kind) {
      case CHECK.crc32: {
        const bytes = Buffer.alloc(4);
        bytes.writeUInt32LE(this.#crc32);
        return bytes;
      }
      case CHECK.crc64:
        return this.#crc64.digest();
      default:
        return this.#hash?.digest() ?? Buffer.alloc(0);
    }
  }
}
