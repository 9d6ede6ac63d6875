/**
 * Names in a manifest: vis(3) in its octal form. Every byte that is not in this set is written as `\ooo`; so a name is
 * one word of ASCII, and nothing in it means something to mtree (`#`, `=`, `*`, `?`, `[`).
 */
const PLAIN = /^[A-Za-z0-9._\-+/,@%:~]*$/;
const PLAIN_OR_ESCAPED = /^(?:[A-Za-z0-9._\-+/,@%:~]|\\[0-3][0-7]{2})*$/;

export function encodeName(name: string): string {
  if (PLAIN.test(name)) return name;
  let encoded = '';
  for (const byte of Buffer.from(name)) {
    const character = String.fromCharCode(byte);
    encoded += PLAIN.test(character) ? character : `\\${byte.toString(8).padStart(3, '0')}`;
  }
  return encoded;
}

/** The name, or undefined where the text is not what `encodeName` writes for any name. */
export function decodeName(encoded: string): string | undefined {
  if (PLAIN.test(encoded)) return encoded;
  if (!PLAIN_OR_ESCAPED.test(encoded)) return undefined;
  const bytes = encoded.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  const name = Buffer.from(bytes, 'latin1').toString('utf8');
  return encodeName(name) === encoded ? name : undefined;
}
