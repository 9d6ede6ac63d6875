import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { type KeyPath, keyText, readJsonText } from '../config/index.js';
import { errnoOf, PrestageError } from '../core/errors.js';
import { shownPath } from '../core/shown-path.js';

const VERSION = 1;

const A_DIGEST = 'expected a SHA-256 in 64 lower-case hex digits';

const lockedSource = z.strictObject({
  sha256: z.string({ error: A_DIGEST }).regex(/^[0-9a-f]{64}$/, { error: A_DIGEST }),
  /** Bytes. */
  size: z.int().min(0),
  /** With it the release's identity is known where the folder itself is not there. */
  kind: z.literal('folder').optional(),
  /** What its file is called, where the server alone says so: the title of a layer in a registry. */
  name: z.string().optional(),
  /** The server's name for what was pinned, such as an ETag. */
  version: z.string().optional(),
});
const lockfileSchema = z.strictObject({ version: z.literal(VERSION), sources: z.record(z.string(), lockedSource) });

export type LockedSource = z.infer<typeof lockedSource>;
/** By the source's name (source.ts). */
export type LockedSources = Record<string, LockedSource>;

/** What prestage.lock holds; its text is '' where there is none yet. @throws LOCKFILE_INVALID */
export async function readLockfile(path: string): Promise<{ text: string; sources: LockedSources }> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    if (errnoOf(error) === 'EISDIR') throw invalid(path, undefined, 'it is a folder', RESTORE);
    throw error;
  });
  if (text === undefined) return { text: '', sources: {} };
  return { text, sources: await parse(path, text) };
}

/** One spelling for one content: keys sorted, two spaces, a line feed at the end. */
export function lockfileText(sources: LockedSources): string {
  const names = Object.keys(sources).sort();
  const sorted = Object.fromEntries(
    names.flatMap((name) => {
      const locked = sources[name];
      if (!locked) return [];
      const { sha256, size, kind, name: title, version } = locked;
      const named = title === undefined ? {} : { name: title };
      const rest = { ...(kind === undefined ? {} : { kind }), ...named, ...(version === undefined ? {} : { version }) };
      return [[name, { sha256, size, ...rest }]];
    }),
  );
  return `${JSON.stringify({ version: VERSION, sources: sorted }, null, 2)}\n`;
}

async function parse(path: string, text: string): Promise<LockedSources> {
  const conflict = /^(<{7}|={7}|>{7})/m.exec(text);
  if (conflict) {
    const line = text.slice(0, conflict.index).split('\n').length;
    throw invalid(
      path,
      line,
      'it has the marks of a merge conflict',
      'Keep either side of the conflict; the next deploy completes the file.',
    );
  }
  // Only a damaged file needs positions, and the parser that knows them.
  const data = jsonOrUndefined(text) ?? (await readDamaged(path, text));
  const parsed = lockfileSchema.safeParse(data);
  if (parsed.success) return parsed.data.sources;
  const { locate } = await readJsonText(path, text);
  const found = (data as { version?: unknown } | null)?.version;
  if (typeof found === 'number' && found > VERSION) {
    throw invalid(
      path,
      locate(['version']),
      `it has the format ${found}, and this Prestage reads ${VERSION}`,
      'Update Prestage to the version that wrote it.',
    );
  }
  const [issue] = parsed.error.issues;
  const place = (issue?.path ?? []).filter((step) => typeof step !== 'symbol') as KeyPath;
  const where = place.length === 0 ? '' : `${keyText(place)}: `;
  throw invalid(path, locate(place), `${where}${issue?.message ?? 'not a lockfile'}`, RESTORE);
}

const RESTORE = 'Restore it from version control; or delete it, and the next deploy pins every source as it is then.';

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function readDamaged(path: string, text: string): Promise<unknown> {
  try {
    return (await readJsonText(path, text)).data;
  } catch (cause) {
    if (!(cause instanceof PrestageError)) throw cause;
    const fault = cause.message.replace(/^.*?: /, '');
    throw invalid(path, cause.context.line, fault, RESTORE);
  }
}

function invalid(path: string, line: number | undefined, fault: string, hint: string): PrestageError {
  const place = line === undefined ? shownPath(path) : `${shownPath(path)}:${line}`;
  return new PrestageError('LOCKFILE_INVALID', `${place}: the lockfile cannot be read: ${fault}`, {
    hint,
    context: { file: path, ...(line === undefined ? {} : { line }) },
  });
}
