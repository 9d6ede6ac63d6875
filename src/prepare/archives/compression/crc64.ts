/** CRC-64 as xz has it (ECMA-182, reversed), by two halves, as numbers hold 53 bits exactly. */
const HIGH = new Int32Array(256);
const LOW = new Int32Array(256);
for (let byte = 0; byte < 256; byte += 1) {
  let high = 0;
  let low = byte;
  for (let bit = 0; bit < 8; bit += 1) {
    const isOdd = low & 1;
    low = (low >>> 1) | (high << 31);
    high >>>= 1;
    if (isOdd) {
      high ^= 0xc96c5795;
      low ^= 0xd7870f42;
    }
  }
  HIGH[byte] = high;
  LOW[byte] = low;
}

export class Crc64 {
  #high = -1;
  #low = -1;

  update(bytes: Buffer): void {
    let [high, low] = [this.#high, this.#low];
    for (let i = 0; i < bytes.length; i += 1) {
      const index = (low ^ (bytes[i] ?? 0)) & 255;
      low = ((low >>> 8) | (high << 24)) ^ (LOW[index] ?? 0);
      high = (high >>> 8) ^ (HIGH[index] ?? 0);
    }
    [this.#high, this.#low] = [high, low];
  }

  digest(): Buffer {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32LE(~this.#low >>> 0, 0);
    bytes.writeUInt32LE(~this.#high >>> 0, 4);
    return bytes;
  }
}
