import { createHash } from 'node:crypto';

/** Numbers of "JKS", a format that every Java reads: sun.security.provider.JavaKeyStore describes it. */
const MAGIC = 0xfeedfeed;
const VERSION = 2;
const TRUSTED_CERTIFICATE = 2;
const WHITENER = 'Mighty Aphrodite';

/** A keystore of Java with certificates alone, the same for the same ones. */
export function truststoreOf(certificates: readonly Buffer[], password: string): Buffer {
  const body = Buffer.concat([
    numbers(MAGIC, VERSION, certificates.length),
    ...certificates.flatMap((certificate, index) => [
      numbers(TRUSTED_CERTIFICATE),
      text(`rds-${index}`),
      Buffer.alloc(8), // when it was made
      text('X.509'),
      numbers(certificate.length),
      certificate,
    ]),
  ]);
  const digest = createHash('sha1').update(utf16(password)).update(WHITENER, 'utf8').update(body).digest();
  return Buffer.concat([body, digest]);
}

function numbers(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** As Java has it: the high byte first. */
function utf16(value: string): Buffer {
  return Buffer.from(value, 'utf16le').swap16();
}
