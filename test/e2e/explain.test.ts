import { execFileSync } from 'node:child_process';
import { relative } from 'node:path';
import { expect, test } from 'vitest';
import { diffOutput } from '../../src/cli/output/diff-lines.js';
import { explainOutput } from '../../src/cli/output/explain-lines.js';
import { styleFor } from '../../src/cli/output/text/appearance.js';
import { diff, explain } from '../../src/index.js';
import { type Sample, sampleProject } from '../sample-project.js';

const FILES = 600;
const name = (index: number) => `n/${String(index).padStart(3, '0')}.txt`;
const style = styleFor({ isTTY: false } as never, { color: false } as never, {});

/** Two releases of one package in which steps change 600 files, remove one and bring one. */
async function manyFiles(): Promise<{ sample: Sample; first: string; second: string }> {
  const sample = await sampleProject();
  await sample.archive('many', {
    ...Object.fromEntries(Array.from({ length: FILES }, (_, index) => [name(index), 'a\n'])),
    'bin/run.sh': '#!/bin/sh\n',
    'docs/old.txt': 'old\n',
  });
  await sample.write('overlay/conf/own.txt', 'own\n');
  const deploy = async (to: string, mode: string) => {
    sample.config.packages = {
      many: {
        source: 'files/many.tar.gz',
        extract: { strip: 1 },
        destination: 'opt/many',
        steps: [
          { replace: { files: 'n/*.txt', from: 'a', to } },
          { remove: 'docs/**' },
          { copy: { from: 'overlay', to: 'etc/' } },
          { chmod: { files: 'bin/run.sh', mode } },
        ],
      },
      flat: { source: 'files/flat.tar' },
    };
    sample.config.services = {};
    await sample.save();
    const run = await sample.run('deploy --prepare-files-only --json');
    expect(run.status, run.stdout).toBe(0);
    return run.result.release;
  };
  await sample.write('flat/bin/run.sh', '#!/bin/sh\n');
  execFileSync('tar', ['-cf', 'files/flat.tar', '-C', 'flat', 'bin/run.sh'], { cwd: sample.folder });
  return { sample, first: await deploy('b', '755'), second: await deploy('c', '600') };
}

const quiet = { emit: () => {}, signal: new AbortController().signal };

test('a file is explained by whatever path names it, with the archive entry and the steps that it came by', async () => {
  const { sample, first, second } = await manyFiles();
  const asked = (path: string, release?: string) =>
    explain({ ...quiet, config: sample.folder, path, ...(release === undefined ? {} : { release }) });
  const text = async (path: string) => explainOutput(await asked(path), { style, verbose: true }).join('\n');

  // Of the 600 that the first step changed, 500 are named.
  const named = await asked(`opt/many/${name(1)}`);
  expect(named).toMatchObject({ release: second, unnamedSteps: [], steps: [{ step: 1, kind: 'replace' }] });
  expect(named.archive).toEqual({ name: 'many.tar.gz', entry: '*/n/001.txt' });
  const unnamed = await asked(`opt/many/${name(FILES - 1)}`);
  expect(unnamed).toMatchObject({ steps: [], unnamedSteps: [{ step: 1, kind: 'replace', more: 100 }] });
  expect(unnamed.archive).toBeUndefined();
  expect(await text(`opt/many/${name(FILES - 1)}`)).toMatch(
    /none is known to have touched it\n +perhaps +step 1, replace: it changed 100 files more than are named/,
  );

  // What a step brought, and what one took away.
  expect(await asked('opt/many/etc/conf/own.txt')).toMatchObject({
    archive: { name: 'overlay', entry: 'conf/own.txt' },
    steps: [{ step: 3, kind: 'copy', change: 'added' }],
  });
  const removed = await asked('opt/many/docs/old.txt');
  expect(removed).toMatchObject({
    entry: { type: 'removed' },
    steps: [{ step: 2, kind: 'remove', change: 'removed' }],
  });
  expect(await text('opt/many/docs/old.txt')).toContain('not in the release: a step removed it');

  // However it is called.
  const { tree } = await asked('opt/many');
  const root = relative(process.cwd(), sample.root);
  for (const [path, expected] of [
    ['etc/conf/own.txt', 'opt/many/etc/conf/own.txt'],
    [`${root}/current/../releases/${second}/opt/many/etc/conf/own.txt`, 'opt/many/etc/conf/own.txt'],
    [`${root}/trees/${tree}/bin/run.sh`, 'opt/many/bin/run.sh'],
    [`trees/${tree}`, 'opt/many'],
    ['opt/many/', 'opt/many'],
    ['flat/bin/run.sh', 'flat/bin/run.sh'],
  ])
    expect(await asked(path ?? ''), path).toMatchObject({ path: expected, release: second });
  expect((await asked('flat/bin/run.sh')).archive).toEqual({ name: 'flat.tar', entry: 'bin/run.sh' });
  const earlier = await asked('opt/many', first);
  expect((await asked(`trees/${earlier.tree}/bin/run.sh`)).release).toBe(first);
  expect((await asked(`releases/${first}/opt/many/bin/run.sh`)).entry).toMatchObject({ mode: '755' });
  await expect(asked('bin/run.sh')).rejects.toMatchObject({
    code: 'PATH_UNKNOWN',
    hint: 'Name one: flat/bin/run.sh, opt/many/bin/run.sh.',
  });
  await expect(asked('bin/rum.sh')).rejects.toMatchObject({ code: 'PATH_UNKNOWN' });

  // Modes, and lines of no more than 200 files.
  const result = await diff({ ...quiet, config: sample.folder, from: first, to: second });
  expect(result.packages[0]).toMatchObject({
    files: { modes: [{ path: 'bin/run.sh', before: '755', after: '600', only: true }] },
    diffsLeftOut: 400,
  });
  expect(result.packages[0]?.diffs).toHaveLength(200);
  const lines = diffOutput(result, { style, verbose: false });
  expect(lines).toContain('~ bin/run.sh  mode 755 -> 600');
  expect(lines).toContain('many: the lines of 400 more files are not shown.');
});
