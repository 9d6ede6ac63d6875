import { isAscii, isUtf8 } from 'node:buffer';
import type { NameEncoding } from '../../../plan/index.js';
import { CODE_PAGES } from './code-pages.js';

/**
 * The text of a name's bytes.
 * @returns undefined where they are none in this encoding. What stands for no letter is none, too: some decoders make a control
 * character of it, others one for private use.
 */
export function nameText(bytes: Buffer, encoding: NameEncoding): string | undefined {
  if (isAscii(bytes)) return bytes.toString('latin1'); // in all of them
  if (encoding === 'utf-8') return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
  const page = CODE_PAGES[encoding];
  const text = page === undefined ? decoded(bytes, encoding) : byTable(bytes, page);
  return text === undefined || NO_LETTER.test(text) ? undefined : text;
}

const NO_LETTER = /[\u0080-\u009f\ufffd\p{Private_Use}\p{Surrogate}]/u;

function byTable(bytes: Buffer, page: string): string {
  return bytes.toString('latin1').replace(/[\x80-\xff]/g, (char) => page[char.charCodeAt(0) - 0x80] ?? '\ufffd');
}

const decoders = new Map<NameEncoding, InstanceType<typeof TextDecoder>>();

function decoded(bytes: Buffer, encoding: NameEncoding): string | undefined {
  const decoder = decoders.get(encoding) ?? new TextDecoder(LABELS[encoding] ?? encoding, { fatal: true });
  decoders.set(encoding, decoder);
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** What the Encoding Standard calls them otherwise. */
const LABELS: Readonly<Partial<Record<NameEncoding, string>>> = { cp932: 'shift_jis' };
