import { isUtf8 } from 'node:buffer';

/**
 * Files are edited as text with one character a byte (Latin-1), which has every byte in it and gives every byte back;
 * what the configuration says is text of its own, and stands there as its UTF-8 bytes.
 */

/** The bytes as a string of one character (U+0000 to U+00FF) a byte. */
export function byteString(bytes: Buffer): string {
  return bytes.toString('latin1');
}

/** The bytes of a `byteString`. */
export function bytesOf(byteString: string): Buffer {
  return Buffer.from(byteString, 'latin1');
}

/** A text's UTF-8 bytes as a `byteString`. */
export function textBytes(text: string): string {
  return byteString(Buffer.from(text, 'utf8'));
}

/** A `byteString` for people: as UTF-8 where it is that, else as it is. */
export function readable(bytes: string): string {
  const buffer = bytesOf(bytes);
  return isUtf8(buffer) ? buffer.toString('utf8') : bytes;
}

/** The number, from 1, of the line that a position is in. */
export function lineAt(text: string, position: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < position; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}
