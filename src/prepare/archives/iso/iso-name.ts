/** A name of plain ISO 9660 without its version, and without the dot before an ending that is not there. */
export function isoName(bytes: Buffer, isFolder: boolean): Buffer {
  if (isFolder) return bytes;
  const text = bytes.toString('latin1').replace(/;1$/, '');
  return Buffer.from(text.length > 1 ? text.replace(/\.$/, '') : text, 'latin1');
}

/** A name of Joliet: UTF-16, the higher byte first. @returns undefined where it is not */
export function jolietName(bytes: Buffer): string | undefined {
  if (bytes.length % 2 !== 0) return undefined;
  const text = Buffer.from(bytes).swap16().toString('utf16le').replace(/;1$/, '');
  return /\p{Surrogate}/u.test(text) ? undefined : text;
}
