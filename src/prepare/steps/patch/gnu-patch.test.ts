import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lacks } from '../../../../test/requirements.js';
import { sha256 } from '../../../core/digest.js';
import { type ErrorCode, PrestageError } from '../../../core/errors.js';
import { StagedTree } from '../../tree/staged-tree.js';
import { applyPart } from './apply-part.js';
import { ChangedFiles } from './changed-files.js';
import { applyPatchStep } from './index.js';
import { parsePatch } from './parse.js';

/**
 * The same patches, applied by GNU patch and by this: the same files accepted and refused, with the same bytes. Files are
 * of few different lines, so that hunks fit in many places and the order of the search matters; what they are applied to
 * was edited since, so that offsets and fuzz are needed.
 */
describe.skipIf(lacks('patch'))('as GNU patch does (needs the patch command)', () => {
  for (const context of [0, 1, 2, 3]) {
    for (const fuzz of [0, 1, 2, 3]) {
      test(`applies or refuses hunks with ${context} lines of context within fuzz ${fuzz}`, async () => {
        const tool = (context + fuzz) % 2 === 0 ? 'diff' : 'git';
        const { gnu, ours } = await compare({ seed: 1000 * context + fuzz, files: 40, context, fuzz, tool });
        expect(ours).toEqual(gnu);
        expect(new Set(gnu.values()).size).toBeGreaterThan(2); // not all refused, not all the same
      });
    }
  }
});

