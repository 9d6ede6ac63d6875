import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sha256 } from '../../../core/digest.js';
import { PrestageError } from '../../../core/errors.js';
import { StagedTree } from '../../tree/staged-tree.js';
import type { StepOutcome } from '../step.js';
import { applyPatchStep } from './index.js';

let folder: string;
let tree: StagedTree;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prestage-patch-'));
  tree = new StagedTree(folder, { concurrency: 4 });
});

afterEach(() => rmSync(folder, { recursive: true }));

interface Options {
  fuzz?: number;
  strip?: number;
  optional?: boolean;
}

async function apply(files: Record<string, string>, patches: string[], options: Options = {}): Promise<StepOutcome> {
  for (const [path, content] of Object.entries(files)) await tree.write(path, Buffer.from(content));
  const inputs = new Map(patches.map((patch) => [sha256(patch), Buffer.from(patch)]));
  const names = patches.map((patch, index) => ({ name: `${index + 1}0-fix.patch`, sha256: sha256(patch) }));
  const readInput = async (digest: string) => inputs.get(digest) ?? Buffer.alloc(0);
  const context = { tree, readInput, folderInput: async () => '', signal: new AbortController().signal };
  const step = { kind: 'patch', patches: names, strip: 1, fuzz: 0, optional: false, ...options } as const;
  const outcome = await applyPatchStep({ ...step, patches: names }, context);
  await tree.settled();
  return outcome;
}

async function refusal(files: Record<string, string>, patch: string, options?: Options): Promise<PrestageError> {
  const error = await apply(files, [patch], options).catch((error: unknown) => error);
  if (error instanceof PrestageError) return error;
  throw error instanceof Error ? error : new Error('nothing was refused');
}

const SCRIPT = '#!/bin/sh\nset -e\nHOME=/opt/app\nJAVA=java8\nexec $JAVA -jar app.jar\n';
const FIX = `fix the launcher

--- a/bin/run.sh
+++ b/bin/run.sh
@@ -2,4 +2,4 @@
 set -e
 HOME=/opt/app
-JAVA=java8
+JAVA=java17
 exec $JAVA -jar app.jar
`;

describe('a patch that fails', () => {
  test('shows the hunk, the nearest place and what differs there', async () => {
    const error = await refusal(
      { 'bin/run.sh': SCRIPT.replace('java8', 'java11').replace('/opt/app', '/opt/app ') },
      FIX,
    );
    expect(error.code).toBe('PATCH_FAILED');
    expect(error.message).toBe(`10-fix.patch:5: hunk 1 of 1 for bin/run.sh does not apply.
    @@ -2,4 +2,4 @@
     set -e
     HOME=/opt/app
    -JAVA=java8
    +JAVA=java17
     exec $JAVA -jar app.jar
  Nearest place: bin/run.sh, line 2, where 2 of 4 lines match.
    line 3: expected "HOME=/opt/app"
            found    "HOME=/opt/app "
    line 4: expected "JAVA=java8"
            found    "JAVA=java11"`);
    expect(error.context).toMatchObject({ file: '10-fix.patch', line: 5, path: 'bin/run.sh', hunk: 1, nearestLine: 2 });
  });

  test('says what fuzz it would need', async () => {
    const error = await refusal({ 'bin/run.sh': SCRIPT.replace('-e', '-eu') }, FIX, { fuzz: 0 });
    expect(error.message).toContain('needs fuzz 1 to apply (at line 2), and 0 is allowed');
    expect(error.hint).toContain('fuzz: 1');
    expect(error.context.fuzz).toBe(1);
  });

  test('says that it is applied already', async () => {
    const error = await refusal({ 'bin/run.sh': `# a line more\n${SCRIPT.replace('java8', 'java17')}` }, FIX);
    expect(error).toMatchObject({ code: 'PATCH_FAILED', message: expect.stringContaining('is applied already') });
    expect(error.hint).toContain('optional: true');
  });

  test('says that the file it creates is there already', async () => {
    const patch = '--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n';
    expect((await refusal({ x: 'a\n' }, patch)).message).toContain('exists already with that very content');
    expect((await refusal({ x: 'b\n' }, patch)).message).toMatch(/exists already\.$/);
  });

  test.each([
    [
      'the file alone has CRLF',
      SCRIPT.replaceAll('\n', '\r\n'),
      FIX,
      'bin/run.sh has CRLF line endings, and the patch expects LF',
    ],
    [
      'the patch alone has CRLF',
      SCRIPT,
      FIX.replace(/^([ +-](?!-|\+).*)$/gm, '$1\r'),
      'bin/run.sh has LF line endings, and the patch expects CRLF',
    ],
    [
      'all of the patch has CRLF',
      SCRIPT.replaceAll('\n', '\r\n'),
      FIX.replaceAll('\n', '\r\n'),
      'save the patch so that those lines end in LF',
    ],
  ])('names the line endings where %s', async (_, script, patch, hint) => {
    const error = await refusal({ 'bin/run.sh': script }, patch);
    expect(error.code).toBe('PATCH_FAILED');
    expect(error.hint).toContain(hint);
  });

  test('names the nearest files, and what strip drops, where there is no such file', async () => {
    const error = await refusal({ 'app-1.0/bin/run.sh': SCRIPT }, FIX);
    expect(error.code).toBe('STEP_FILE_MISSING');
    expect(error.message).toBe('10-fix.patch:3: the patch changes "bin/run.sh", which the package does not have.');
    expect(error.hint).toContain('app-1.0/bin/run.sh');
    expect(error.hint).toContain('strip: 1');
  });

  test('says that strip is too large, or that a name leads out', async () => {
    expect((await refusal({ 'bin/run.sh': SCRIPT }, FIX, { strip: 3 })).message).toContain('strip: 3');
    expect(await refusal({}, FIX.replaceAll('bin/', '../../'))).toMatchObject({ code: 'PATCH_INVALID' });
  });

  test.each([
    ['cut off', FIX.split('\n').slice(0, 7).join('\n').replace(' HOME', '-HOME'), 7],
    ['with a line that is none', FIX.replace('-JAVA', 'JAVA'), 8],
    ['with a wrong heading', FIX.replace('@@ -2,4', '@@ -2,x'), 5],
    ['with an empty line between hunks', `${FIX}\n@@ -9 +9 @@\n-a\n+b\n`, 12],
    ['of the binary kind', 'diff --git a/x b/x\nindex 1..2 100644\nGIT binary patch\nliteral 0\n', 3],
    ['of the context kind', '*** a/x\n--- b/x\n***************\n*** 1 ****\n! a\n--- 1 ----\n! b\n', 3],
    ['without any diff', 'hello\n', 1],
    ['of nothing', '', 1],
  ])('names the line of a patch %s', async (_, patch, line) => {
    const error = await refusal({ 'bin/run.sh': SCRIPT }, patch);
    expect(error).toMatchObject({ code: 'PATCH_INVALID', context: { file: '10-fix.patch', line } });
    expect(await tree.read('bin/run.sh')).toEqual(Buffer.from(SCRIPT));
  });

  test('refuses to change a file through a link', async () => {
    await tree.makeLink('bin/run.sh', 'start.sh');
    expect(await refusal({ 'bin/start.sh': SCRIPT }, FIX)).toMatchObject({
      code: 'PATCH_FAILED',
      message: expect.stringContaining('is a link'),
    });
  });
});

