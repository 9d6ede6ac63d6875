import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../src/core/digest.js';
import { PrestageError } from '../../src/core/errors.js';
import { applyPatchStep } from '../../src/prepare/steps/patch/index.js';
import { StagedTree } from '../../src/prepare/tree/staged-tree.js';
import type { PatchCase } from './random-patches.js';
import { type Files, latin1, readFiles, writeFiles } from './random-trees.js';

export type Verdict = { files: Files } | { refused: string };

/** GNU patch, told to ask nothing and to leave nothing beside the files. */
export function applyByGnu({ patch, strip, fuzz, files }: PatchCase, scratch: string): Verdict {
  const folder = fresh(scratch, 'gnu');
  writeFiles(folder, files);
  const options = [`-p${strip}`, `--fuzz=${fuzz}`, '--force', '--no-backup-if-mismatch', '--reject-file=-'];
  const env = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };
  const { status, stdout, stderr } = spawnSync('patch', options, {
    cwd: folder,
    input: patch,
    env,
    encoding: 'latin1',
    timeout: 20_000,
  });
  return status === 0 ? { files: readFiles(folder) } : { refused: stdout + stderr };
}

/** A `patch` step on the same tree. What it refuses, it must leave as it was. */
export async function applyByStep({ patch, strip, fuzz, files }: PatchCase, scratch: string): Promise<Verdict> {
  const folder = fresh(scratch, 'ours');
  const tree = new StagedTree(folder, { concurrency: 4 });
  for (const [path, entry] of files) {
    if (entry.type === 'dir') await tree.makeFolder(latin1(path));
    else if (entry.type === 'link') await tree.makeLink(latin1(path), entry.target);
    else await tree.write(latin1(path), Buffer.from(entry.content, 'latin1'), entry.mode);
  }
  const step = {
    kind: 'patch',
    patches: [{ name: 'a.patch', sha256: sha256(patch) }],
    strip,
    fuzz,
    optional: false,
  } as const;
  try {
    await applyPatchStep(
      { ...step, patches: [...step.patches] },
      { tree, readInput: async () => patch, folderInput: async () => '', signal: new AbortController().signal },
    );
    await tree.settled();
    return { files: readFiles(folder) };
  } catch (error) {
    if (!(error instanceof PrestageError)) throw error;
    return { refused: `${error.code}: ${error.message}` };
  } finally {
    await tree.settled().catch(() => {});
  }
}

function fresh(scratch: string, name: string): string {
  const folder = join(scratch, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}
