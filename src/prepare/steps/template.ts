import { PrestageError } from '../../core/errors.js';
import { mostAlike } from '../../core/nearest.js';
import { byteString, bytesOf, lineAt, readable, textBytes } from './bytes.js';
import { matchRegularFiles } from './match-files.js';
import { type ApplyStep, counted } from './step.js';

const SUFFIX = '.tmpl';
/** `\{{` is a literal `{{`. What opens must close on the same line. */
const MARK = /\\\{\{|\{\{(?:[ \t]*([^\s{}]+)[ \t]*\}\})?/g;

type Values = Readonly<Record<string, string | number | boolean | null>>;

/** Fills in the variables of templates and writes them without the `.tmpl`; every template is filled before any is written. */
export const applyTemplate: ApplyStep<'template'> = async (step, { tree }) => {
  const templates = matchRegularFiles(tree, step);
  const used = new Set<string>();
  const filled: { template: string; file: string; content: Buffer; mode: number }[] = [];
  let places = 0;
  for (const template of templates) {
    const file = nameWithoutSuffix(template);
    const entry = tree.entries.get(template);
    const mode = entry?.type === 'file' ? entry.mode : 0o644;
    const text = byteString(await tree.read(template));
    const result = fillIn(text, step.values, template);
    for (const name of result.used) used.add(name);
    places += result.places;
    filled.push({ template, file, content: bytesOf(result.text), mode });
  }
  const unused = Object.keys(step.values).filter((name) => !used.has(name));
  if (unused.length > 0 && !step.optional) throw unusedValues(unused, templates);
  for (const { template, file, content, mode } of filled) {
    if (tree.entries.get(file)?.type === 'file') await tree.chmod(file, mode);
    await tree.write(file, content, mode);
    await tree.remove(template);
  }
  return {
    files: filled.length,
    changes: filled.length,
    summary: `${counted(places, 'variable')} in ${counted(filled.length, 'template')}`,
    nothing: { reason: 'no template matches', hint: 'Check the patterns.' },
  };
};

function fillIn(text: string, values: Values, file: string): { text: string; used: Set<string>; places: number } {
  const used = new Set<string>();
  let places = 0;
  const filled = text.replace(MARK, (mark: string, name: string | undefined, at: number) => {
    if (mark.startsWith('\\')) return '{{';
    if (name === undefined) throw notAVariable(text, at, file);
    const known = readable(name);
    const value = Object.hasOwn(values, known) ? values[known] : undefined;
    if (value === undefined) throw unknownVariable(known, values, file, lineAt(text, at));
    used.add(known);
    places += 1;
    return textBytes(value === null ? '' : String(value));
  });
  return { text: filled, used, places };
}

function nameWithoutSuffix(template: string): string {
  const base = template.slice(template.lastIndexOf('/') + 1);
  if (base.endsWith(SUFFIX) && base !== SUFFIX) return template.slice(0, -SUFFIX.length);
  throw new PrestageError(
    'STEP_INVALID',
    `${JSON.stringify(template)} is not a template: its name does not end in \`${SUFFIX}\`.`,
    {
      hint: `Narrow the pattern (\`conf/*${SUFFIX}\`), or use a \`replace\` step for files that keep their names.`,
      context: { file: template },
    },
  );
}

function unknownVariable(name: string, values: Values, file: string, line: number): PrestageError {
  const names = Object.keys(values);
  const [near] = mostAlike(name, names, 1);
  const hint = near
    ? `Did you mean ${JSON.stringify(near)}? Otherwise add ${JSON.stringify(name)} to the step's values.`
    : `Add ${JSON.stringify(name)} to the step's values${names.length > 0 ? ` (they are ${names.join(', ')})` : ''}, or write \`\\{{\` for a literal \`{{\`.`;
  return new PrestageError(
    'TEMPLATE_UNKNOWN',
    `${file}:${line}: the template uses the variable ${JSON.stringify(name)}, which the step does not define.`,
    {
      hint,
      context: { file, line, key: name },
    },
  );
}

function notAVariable(text: string, at: number, file: string): PrestageError {
  const line = lineAt(text, at);
  const found = readable(text.slice(at, at + 40).split(/[\r\n]/)[0] ?? '');
  return new PrestageError(
    'STEP_INVALID',
    `${file}:${line}: ${JSON.stringify(found)} is not a variable: \`{{ name }}\`, on one line, without spaces in the name.`,
    {
      hint: 'For a literal `{{`, write `\\{{`.',
      context: { file, line, found },
    },
  );
}

function unusedValues(unused: string[], templates: string[]): PrestageError {
  const names = unused.map((name) => JSON.stringify(name)).join(', ');
  return new PrestageError('STEP_NO_EFFECT', `No template uses ${names} (searched: ${templates.join(', ')}).`, {
    hint: 'Correct the name, remove it from the values, or give the step `optional: true`.',
    context: { key: unused[0] ?? '' },
  });
}
