import { originOf } from '../../core/error-origin.js';
import type { ErrorContext, PrestageError } from '../../core/errors.js';
import { shown, shownLines } from './text/shown.js';
import type { Style } from './text/style.js';
import { folded, hanging, wrap } from './text/wrap.js';

/**
 * What failed, where, what was expected and found, what the program said, and what to do: in that order, wrapped to
 * `width` columns. Pure.
 */
export function errorBlock(
  error: PrestageError,
  { style, width, verbose }: { style: Style; width: number; verbose: boolean },
): string[] {
  const { context, hint, errors } = error;
  if (errors.length > 0) return severalBlocks(error, { style, width, verbose });
  const head = `error ${error.code}`;
  const message = `${head}: ${shownLines(error.message)}`
    .split('\n')
    .flatMap((line, i) => folded(i === 0 ? line : `  ${line}`, width));
  return [
    ...message.map((line, i) => (i === 0 ? line.replace(head, style.bad(head)) : line)),
    ...details(context).flatMap(([label, text]) => detailLines(label, text, { style, width })),
    ...logLines(context).map((line) => `  | ${line}`),
    ...(hint === undefined ? [] : wrap(shownLines(hint), width - 2).map((line) => `  ${line}`)),
    ...(verbose ? originOf(error).map((line) => style.dim(`  ${shown(line)}`)) : []),
  ];
}

/** Each in full, and last how many there were and what to do. */
function severalBlocks(
  { errors, hint }: PrestageError,
  wording: { style: Style; width: number; verbose: boolean },
): string[] {
  const blocks = errors.flatMap((error) => [...errorBlock(error, wording), '']);
  const last = `${errors.length} errors.${hint === undefined ? '' : ` ${shownLines(hint)}`}`;
  return [...blocks, ...wrap(last, wording.width)];
}

/**
 * Labels of what is always shown the same way, or is for programs alone; whatever else an error knows follows under its
 * own name.
 */
const KNOWN = new Set([
  'package',
  'step',
  'stepKind',
  'service',
  'host',
  'file',
  'line',
  'key',
  'url',
  'path',
  'expected',
  'found',
  'log',
  'errno',
  'reason',
  'configFile',
  'configLine',
]);

/** What an archive or a user named; other values (a hunk) may have lines. */
const ONE_LINE = new Set(['package', 'step', 'configured', 'host', 'file', 'key', 'url', 'path']);

function details(context: ErrorContext): [string, string][] {
  const { file, line, step, stepKind, configFile, configLine } = context;
  const place: [string, unknown][] = [
    ['package', context.package],
    ['step', step === undefined ? stepKind : `${step}${stepKind === undefined ? '' : ` (${stepKind})`}`],
    ['configured', typeof configFile === 'string' ? [configFile, configLine].filter(Boolean).join(':') : undefined],
    ['host', context.host ?? context.service],
    ['file', file === undefined || line === undefined ? file : `${file}:${line}`],
    ['key', context.key],
    ['url', context.url],
    ['path', context.path === file ? undefined : context.path],
    ['expected', context.expected],
    ['found', context.found],
    ...Object.entries(context).filter(([key]) => !KNOWN.has(key)),
  ];
  return place.flatMap(([label, value]) => {
    const text = textOf(label, value);
    return text === undefined ? [] : [[label, text] satisfies [string, string]];
  });
}

function textOf(label: string, value: unknown): string | undefined {
  if (typeof value === 'string') return ONE_LINE.has(label) ? shown(value) : shownLines(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string')) {
    return value.map(shown).join(value.some((item) => item.includes(' ')) ? '\n' : ', ');
  }
  return undefined;
}

function detailLines(label: string, text: string, { style, width }: { style: Style; width: number }): string[] {
  const head = `  ${label}: `;
  // What has lines of its own (a hunk, a piece of a file) is quoted as it is.
  if (text.includes('\n'))
    return [
      style.dim(`  ${label}:`),
      ...text
        .trimEnd()
        .split('\n')
        .map((line) => `    ${line}`),
    ];
  const [first = '', ...rest] = hanging(head, text, width);
  return [first.replace(head, style.dim(head)), ...rest];
}

function logLines({ log }: ErrorContext): string[] {
  return Array.isArray(log) ? log.filter((line) => typeof line === 'string') : [];
}