describe.skipIf(lacks('patch'))(
  'git diffs of whole folders, as GNU patch applies them (needs the patch command)',
  () => {
    test.each([2, 3, 4, 5])('renames, copies, creates, deletes and changes modes (seed %i)', async (seed) => {
      const folder = mkdtempSync(join(tmpdir(), 'prestage-patch-'));
      try {
        const random = mulberry32(seed);
        for (const name of ['a', 'b', 'c']) mkdirSync(join(folder, name));
        for (let number = 0; number < 30; number += 1) reorganise(folder, number, random);
        const options = [
          'diff',
          '--no-index',
          '--no-prefix',
          '--no-color',
          '-M30',
          '-C30',
          '--find-copies-harder',
          'a',
          'b',
        ];
        const patch = spawnSync('git', options, { cwd: folder }).stdout;
        for (const what of ['rename from', 'copy from', 'deleted file', 'new mode'])
          expect(patch.toString('latin1')).toContain(what);
        const before = withModes(join(folder, 'c'));
        const { status } = spawnSync('patch', ['-p1', '--force', '-s'], { cwd: join(folder, 'c'), input: patch });
        expect(status).toBe(0);
        expect(await applyWhole(patch, before)).toEqual(withModes(join(folder, 'c')));
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  },
);

/** A file of `a` (and `c`), and what became of it in `b`. */
function reorganise(folder: string, number: number, random: () => number): void {
  const name = `f${number}`;
  const lines = Array.from({ length: 12 }, () => `${name} ${WORDS[int(random, WORDS.length)] ?? ''}`);
  const put = (side: string, as: string, content: string[], mode = 0o644) =>
    writeFileSync(join(folder, side, as), Buffer.from(`${content.join('\n')}\n`, 'latin1'), { mode });
  const fate = int(random, 7);
  const mode = random() < 0.3 ? 0o755 : 0o644;
  if (fate !== 0) for (const side of ['a', 'c']) put(side, name, lines, mode);
  if (fate === 1) return; // deleted
  const changed = random() < 0.5 ? edited(lines, random, 1) : lines;
  if (fate === 2) put('b', `renamed${number}`, changed, mode);
  else put('b', name, changed, fate === 3 ? mode ^ 0o111 : mode);
  if (fate === 4) put('b', `copied${number}`, edited(lines, random, 1), mode);
}

type FilesWithModes = Map<string, { mode: number; content: string }>;

function withModes(folder: string): FilesWithModes {
  const files = [...contentsOf(folder)];
  return new Map(files.map(([name, content]) => [name, { mode: statSync(join(folder, name)).mode & 0o777, content }]));
}

async function applyWhole(patch: Buffer, before: FilesWithModes): Promise<FilesWithModes> {
  const folder = mkdtempSync(join(tmpdir(), 'prestage-tree-'));
  try {
    const tree = new StagedTree(folder, { concurrency: 8 });
    for (const [name, { mode, content }] of before) await tree.write(name, Buffer.from(content, 'latin1'), mode);
    const step = {
      kind: 'patch',
      patches: [{ name: 'p', sha256: sha256(patch) }],
      strip: 1,
      fuzz: 0,
      optional: false,
    } as const;
    const context = {
      tree,
      readInput: async () => patch,
      folderInput: async () => '',
      signal: new AbortController().signal,
    };
    await applyPatchStep({ ...step, patches: [...step.patches] }, context);
    await tree.settled();
    return withModes(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Round {
  seed: number;
  files: number;
  context: number;
  fuzz: number;
  tool: 'diff' | 'git';
}

const REFUSALS: ErrorCode[] = ['PATCH_FAILED', 'STEP_FILE_MISSING'];

/** For each file, its bytes after the patch as text, or that its part was refused. */
type Verdicts = Map<string, string>;

async function compare({ seed, files, context, fuzz, tool }: Round): Promise<{ gnu: Verdicts; ours: Verdicts }> {
  const folder = mkdtempSync(join(tmpdir(), 'prestage-patch-'));
  try {
    const random = mulberry32(seed);
    for (const name of ['a', 'b', 'c']) mkdirSync(join(folder, name));
    for (let number = 0; number < files; number += 1) {
      const name = `f${number}`;
      const base = randomLines(random);
      write(folder, 'a', name, base, random);
      write(folder, 'b', name, edited(base, random, 1 + int(random, 4)), random);
      write(folder, 'c', name, edited(base, random, int(random, 4)), random);
    }
    const patch = diff(folder, context, tool);
    writeFileSync(join(folder, 'patch'), patch);
    const before = contentsOf(join(folder, 'c'));
    const gnu = runGnuPatch(folder, fuzz);
    return { gnu, ours: await applyOurs(patch, before, fuzz) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function diff(folder: string, context: number, tool: Round['tool']): Buffer {
  const [command, ...args] =
    tool === 'diff'
      ? ['diff', '-r', '-N', `-U${context}`, 'a', 'b']
      : ['git', 'diff', '--no-index', '--no-color', '--no-renames', '--no-prefix', `-U${context}`, 'a', 'b'];
  return spawnSync(command ?? '', args, { cwd: folder, maxBuffer: 1 << 28 }).stdout;
}

function runGnuPatch(folder: string, fuzz: number): Verdicts {
  const target = join(folder, 'c');
  const options = [`--fuzz=${fuzz}`, '-p1', '--force', '--no-backup-if-mismatch', '-i', '../patch'];
  const { stdout, stderr } = spawnSync('patch', options, {
    cwd: target,
    encoding: 'latin1',
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
  });
  if (stderr) throw new Error(stderr);
  const verdicts: Verdicts = new Map();
  const after = contentsOf(target);
  // Where there is no file, GNU patch shows the part's header instead of its name.
  for (const part of stdout.split(/^(?=patching file |can't find file )/m)) {
    const name = /^patching file (\S+)|^\|\+\+\+ b\/(\S+)/m.exec(part)?.slice(1).find(Boolean);
    if (name === undefined) continue;
    const refused = /FAILED|Not deleting|refusing|Skipping|can't find/.test(part);
    verdicts.set(name, refused ? 'refused' : (after.get(name) ?? 'removed'));
  }
  return verdicts;
}

async function applyOurs(patch: Buffer, before: Map<string, string>, fuzz: number): Promise<Verdicts> {
  const folder = mkdtempSync(join(tmpdir(), 'prestage-tree-'));
  try {
    const tree = new StagedTree(folder, { concurrency: 8 });
    for (const [name, content] of before) await tree.write(name, Buffer.from(content, 'latin1'));
    const verdicts: Verdicts = new Map();
    for (const part of parsePatch(patch, 'test.patch', 1)) {
      const files = new ChangedFiles(tree);
      const name = (part.names.old ?? part.names.new ?? '').slice(2);
      try {
        await applyPart(part, { patch: 'test.patch', strip: 1, fuzz, optional: false, files, tree });
        files.settle();
        verdicts.set(name, (await files.read(name))?.text ?? 'removed');
      } catch (error) {
        const isRefusal = error instanceof PrestageError && REFUSALS.includes(error.code);
        if (!isRefusal) throw error;
        verdicts.set(name, 'refused');
      }
    }
    await tree.settled();
    return verdicts;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function contentsOf(folder: string): Map<string, string> {
  return new Map(
    readdirSync(folder)
      .filter((name) => !name.endsWith('.rej'))
      .map((name) => [name, readFileSync(join(folder, name), 'latin1')]),
  );
}

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function int(random: () => number, below: number): number {
  return Math.floor(random() * below);
}

const WORDS = [
  'a',
  'b',
  'c',
  '',
  'd',
  '\te',
  ' f',
  'g ',
  '-- x',
  '++ y',
  '@@ -1 +1 @@',
  'caf\u00e9',
  '\u00c3\u00a9',
  'h\r',
];

function randomLines(random: () => number): string[] {
  const variety = 2 + int(random, WORDS.length - 2);
  return Array.from({ length: int(random, 25) }, () => WORDS[int(random, variety)] ?? '');
}

function edited(lines: readonly string[], random: () => number, edits: number): string[] {
  const result = [...lines];
  for (let edit = 0; edit < edits; edit += 1) {
    const at = int(random, result.length + 1);
    const added = Array.from({ length: int(random, 3) }, () => WORDS[int(random, WORDS.length)] ?? '');
    result.splice(at, int(random, 3), ...added);
  }
  return result;
}

/** Some files do not end in a line feed; some are not there. */
function write(folder: string, side: string, name: string, lines: readonly string[], random: () => number): void {
  const kind = random();
  if (kind < 0.05) return;
  const end = kind < 0.2 || lines.length === 0 ? '' : '\n';
  writeFileSync(join(folder, side, name), Buffer.from(lines.join('\n') + end, 'latin1'));
}
