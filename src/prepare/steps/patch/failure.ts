import { type ErrorCode, PrestageError } from '../../../core/errors.js';
import { readable } from '../bytes.js';
import { fileMissing } from '../match-files.js';
import type { HunkRefused } from './apply-hunks.js';
import { locateWithin } from './apply-hunks.js';
import { candidates } from './choose-file.js';
import { isApplied, reversed } from './is-applied.js';
import type { FilePatch } from './model.js';
import { lineEndingHint, nearestPlace } from './nearest-place.js';
import type { PartJob } from './part-job.js';

/** No name of the part is a file of the tree. */
export function noFile(part: FilePatch, { patch, strip, tree }: PartJob): PrestageError {
  const names = part.written.map(readable);
  const paths = Object.values(candidates(part, strip));
  const context = { file: patch, line: part.line };
  if (part.moves && names.length === 0) {
    return failed(
      'PATCH_INVALID',
      part,
      patch,
      'the names of a rename or copy cannot be told apart, because they have spaces',
      {
        hint: 'Leave that part out, and make the change with a `copy` or `remove` step.',
        context,
      },
    );
  }
  const [wanted] = paths;
  if (wanted === undefined) {
    const named =
      names.length > 0
        ? `no name of this part (${[...new Set(names)].join(', ')}) leads to a file of the package with \`strip: ${strip}\``
        : 'this part names no file';
    return failed('PATCH_INVALID', part, patch, named, {
      hint: 'Set `strip` to the number of leading folders to drop (`a/conf/x` needs 1). Absolute names and `..` are never used.',
      context,
    });
  }
  const shown = [...new Set(paths)].map((path) => JSON.stringify(path)).join(' nor ');
  const missing = fileMissing(
    tree,
    wanted,
    `${patch}:${part.line}: the patch changes ${shown}, which the package does not have.`,
  );
  const strips = `The patch's names are ${[...new Set(names)].join(' and ')}, of which \`strip: ${strip}\` drops the first ${strip === 1 ? 'part' : `${strip} parts`}.`;
  return new PrestageError('STEP_FILE_MISSING', missing.message, {
    hint: `${missing.hint ?? ''} ${strips}`,
    context: { ...context, path: wanted },
  });
}

/** The part makes a new file where there is one already. */
export function cannotCreate(
  part: FilePatch,
  path: string,
  lines: readonly string[],
  { patch }: PartJob,
): PrestageError {
  const isSame = isApplied(part, lines, true);
  return failed(
    'PATCH_FAILED',
    part,
    patch,
    `it creates ${JSON.stringify(path)}, which exists already${isSame ? ' with that very content' : ''}`,
    {
      hint: isSame
        ? 'The patch is applied already. Remove it, or give the step `optional: true`.'
        : 'Remove the file in an earlier step, or leave that part out of the patch.',
      context: { file: patch, line: part.line, path },
    },
  );
}

/** The part renames or copies to a name that is taken, and that is the one which GNU patch would change. */
export function alreadyMoved(part: FilePatch, path: string, { patch }: PartJob): PrestageError {
  return failed(
    'PATCH_FAILED',
    part,
    patch,
    `it makes ${JSON.stringify(path)} by a ${part.moves}, and there is a file of that name`,
    {
      hint: 'If the patch is applied already, remove it or give the step `optional: true`; else remove the file in an earlier step.',
      context: { file: patch, line: part.line, path },
    },
  );
}

/** The part deletes a file that holds more than the patch knows of. */
export function notDeleted(part: FilePatch, path: string, rest: readonly string[], { patch }: PartJob): PrestageError {
  const lines = rest.length === 1 ? '1 line more' : `${rest.length} lines more`;
  return failed(
    'PATCH_FAILED',
    part,
    patch,
    `it deletes ${JSON.stringify(path)}, which has ${lines} than the patch removes, such as ${quoted(rest[0] ?? '')}`,
    {
      hint: 'Make the patch again from this version of the package, or use a `remove` step.',
      context: { file: patch, line: part.line, path },
    },
  );
}

