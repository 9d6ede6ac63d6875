/** Builds cpio archives that no cpio program would write, and packages around archives. */

export interface CpioItem {
  name: string;
  /** With the type; a file with mode 644 where it is not given. */
  mode?: number;
  content?: string | Buffer;
  /** What the header says, if not the content's length. */
  size?: number;
  checksum?: number;
  /** How many names the file has, number 1 as all of them. */
  links?: number;
}

const END = { name: 'TRAILER!!!', mode: 0 };

export function cpio(items: readonly CpioItem[], format: 'newc' | 'crc' | 'odc' = 'newc'): Buffer {
  return Buffer.concat([...items, END].map((item) => (format === 'odc' ? odcEntry(item) : newcEntry(item, format))));
}

function newcEntry(
  { name, mode = 0o100644, content = '', size, checksum, links = 1 }: CpioItem,
  format: 'newc' | 'crc',
): Buffer {
  const bytes = Buffer.from(content);
  const nameBytes = Buffer.byteLength(name) + 1;
  const sum = checksum ?? (format === 'crc' ? bytes.reduce((total, byte) => total + byte, 0) : 0);
  const fields = [1, mode, 0, 0, links, 0, size ?? bytes.length, 0, 0, 0, 0, nameBytes, sum];
  const head = `${format === 'crc' ? '070702' : '070701'}${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
  return Buffer.concat([padded(Buffer.from(`${head}${name}\0`)), padded(bytes)]);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

function odcEntry({ name, mode = 0o100644, content = '', size, links = 1 }: CpioItem): Buffer {
  const bytes = Buffer.from(content);
  const octal = (value: number, width: number) => value.toString(8).padStart(width, '0');
  const head = [0, 1, mode, 0, 0, links, 0].map((value) => octal(value, 6)).join('');
  const sizes = `${octal(0, 11)}${octal(Buffer.byteLength(name) + 1, 6)}${octal(size ?? bytes.length, 11)}`;
  return Buffer.concat([Buffer.from(`070707${head}${sizes}${name}\0`), bytes]);
}

/** An ar archive, with names in BSD's long form, which can hold any, and tables of GNU's long names (`//`). */
export function ar(members: readonly { name: string; content?: string | Buffer; mode?: number }[]): Buffer {
  const parts = members.map(({ name, content = '', mode = 0o100644 }) => {
    const isTable = name === '//';
    const data = Buffer.concat([Buffer.from(isTable ? '' : name), Buffer.from(content)]);
    const size = String(data.length).padEnd(10);
    const field = isTable ? name : `#1/${Buffer.byteLength(name)}`;
    const header = `${field.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${mode.toString(8).padEnd(8)}${size}\`\n`;
    return Buffer.concat([Buffer.from(header), data, Buffer.alloc(data.length % 2, '\n')]);
  });
  return Buffer.concat([Buffer.from('!<arch>\n'), ...parts]);
}

/** A Debian package with these files. */
export function deb(dataTar: Buffer): Buffer {
  const member = (name: string, content: Buffer) =>
    Buffer.concat([
      Buffer.from(
        `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(content.length).padEnd(10)}\`\n`,
      ),
      content,
      Buffer.alloc(content.length % 2, '\n'),
    ]);
  const parts = [
    member('debian-binary', Buffer.from('2.0\n')),
    member('control.tar', Buffer.alloc(1024)),
    member('data.tar', dataTar),
  ];
  return Buffer.concat([Buffer.from('!<arch>\n'), ...parts]);
}

/** An rpm with this payload: a lead, and two headers that say nothing. */
export function rpm(payload: Buffer): Buffer {
  const header = Buffer.concat([Buffer.from('8eade80100000000', 'hex'), Buffer.alloc(8)]);
  const lead = Buffer.concat([Buffer.from('edabeedb0300', 'hex'), Buffer.alloc(90)]);
  return Buffer.concat([lead, header, header, payload]);
}
