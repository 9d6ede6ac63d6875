import { applyHunks } from './apply-hunks.js';
import type { PatchedFile } from './changed-files.js';
import { type ChosenFile, candidates, chooseFile } from './choose-file.js';
import { alreadyMoved, blocked, cannotCreate, hunkFailed, noFile, notDeleted, otherType } from './failure.js';
import { isApplied } from './is-applied.js';
import type { FilePatch } from './model.js';
import type { PartJob } from './part-job.js';
import { splitLines } from './patch-lines.js';

export interface PartOutcome {
  hunks: number;
  moved: number;
  fuzzed: number;
  /** Changes that are no hunk: a new name, a mode, an empty file. */
  other: number;
  /** Why an optional part was passed over. */
  skipped?: string;
}

/** Applies one file's part of a patch. @throws PATCH_FAILED, STEP_FILE_MISSING */
export async function applyPart(part: FilePatch, job: PartJob): Promise<PartOutcome> {
  const { files } = job;
  if (!part.isGit) files.settle();
  refuseLinkedFolders(part, job);
  const paths = chooseOrSettle(part, job);
  if (paths === undefined) {
    if (job.optional) return passedOver('there is no file for it');
    throw noFile(part, job);
  }
  const obstacle = files.obstacle(paths.output);
  if (obstacle !== undefined) throw blocked(part, paths.output, obstacle, job);
  const before = await files.read(paths.path);
  if (before === undefined && part.new === 'missing') {
    if (job.optional) return passedOver(`${paths.path} is not there`);
    throw noFile(part, job);
  }
  if (part.moves && paths.path === paths.output) {
    if (job.optional) return passedOver(`${paths.output} is there already`);
    throw alreadyMoved(part, paths.output, job);
  }
  const type = typeOf(part, before);
  if (before && type !== before.type) throw otherType(part, paths.path, before.type, job);
  const lines = splitLines(before?.text ?? '');
  if (job.optional && isApplied(part, lines, before !== undefined))
    return passedOver(`${paths.output} is as the patch would make it`);
  if (createsOver(part, before)) throw cannotCreate(part, paths.path, lines, job);
  const result = applyHunks(part.hunks, lines, job.fuzz);
  if ('refused' in result) throw hunkFailed(part, result, paths.path, lines, job);
  const text = result.lines.join('');
  if (part.new === 'missing' && text !== '') throw notDeleted(part, paths.output, result.lines, job);
  const isRemoved = text === '' && (part.new === 'missing' || type === 'link');
  const mode = newMode(part) ?? before?.mode ?? 0o644;
  if (isRemoved) files.remove(paths.output);
  else files.put(paths.output, { type, text, mode }, { waits: part.isGit && part.old !== 'missing' });
  if (part.moves === 'rename' && paths.path !== paths.output) files.remove(paths.path);
  return {
    hunks: part.hunks.length,
    moved: result.moved,
    fuzzed: result.fuzzed,
    other: otherChanges(part, before, mode),
  };
}

function passedOver(skipped: string): PartOutcome {
  return { hunks: 0, moved: 0, fuzzed: 0, other: 0, skipped };
}

/** GNU patch follows links within the tree. Here nothing is written through one, so what is read must not come through one. */
function refuseLinkedFolders(part: FilePatch, job: PartJob): void {
  for (const path of Object.values(candidates(part, job.strip))) {
    const obstacle = job.files.obstacle(path);
    if (obstacle?.type === 'link') throw blocked(part, path, obstacle, job);
  }
}

/** Git's parts wait for each other; one that speaks of what an earlier one made lets all of them be seen. */
function chooseOrSettle(part: FilePatch, { files, strip }: PartJob): ChosenFile | undefined {
  const names = Object.values(candidates(part, strip));
  const choose = () => chooseFile(part, strip, files);
  const chosen = choose();
  if (chosen === undefined ? !names.some((name) => files.isWaiting(name)) : !files.isWaiting(chosen.output))
    return chosen;
  files.settle();
  return choose();
}

const TYPE = 0o170000;
const LINK = 0o120000;

function typeOf(part: FilePatch, before: PatchedFile | undefined): PatchedFile['type'] {
  const mode = part.modes.old ?? part.modes.new;
  if (mode === undefined) return before?.type === 'link' ? 'file' : (before?.type ?? 'file');
  return (mode & TYPE) === LINK ? 'link' : 'file';
}

/** A tree's files have two modes; which one, git's executable bit says. */
function newMode({ modes }: FilePatch): number | undefined {
  if (modes.new === undefined || modes.new === modes.old) return undefined;
  return (modes.new & 0o111) === 0 ? 0o644 : 0o755;
}

/** A part that says that there is no file may not be applied to one with content. */
function createsOver(part: FilePatch, before: PatchedFile | undefined): boolean {
  return part.old === 'missing' && before !== undefined && before.text !== '';
}

function otherChanges(part: FilePatch, before: PatchedFile | undefined, mode: number): number {
  const isNewEmptyFile = before === undefined && part.hunks.length === 0;
  return (
    Number(part.moves !== undefined) + Number(before !== undefined && before.mode !== mode) + Number(isNewEmptyFile)
  );
}