describe('a patch step', () => {
  test('says what it did, and where hunks were not where they were expected', async () => {
    const outcome = await apply({ 'bin/run.sh': `# more\n${SCRIPT.replace('-e', '-eu')}` }, [FIX], { fuzz: 1 });
    expect(outcome).toMatchObject({ files: 1, changes: 1, summary: '1 hunk in 1 file (1 at an offset, 1 with fuzz)' });
  });

  test('applies several patches, one on top of the other', async () => {
    const second = FIX.replace('-JAVA=java8', '-JAVA=java17').replace('+JAVA=java17', '+JAVA=java21');
    expect(await apply({ 'bin/run.sh': SCRIPT }, [FIX, second])).toMatchObject({ files: 1, changes: 2 });
    expect((await tree.read('bin/run.sh')).toString()).toBe(SCRIPT.replace('java8', 'java21'));
  });

  test('writes nothing where a later patch fails', async () => {
    await expect(apply({ 'bin/run.sh': SCRIPT }, [FIX, FIX])).rejects.toThrow('is applied already');
    expect((await tree.read('bin/run.sh')).toString()).toBe(SCRIPT);
  });

  test('passes over what is applied already where it is optional', async () => {
    const create = '--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n';
    const applied = { 'bin/run.sh': SCRIPT.replace('java8', 'java17'), x: 'a\n' };
    expect(await apply(applied, [FIX + create], { optional: true })).toMatchObject({ files: 0, changes: 0 });
    await expect(apply({ 'bin/run.sh': 'other\n' }, [FIX], { optional: true })).rejects.toThrow('does not apply');
  });

  test('makes and changes symbolic links as git writes them', async () => {
    const link =
      'diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n';
    const change =
      'diff --git a/l b/l\nindex 1..2 120000\n--- a/l\n+++ b/l\n@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+y\n\\ No newline at end of file\n';
    await apply({ x: '' }, [link, change]);
    expect(tree.entries.get('l')).toEqual({ type: 'link', target: 'y' });
  });

  test('refuses a patch that is not what was pinned', async () => {
    const context = {
      tree,
      readInput: async () => Buffer.from('other'),
      folderInput: async () => '',
      signal: new AbortController().signal,
    };
    const step = {
      kind: 'patch',
      patches: [{ name: 'p', sha256: sha256(FIX) }],
      strip: 1,
      fuzz: 0,
      optional: false,
    } as const;
    await expect(applyPatchStep({ ...step, patches: [...step.patches] }, context)).rejects.toMatchObject({
      code: 'SOURCE_CHANGED',
    });
  });
});
