import { isUtf8 } from 'node:buffer';
import { PrestageError } from '../../core/errors.js';
import type { StepOf } from '../../plan/index.js';
import type { Tree } from '../tree/tree.js';
import { byteString, bytesOf } from './bytes.js';
import { matchRegularFiles } from './match-files.js';
import { nearestLines } from './nearest-lines.js';
import { type ApplyStep, counted } from './step.js';

interface Replaced {
  file: string;
  /** Places found. */
  places: number;
  /** Absent where the bytes are as they were. */
  content: Buffer | undefined;
}

/** Replaces text in files; every place in every file is counted before any file is written. */
export const applyReplace: ApplyStep<'replace'> = async (step, { tree, signal }) => {
  const files = matchRegularFiles(tree, step);
  const replaceIn = step.regex ? byExpression(step) : byBytes(step);
  const results: Replaced[] = [];
  for (const file of files) {
    signal.throwIfAborted();
    const before = await tree.read(file);
    const { places, content } = replaceIn(before, file);
    results.push({ file, places, content: content?.equals(before) ? undefined : content });
  }
  const places = results.reduce((sum, result) => sum + result.places, 0);
  const isExpected = step.expect === undefined || step.expect === places || (step.optional && places === 0);
  if (!isExpected) throw await wrongCount(step, results, places, tree);
  let [changedFiles, changes] = [0, 0];
  for (const { file, content, places } of results) {
    if (content === undefined) continue;
    await tree.write(file, content);
    changedFiles += 1;
    changes += places;
  }
  return {
    files: changedFiles,
    changes,
    summary: `${counted(changes, 'place')} in ${counted(changedFiles, 'file')}`,
    ...(changes === 0 ? { nothing: await nothingReplaced(step, files, places, tree) } : {}),
  };
};

type ReplaceIn = (before: Buffer, file: string) => { places: number; content: Buffer | undefined };

/** Literal text is searched as its UTF-8 bytes, so that no encoding of the file matters and no other byte changes. */
function byBytes(step: StepOf<'replace'>): ReplaceIn {
  const from = Buffer.from(step.from, 'utf8');
  const to = Buffer.from(step.to, 'utf8');
  return (before) => {
    const parts: Buffer[] = [];
    let end = 0;
    for (let at = before.indexOf(from); at !== -1; at = before.indexOf(from, end)) {
      parts.push(before.subarray(end, at), to);
      end = at + from.length;
    }
    if (parts.length === 0) return { places: 0, content: undefined };
    return { places: parts.length / 2, content: Buffer.concat([...parts, before.subarray(end)]) };
  };
}

/** In a file that is not valid UTF-8 an expression sees each byte as one character, U+0000 to U+00FF (Latin-1). */
function byExpression(step: StepOf<'replace'>): ReplaceIn {
  const expression = compile(step.from);
  return (before, file) => {
    const isText = isUtf8(before);
    const text = isText ? before.toString('utf8') : byteString(before);
    const places = text.match(expression)?.length ?? 0;
    if (places === 0) return { places, content: undefined };
    const replaced = text.replace(expression, step.to);
    if (isText) return { places, content: Buffer.from(replaced, 'utf8') };
    if (/[^\0-\xff]/.test(replaced)) throw notInLatin1(step, file);
    return { places, content: bytesOf(replaced) };
  };
}

function compile(source: string): RegExp {
  try {
    return new RegExp(source, 'gm');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PrestageError('STEP_INVALID', `The step's \`from\` is not a regular expression: ${reason}`, {
      hint: 'Correct it (the syntax is that of JavaScript), or leave out `regex: true` to search for the text as it is.',
      context: { key: 'from', found: source },
    });
  }
}

async function wrongCount(
  step: StepOf<'replace'>,
  results: Replaced[],
  places: number,
  tree: Tree,
): Promise<PrestageError> {
  const per = results.filter((result) => result.places > 0).map(({ file, places }) => `${file}: ${places}`);
  const found =
    places === 0
      ? `none in ${counted(results.length, 'file')}`
      : `${places} (${per.slice(0, 10).join(', ')}${per.length > 10 ? ', …' : ''})`;
  const near =
    places === 0
      ? await nearestLines(
          step.from,
          results.map(({ file }) => file),
          tree,
        )
      : '';
  return new PrestageError(
    'STEP_COUNT',
    `Expected ${counted(step.expect ?? 0, 'place')} with ${JSON.stringify(step.from)}, found ${found}.`,
    {
      hint: `${near}${places === 0 ? 'Correct `from` or `files`.' : 'If all of these are meant, correct `expect`; else narrow `from` or `files`.'}`,
      context: {
        expected: String(step.expect),
        found: String(places),
        counts: Object.fromEntries(results.map(({ file, places }) => [file, places])),
      },
    },
  );
}

async function nothingReplaced(step: StepOf<'replace'>, files: string[], places: number, tree: Tree) {
  if (files.length === 0) return { reason: 'no file matches', hint: 'Check the patterns.' };
  if (places > 0)
    return { reason: 'what it puts there is there already', hint: 'Remove the step, or give it `optional: true`.' };
  return {
    reason: `${JSON.stringify(step.from)} is not in ${files.length === 1 ? files[0] : `any of ${files.length} files`}`,
    hint: `${await nearestLines(step.from, files, tree)}Correct \`from\` or \`files\`, or give the step \`optional: true\`.`,
  };
}

function notInLatin1(step: StepOf<'replace'>, file: string): PrestageError {
  return new PrestageError(
    'STEP_INVALID',
    `${JSON.stringify(file)} is not UTF-8, and ${JSON.stringify(step.to)} has characters that have no byte in it.`,
    {
      hint: 'In a file that is not UTF-8 an expression can put only characters up to U+00FF. Use a literal replacement, which writes UTF-8.',
      context: { file, key: 'to' },
    },
  );
}
