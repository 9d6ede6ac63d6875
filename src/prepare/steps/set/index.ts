import { isUtf8 } from 'node:buffer';
import type { StepOf } from '../../../config/index.js';
import { PrestageError } from '../../../core/errors.js';
import { applyEdit, invalid, type SetIn, type SetValue } from './edit.js';
import { setInIni } from './ini.js';
import { setInJson } from './json.js';
import { setInProperties } from './properties.js';
import { setInToml } from './toml.js';
import { setInXml } from './xml.js';
import { setInYaml } from './yaml.js';

type SetFormat = NonNullable<StepOf<'set'>['format']>;

interface Format {
  set: SetIn;
  /** How the bytes are read as text; `latin1` keeps every byte whatever it is. */
  encoding: (content: Buffer) => 'utf8' | 'latin1';
}

const bytes = () => 'latin1' as const;
const unicode = () => 'utf8' as const;

const FORMATS: Record<SetFormat, Format> = {
  properties: { set: setInProperties, encoding: bytes },
  ini: { set: setInIni, encoding: (content) => (isUtf8(content) ? 'utf8' : 'latin1') },
  json: { set: setInJson, encoding: unicode },
  yaml: { set: setInYaml, encoding: unicode },
  toml: { set: setInToml, encoding: unicode },
  xml: { set: setInXml, encoding: xmlEncoding },
};

/**
 * Gives keys of a configuration file new values and changes no other byte. `changes` counts the keys that had another
 * value or none; `added` names those that were not there.
 * @throws STEP_INVALID where the file is not of the format, or has no place for a key.
 */
export function applySet(
  content: Buffer,
  format: SetFormat,
  values: Record<string, SetValue>,
  file: string,
): { content: Buffer; changes: number; added: string[] } {
  const { set, encoding } = FORMATS[format];
  const charset = encoding(content);
  if (charset === 'utf8' && !isUtf8(content)) {
    throw invalid(`${file} is not UTF-8, as ${format} files must be.`, 'Convert the file, or change it by a `replace` step.', { file });
  }
  let text = content.toString(charset);
  let changes = 0;
  const added: string[] = [];
  for (const [key, value] of Object.entries(values)) {
    const edit = set(text, key, value, file);
    if (!edit) continue;
    if (charset === 'latin1' && /[^\0-\xff]/.test(edit.text)) {
      throw invalid(`${file} is ISO-8859-1, which cannot write the value of ${key}.`, 'Use characters that the encoding has.', { file, key });
    }
    text = applyEdit(text, edit);
    changes += 1;
    if (edit.added) added.push(key);
    // What was written must read back as it was meant: cheap insurance against a file that the editor misunderstood.
    if (set(text, key, value, file)) {
      throw new PrestageError('INTERNAL', `Setting ${key} in ${file} did not lead to the value.`, {
        hint: 'This is a defect of Prestage: report it with the file. A `replace` step can make the change until then.',
        context: { file, key },
      });
    }
  }
  return { content: Buffer.from(text, charset), changes, added };
}

function xmlEncoding(content: Buffer): 'utf8' | 'latin1' {
  const declared = /^<\?xml[^>]*encoding=["']([\w.-]+)["']/.exec(content.subarray(0, 200).toString('latin1'))?.[1] ?? 'UTF-8';
  switch (declared.toUpperCase()) {
    case 'UTF-8':
    case 'US-ASCII':
      return 'utf8';
    case 'ISO-8859-1':
      return 'latin1';
    default:
      throw invalid(`The encoding ${declared} is not supported by set.`, 'Change the file by a `replace` step.', {
        expected: 'UTF-8 or ISO-8859-1',
        found: declared,
      });
  }
}
