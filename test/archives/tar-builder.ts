/** Builds tar archives that no tar program would write, for tests of what readers must refuse. */

export interface TarItem {
  name: string | Buffer;
  /** The type flag; '0', a file, where it is not given. */
  type?: string;
  content?: string | Buffer;
  mode?: number;
  link?: string;
  /** What the header says, if not the content's length. */
  size?: number;
  /** The 8 bytes at 257. */
  magic?: string;
  prefix?: string;
  /** Changes the header before its checksum is made. */
  edit?: (header: Buffer) => void;
  /** Changes the header after its checksum is made. */
  damage?: (header: Buffer) => void;
}

const BLOCK = 512;

/** Header, content, padding. */
export function tarEntry(item: TarItem): Buffer {
  const content = Buffer.from(item.content ?? '');
  const header = Buffer.alloc(BLOCK);
  Buffer.from(item.name).copy(header, 0, 0, 100);
  header.write(`${(item.mode ?? 0o644).toString(8).padStart(7, '0')}\0`, 100);
  header.write('0000000\x000000000\0', 108);
  header.write(`${(item.size ?? content.length).toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write(item.type ?? '0', 156, 'latin1');
  header.write(item.link ?? '', 157, 100);
  header.write(item.magic ?? 'ustar\x0000', 257, 'latin1');
  header.write(item.prefix ?? '', 345, 155);
  item.edit?.(header);
  setChecksum(header);
  item.damage?.(header);
  return Buffer.concat([header, content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)]);
}

export function setChecksum(
  header: Buffer,
  sum = (bytes: Buffer) => bytes.reduce((total, byte) => total + byte, 0),
): void {
  header.write('        ', 148);
  header.write(`${sum(header).toString(8).padStart(6, '0')}\0 `, 148);
}

/** An archive of these entries, with its end mark. */
export function tar(...items: (TarItem | Buffer)[]): Buffer {
  const parts = items.map((item) => (Buffer.isBuffer(item) ? item : tarEntry(item)));
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

/** A pax header of these records, for the next entry or (type g) for all. */
export function pax(records: Record<string, string>, type: 'x' | 'g' = 'x'): Buffer {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.byteLength(` ${key}=${value}\n`);
    let length = rest + String(rest).length;
    if (rest + String(length).length !== length) length += 1;
    return `${length} ${key}=${value}\n`;
  });
  return tarEntry({ name: 'PaxHeader', type, content: lines.join('') });
}
