import { isUtf8 } from 'node:buffer';
import { type ErrorContext, PrestageError } from '../../../core/errors.js';
import { lineAt } from '../bytes.js';
import type { SetFormat } from './set-format.js';

/** A file as text whose bytes can be had back exactly. */
export interface SourceText {
  file: string;
  /** Without the byte order mark. */
  text: string;
  /** The byte order mark, or ''. */
  bom: string;
  encoding: 'utf8' | 'latin1';
}

const BOM = '\uFEFF';

/** @throws STEP_INVALID where the bytes are in no encoding that the format is edited in */
export function decode(content: Buffer, format: SetFormat, file: string): SourceText {
  const start = content.subarray(0, 4).toString('latin1');
  if (/^\xFE\xFF|^\xFF\xFE|\0/.test(start)) {
    throw problem({ file, text: '' }, undefined, 'the file is in UTF-16 or UTF-32, which `set` cannot edit', {
      hint: 'Convert it to UTF-8 before it is packed, or bring the whole file with a `copy` step.',
      expected: 'UTF-8',
    });
  }
  const encoding = format === 'xml' ? xmlEncoding(content, file) : isUtf8(content) ? 'utf8' : 'latin1';
  if (encoding === 'utf8' && !isUtf8(content)) throw notUtf8(content, file);
  if (encoding === 'latin1' && (format === 'json' || format === 'yaml' || format === 'toml'))
    throw notUtf8(content, file);
  const text = content.toString(encoding);
  // Java takes a byte order mark of a properties file for a part of the first key, and so does `set`.
  const bom = format !== 'properties' && text.startsWith(BOM) ? BOM : '';
  return { file, text: text.slice(bom.length), bom, encoding };
}

export function encode(source: SourceText): Buffer {
  return Buffer.from(source.bom + source.text, source.encoding);
}

/**
 * By the declaration, as parsers read it. A one-byte encoding that has ASCII in it is edited as Latin-1, whatever its upper
 * half means: what is written there is ASCII, and other characters become references.
 */
function xmlEncoding(content: Buffer, file: string): 'utf8' | 'latin1' {
  const head = content.subarray(0, 200).toString('latin1');
  const name = /^(?:\xEF\xBB\xBF)?<\?xml\s[^>]*?encoding\s*=\s*["']([^"']*)["']/.exec(head)?.[1] ?? 'utf-8';
  if (/^utf-?8$/i.test(name)) return 'utf8';
  if (/^(?:us-ascii|ascii|latin-?1|iso[-_]8859[-_]\d+|windows-125\d|cp125\d)$/i.test(name)) return 'latin1';
  throw problem({ file, text: '' }, 0, `the XML declaration says ${name}, an encoding that \`set\` cannot edit`, {
    hint: 'Convert it to UTF-8 before it is packed, or bring the whole file with a `copy` step.',
    expected: 'UTF-8 or a one-byte encoding such as ISO-8859-1',
    found: name,
  });
}

function notUtf8(content: Buffer, file: string): PrestageError {
  const text = content.toString('utf8');
  return problem({ file, text }, text.indexOf('\uFFFD'), 'the file is not UTF-8', {
    hint: 'Convert it to UTF-8 before it is packed, or change it with a `replace` step, which works on bytes.',
    expected: 'UTF-8',
  });
}

/** STEP_INVALID that names the file, and the line of `at` where there is one. */
export function problem(
  source: Pick<SourceText, 'file' | 'text'>,
  at: number | undefined,
  message: string,
  { hint, ...context }: { hint: string } & Pick<ErrorContext, 'key' | 'expected' | 'found'>,
): PrestageError {
  const line = at === undefined ? undefined : lineAt(source.text, at);
  const place = line === undefined ? source.file : `${source.file}:${line}`;
  return new PrestageError('STEP_INVALID', `${place}: ${message}.`, {
    hint,
    context: { file: source.file, ...(line === undefined ? {} : { line }), ...context },
  });
}

/** `lines 3 and 17` */
export function linesOf(source: SourceText, positions: readonly number[]): string {
  const lines = [...positions].sort((a, b) => a - b).map((position) => lineAt(source.text, position));
  return lines.length === 1 ? `line ${lines[0]}` : `lines ${lines.slice(0, -1).join(', ')} and ${lines.at(-1)}`;
}