/** Git's part is about a link and the tree has a file, or the other way round. */
export function otherType(part: FilePatch, path: string, type: 'file' | 'link', { patch }: PartJob): PrestageError {
  return failed(
    'PATCH_FAILED',
    part,
    patch,
    `${JSON.stringify(path)} is a ${type}, and the patch changes a ${type === 'link' ? 'file' : 'link'}`,
    {
      hint:
        type === 'link'
          ? 'Patch the file that the link leads to: nothing is changed through a link.'
          : 'Make the patch again from this version of the package.',
      context: { file: patch, line: part.line, path },
    },
  );
}

/** The way to a file leads through a link, or through what is no folder. */
export function blocked(
  part: FilePatch,
  path: string,
  obstacle: { path: string; type: 'file' | 'link' },
  { patch, tree }: PartJob,
): PrestageError {
  const [shown, at] = [path, obstacle.path].map((name) => JSON.stringify(name));
  const entry = tree.entries.get(obstacle.path);
  const target = entry?.type === 'link' ? ` to ${JSON.stringify(entry.target)}` : '';
  return failed(
    'PATCH_FAILED',
    part,
    patch,
    `the way to ${shown} leads through ${at}, which is a ${obstacle.type}${target}`,
    {
      hint:
        obstacle.type === 'link'
          ? 'Nothing is changed through a link: write the path that it leads to into the patch.'
          : 'Remove that file in an earlier step, or make the patch again from this version of the package.',
      context: { file: patch, line: part.line, path },
    },
  );
}

/** Says which hunk, where it nearly fits, and what differs there. */
export function hunkFailed(
  part: FilePatch,
  refusal: HunkRefused,
  path: string,
  lines: readonly string[],
  { patch, fuzz }: PartJob,
): PrestageError {
  const { refused: hunk, frontier } = refusal;
  const reason = reasonOf(part, refusal, lines, fuzz);
  const place = nearestPlace(hunk, lines, frontier, path);
  const text = readable(hunk.source.trimEnd());
  const message = `${patch}:${hunk.line}: hunk ${hunk.number} of ${part.hunks.length} for ${path} ${reason.what}.\n${indented(text)}${place ? `\n${place.text}` : ''}`;
  return new PrestageError('PATCH_FAILED', message, {
    hint: [lineEndingHint(part, hunk, lines, path), reason.hint].filter(Boolean).join(' '),
    context: {
      file: patch,
      line: hunk.line,
      path,
      hunk: hunk.number,
      text,
      ...(place ? { nearestLine: place.line } : {}),
      ...(reason.fuzz === undefined ? {} : { fuzz: reason.fuzz }),
    },
  });
}

function reasonOf(
  part: FilePatch,
  { refused, frontier }: HunkRefused,
  lines: readonly string[],
  fuzz: number,
): { what: string; hint: string; fuzz?: number } {
  if (isApplied(part, lines, true)) {
    return {
      what: 'is applied already, like the rest of this part',
      hint: 'The file has these changes. Remove the patch, or give the step `optional: true`.',
    };
  }
  if (locateWithin(reversed(refused), lines, frontier, 0)) {
    return {
      what: 'is applied already',
      hint: 'The file has this change and not all of the others: take this hunk out of the patch, or make the patch again.',
    };
  }
  const fuzzier = locateWithin(refused, lines, frontier, Number.MAX_SAFE_INTEGER);
  if (fuzzier) {
    return {
      what: `needs fuzz ${fuzzier.fuzz} to apply (at line ${fuzzier.where}), and ${fuzz} is allowed`,
      hint: `Compare the place with the patch; if it is the right one, allow \`fuzz: ${fuzzier.fuzz}\`, or make the patch again from this version.`,
      fuzz: fuzzier.fuzz,
    };
  }
  return { what: 'does not apply', hint: 'Make the patch again from this version of the package.' };
}

function failed(
  code: ErrorCode,
  part: FilePatch,
  patch: string,
  what: string,
  details: { hint: string; context: Record<string, unknown> },
): PrestageError {
  return new PrestageError(code, `${patch}:${part.line}: ${what}.`, details);
}

function quoted(line: string): string {
  return JSON.stringify(readable(line.trimEnd()).slice(0, 100));
}

function indented(text: string): string {
  return text.replace(/^/gm, '    ');
}
