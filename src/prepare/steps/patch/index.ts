import { sha256 } from '../../../core/digest.js';
import { PrestageError } from '../../../core/errors.js';
import { type ApplyStep, counted } from '../step.js';
import { applyPart, type PartOutcome } from './apply-part.js';
import { ChangedFiles } from './changed-files.js';
import { parsePatch } from './parse.js';

/** Applies unified diffs with the semantics of GNU patch 2.7. Every hunk of every patch applies before any file is written. */
export const applyPatchStep: ApplyStep<'patch'> = async (step, { tree, readInput, signal }) => {
  const files = new ChangedFiles(tree);
  const total = { hunks: 0, moved: 0, fuzzed: 0, other: 0 };
  const skipped: string[] = [];
  for (const { name, sha256: pinned } of step.patches) {
    signal.throwIfAborted();
    const content = await readInput(pinned);
    checkDigest(content, name, pinned);
    for (const part of parsePatch(content, name, step.strip)) {
      const outcome = await applyPart(part, {
        patch: name,
        strip: step.strip,
        fuzz: step.fuzz,
        optional: step.optional,
        files,
        tree,
      });
      add(total, outcome);
      if (outcome.skipped !== undefined) skipped.push(outcome.skipped);
    }
    files.endPatch();
  }
  const changed = await files.write();
  return {
    files: changed,
    changes: changed === 0 ? 0 : total.hunks + total.other,
    summary: `${counted(total.hunks, 'hunk')} in ${counted(changed, 'file')}${remarks(total)}`,
    nothing: {
      reason: skipped[0] ?? 'every file is as the patch would make it',
      hint: 'Remove the patch, or give the step `optional: true` if the package may hold its changes already.',
    },
  };
};

function add(total: { hunks: number; moved: number; fuzzed: number; other: number }, outcome: PartOutcome): void {
  total.hunks += outcome.hunks;
  total.moved += outcome.moved;
  total.fuzzed += outcome.fuzzed;
  total.other += outcome.other;
}

function remarks({ moved, fuzzed }: { moved: number; fuzzed: number }): string {
  const said = [moved > 0 ? `${moved} at an offset` : '', fuzzed > 0 ? `${fuzzed} with fuzz` : ''].filter(Boolean);
  return said.length > 0 ? ` (${said.join(', ')})` : '';
}

function checkDigest(content: Buffer, name: string, pinned: string): void {
  const found = sha256(content);
  if (found === pinned) return;
  throw new PrestageError('SOURCE_CHANGED', `The patch ${JSON.stringify(name)} changed since its digest was taken.`, {
    hint: 'Run the same command again: the new content gets its own digest.',
    context: { file: name, expected: pinned, found },
  });
}
