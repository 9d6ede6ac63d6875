/** The file in a text of uuencode(1), as libarchive keeps its test archives. */
export function uudecode(text: string): Buffer {
  const lines = text.split('\n');
  const begin = lines.findIndex((line) => line.startsWith('begin '));
  if (begin < 0) throw new Error('no line begins with "begin"');
  const decoded: Buffer[] = [];
  for (const line of lines.slice(begin + 1)) {
    const length = sixBits(line, 0);
    if (line.startsWith('end') || length === 0) break;
    decoded.push(decodeLine(line, length));
  }
  return Buffer.concat(decoded);
}

function decodeLine(line: string, length: number): Buffer {
  const bytes = Buffer.alloc(Math.ceil(length / 3) * 3);
  for (let at = 0; at < bytes.length; at += 3) {
    const letter = 1 + (at / 3) * 4;
    const group =
      (sixBits(line, letter) << 18) |
      (sixBits(line, letter + 1) << 12) |
      (sixBits(line, letter + 2) << 6) |
      sixBits(line, letter + 3);
    bytes.writeUIntBE(group, at, 3);
  }
  return bytes.subarray(0, length);
}

/** Spaces at the end of a line may have been lost on the way. */
function sixBits(line: string, at: number): number {
  return at < line.length ? (line.charCodeAt(at) - 0x20) & 0x3f : 0;
}
