import { PrestageError } from '../../../core/errors.js';
import { edited, type Format, type Setting } from './format.js';
import { ini } from './ini/ini.js';
import { json } from './json.js';
import { writtenPart } from './key-path.js';
import { properties } from './properties/properties.js';
import { prove } from './prove.js';
import type { SetFormat, SetValue } from './set-format.js';
import { decode, encode, problem, type SourceText } from './source-text.js';
import { toml } from './toml/toml.js';
import { xml } from './xml/xml.js';
import { yaml } from './yaml/yaml.js';

export type { SetFormat, SetValue } from './set-format.js';

const FORMATS: Record<SetFormat, Format> = { properties, ini, json, yaml, xml, toml };

/** Only endings that mean one format. `.conf` and `.cfg` are many things, so the step has to say which. */
const ENDINGS: Readonly<Record<string, SetFormat>> = {
  properties: 'properties',
  ini: 'ini',
  json: 'json',
  jsonc: 'json',
  yaml: 'yaml',
  yml: 'yaml',
  xml: 'xml',
  toml: 'toml',
};

/** The format that a file's name says it has. */
export function formatOf(file: string): SetFormat | undefined {
  const ending = /\.([^./]+)$/.exec(file)?.[1]?.toLowerCase();
  return ending !== undefined && Object.hasOwn(ENDINGS, ending) ? ENDINGS[ending] : undefined;
}

export interface SetResult {
  content: Buffer;
  /** Keys that have another value than before, those added included. */
  changes: number;
  /** Keys that were not there. */
  added: string[];
}

/**
 * Sets keys of a configuration file. Only the bytes of their values change: comments, order, white space, line ends and
 * encoding stay. The result is parsed again, and nothing else in it may say something other than before.
 * @throws STEP_INVALID with file and line: wrong syntax, a key that is ambiguous, a place that cannot have a value
 */
export function applySet(
  content: Buffer,
  format: SetFormat,
  values: Readonly<Record<string, SetValue>>,
  file: string,
): SetResult {
  const editor = FORMATS[format];
  const original = decode(content, format, file);
  const settings = new Map<string, { key: string; setting: Setting }>();
  let source = original;
  for (const [key, value] of Object.entries(values)) {
    checkValue(source, key, value);
    const setting = editor.set(source, key, value);
    const other = settings.get(setting.path)?.key;
    if (other !== undefined) throw sameTwice(source, other, key);
    settings.set(setting.path, { key, setting });
    source = { ...source, text: edited(source.text, setting.edits) };
  }
  const effective = [...settings.values()].filter(({ setting }) => setting.edits.length > 0);
  if (effective.length === 0) return { content, changes: 0, added: [] };
  prove(
    editor.read(original),
    reread(editor, source),
    effective.map(({ setting }) => setting),
    file,
  );
  return {
    content: encode(source),
    changes: effective.length,
    added: effective.filter(({ setting }) => setting.added).map(({ key }) => key),
  };
}

/** The keys of a file, as a step writes them. @throws STEP_INVALID where it is not of the format */
export function knownKeys(content: Buffer, format: SetFormat, file: string): string[] {
  const paths = FORMATS[format].read(decode(content, format, file)).keys();
  return [...paths].map((path) => writtenKey(format, JSON.parse(path) as string[]));
}

/** A value's path, as a step names it: in a document its first part is which one, in an ini file its last is which of its name. */
function writtenKey(format: SetFormat, names: readonly string[]): string {
  switch (format) {
    case 'properties':
      return names.join('');
    case 'ini':
      return names.slice(0, 2).filter(Boolean).join('.');
    default:
      return names.slice(1).map(writtenPart).join('.');
  }
}

function checkValue(source: SourceText, key: string, value: SetValue): void {
  const fault =
    typeof value === 'number' && !Number.isFinite(value)
      ? 'not a finite number'
      : typeof value === 'string' && /[\0\p{Surrogate}]/u.test(value)
        ? 'text with a NUL or half a surrogate pair'
        : undefined;
  if (fault === undefined) return;
  throw problem(source, undefined, `the value for ${JSON.stringify(key)} is ${fault}, which no file can hold`, {
    hint: 'Correct the value in the step.',
    key,
  });
}

function sameTwice(source: SourceText, first: string, second: string): PrestageError {
  return problem(
    source,
    undefined,
    `${JSON.stringify(first)} and ${JSON.stringify(second)} are one and the same place`,
    {
      hint: 'Keep one of the two in the step.',
      key: second,
    },
  );
}

function reread(editor: Format, source: SourceText): Map<string, string> {
  try {
    return editor.read(source);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new PrestageError('INTERNAL', `Setting keys made ${source.file} unreadable: ${message}`, {
      hint: 'Nothing was written. This is a defect of Prestage: please report it with the file and the step.',
      context: { file: source.file },
      cause: error,
    });
  }
}
