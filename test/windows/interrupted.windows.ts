import { rmSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folderWith } from '../folder-with.js';
import { prestage, type Run } from '../prestage.js';
import { tarGz, zip } from '../small-archives.js';
import { leftovers } from '../small-stores.js';
import { until } from '../until.js';
import { nodes, prestageOn, startNode, startPrestage, withoutWine } from './wine.js';

const DEPLOY = 'deploy --prepare-files-only --yes --json';

/** Enough files that a preparation under Wine takes some seconds. */
async function largerProject(): Promise<{ folder: string; linux: unknown }> {
  const files = Object.fromEntries(
    Array.from({ length: 150 }, (_, n) => [`folder${n % 10}/file${n}.txt`, `file ${n}\n`.repeat(50)]),
  );
  const step = "steps: [{ replace: { files: '**/file1?.txt', from: file, to: FILE } }]";
  const folder = await folderWith({
    'one.tar.gz': tarGz(files),
    'two.zip': zip(files),
    'prestage.config.yaml': `name: portal\npackages:\n  one: { source: one.tar.gz, ${step} }\n  two: { source: two.zip, ${step} }\n`,
  });
  const linux = prepared(await prestage(DEPLOY, { cwd: folder }));
  rmSync(join(folder, '.prestage'), { recursive: true });
  return { folder, linux };
}

function prepared({ result, stdout, stderr }: Run) {
  expect(result.ok, stdout + stderr).toBe(true);
  return {
    release: result.release,
    packages: result.packages.map((item) => [item.id, 'digest' in item && item.digest]),
  };
}

/** The id that Windows gave the worker, once its package is under way. */
async function worker(folder: string): Promise<number> {
  const runs = join(folder, '.prestage/local/runs');
  return until('a worker at work', async () => {
    for (const run of await readdir(runs).catch(() => [])) {
      const events = await readFile(join(runs, run, 'events.ndjson'), 'utf8').catch(() => '');
      if (!events.includes('package.started')) continue;
      return (JSON.parse(await readFile(join(runs, run, 'agent.json'), 'utf8')) as { pid: number }).pid;
    }
    return undefined;
  });
}

/** What Windows' Node runs to kill the worker once its package is under way. */
const KILLER = `
  const { existsSync, readdirSync, readFileSync } = require('node:fs');
  const runs = '.prestage/local/runs';
  setInterval(() => {
    for (const run of existsSync(runs) ? readdirSync(runs) : []) {
      const events = runs + '/' + run + '/events.ndjson';
      if (!existsSync(events) || !readFileSync(events, 'utf8').includes('package.started')) continue;
      process.kill(JSON.parse(readFileSync(runs + '/' + run + '/agent.json', 'utf8')).pid, 'SIGKILL');
      process.exit();
    }
  }, 5);
`;

async function nothingIsLeft(folder: string): Promise<void> {
  const root = join(folder, '.prestage/local');
  expect(await leftovers(root)).toEqual([]);
  expect((await readdir(root)).filter((name) => name.endsWith('lock'))).toEqual([]);
}

describe.skipIf(withoutWine).each(nodes)('what is interrupted on Windows, by %s', (node) => {
  test('a command that is killed leaves a worker that goes on; the same command follows it to the end', async () => {
    const { folder, linux } = await largerProject();
    const first = startPrestage(node, DEPLOY, { cwd: folder });
    await worker(folder);
    first.child.kill('SIGKILL');
    expect((await first.ended).signal).toBe('SIGKILL');
    const again = await prestageOn(node, DEPLOY, { cwd: folder });
    expect(prepared(again)).toEqual(linux);
    expect(again.events.some(({ type }) => type === 'worker.attached') || again.result.phase1 === 'ready').toBe(true);
    await nothingIsLeft(folder);
  });

  test('a worker that is killed ends its command with WORKER_DIED; the same command finishes the work', async () => {
    const { folder, linux } = await largerProject();
    // It waits for the worker: Node takes longer to start under Wine than the worker may have left.
    const killer = startNode(node, ['-e', KILLER], { cwd: folder });
    const first = startPrestage(node, DEPLOY, { cwd: folder });
    const { status, stderr } = await killer.ended;
    expect(status, stderr).toBe(0);
    expect((await first.ended).result.error).toMatchObject({ code: 'WORKER_DIED' });
    expect(prepared(await prestageOn(node, DEPLOY, { cwd: folder }))).toEqual(linux);
    await nothingIsLeft(folder);
  });

  test('two at once prepare one release; verify, releases and prune see it', async () => {
    const { folder, linux } = await largerProject();
    const runs = await Promise.all([1, 2].map(() => prestageOn(node, `${DEPLOY} --wait`, { cwd: folder })));
    for (const run of runs) expect(prepared(run)).toEqual(linux);
    await nothingIsLeft(folder);

    const on = (line: string) => prestageOn(node, `${line} --json`, { cwd: folder });
    const { release } = linux as { release: string };
    expect((await on('releases')).result).toMatchObject({ ok: true, releases: [{ release }] });
    // Wine 8 makes no links: those of the release are all that verify misses.
    const verified = await on('verify --deep');
    expect(verified.result.checked).toBeGreaterThan(300);
    expect(verified.result.differences.map(({ path, kind }) => `${kind} ${path}`).sort()).toEqual([
      `missing releases/${release}/one`,
      `missing releases/${release}/two`,
    ]);
    expect((await on('prune --keep 0 --yes')).result.ok).toBe(true);
    expect(await readdir(join(folder, '.prestage/local/trees'))).toEqual([]);
    expect(await readdir(join(folder, '.prestage/local/releases'))).toEqual([]);
  });
});
