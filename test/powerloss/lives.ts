import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build, type Plugin } from 'esbuild';
import { SharedLimit } from '../../src/core/bounded.js';
import { sha256 } from '../../src/core/digest.js';
import { currentRelease, releaseIds } from '../../src/store/releases.js';
import type { Difference } from '../../src/store/report.js';
import { collectLeftovers } from '../../src/store/staging.js';
import { verifyStore } from '../../src/store/verify.js';
import { verifyTree } from '../../src/store/verify-tree.js';
import { seeded } from '../random.js';
import { type DiskLog, type FileSystem, loggedDisk } from './logged-disk.js';
import { type Publication, publications, type State } from './publications.js';

/**
 * The life of a store on a disk, command by command, and what is left of it when the power fails.
 */
export interface Life {
  log: DiskLog;
  publications: readonly Publication[];
  /** The moment at which each of them had said that it was done. */
  done: readonly number[];
  /** The moments at which the disk took something, while they were at work. */
  moments: readonly number[];
  remove(): Promise<void>;
}

/** Lives it once. `perform` does a publication, by processes that are gone when it resolves: theirs are the locks. */
export async function liveOn(
  kind: FileSystem,
  all: readonly Publication[],
  perform: (root: string, index: number) => Promise<unknown>,
): Promise<Life> {
  const disk = await loggedDisk(kind);
  const begun = disk.moment();
  const done: number[] = [];
  let log: DiskLog;
  try {
    for (const index of all.keys()) {
      await perform(join(disk.folder, 'root'), index);
      done.push(disk.moment());
    }
  } finally {
    log = await disk.stop();
  }
  const end = done.at(-1) ?? 0;
  const moments = log.moments.filter((moment) => moment > begun && moment <= end);
  return { log, publications: all, done, moments, remove: () => log.remove() };
}

/** What the engine is built without, to see that a test can tell. */
export type Without = 'nothing' | 'the flush of contents' | 'the flush of folders';

export interface EngineOptions {
  without?: Without;
  /** There is no `sync` command: every file is flushed by itself. */
  noSync?: boolean;
  /** The first publication is begun once before, and killed when all its trees have their names, before those are flushed. */
  killed?: boolean;
}

/** A life by the engine itself, in a process for each publication; what it is to do is in `publications.ts`. */
export async function lifeOfEngine(kind: FileSystem, options: EngineOptions = {}): Promise<Life> {
  const folder = await mkdtemp(join(tmpdir(), 'prestage-life-'));
  const program = join(folder, 'publish.mjs');
  await buildPublisher(program, options.without ?? 'nothing');
  const all = await publications(join(folder, 'inputs'));
  const env = { ...process.env, ...(options.noSync ? { PATH: '' } : {}) };
  const publish = (root: string, index: number, ...more: string[]) =>
    promisify(execFile)(process.execPath, [program, root, join(folder, 'inputs'), String(index), ...more], { env });
  const life = await liveOn(kind, all, async (root, index) => {
    if (options.killed && index === 0) await publish(root, 0, 'killed').catch(demandKilled);
    await publish(root, index);
  });
  const remove = async () => {
    await life.remove();
    await rm(folder, { recursive: true, force: true });
  };
  return { ...life, remove };
}

function demandKilled(error: { signal?: string }): void {
  if (error.signal !== 'SIGKILL') throw error;
}

const PUBLISHER = `
  import { publications } from './publications.js';
  import { calls } from '../../src/store/system-calls.js';
  const [, , root, inputs, index, killed] = process.argv;
  const all = await publications(inputs);
  const { openToSync } = calls;
  let waiting = 0;
  if (killed) calls.openToSync = (path) => {
    if (path !== root + '/trees') return openToSync(path);
    waiting += 1;
    if (waiting === all[Number(index)].trees) process.kill(process.pid, 'SIGKILL');
    return new Promise(() => {});
  };
  await all[Number(index)].run(root);
  process.exit(0);
`;

async function buildPublisher(outfile: string, without: Without): Promise<void> {
  await build({
    stdin: { contents: PUBLISHER, resolveDir: import.meta.dirname, loader: 'js' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
    mainFields: ['module', 'main'],
    logLevel: 'error',
    plugins: [leavingOut(without)],
    banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
  });
}

function leavingOut(without: Without): Plugin {
  return {
    name: 'leaving-out',
    setup({ onLoad }) {
      if (without === 'the flush of contents')
        onLoad({ filter: /store\/flusher\.ts$/ }, () => ({
          contents: 'export const createFlusher = () => ({ flush: async () => {}, flushAhead: () => () => {} });',
        }));
      if (without === 'the flush of folders')
        onLoad({ filter: /store\/publish-file\.ts$/ }, async ({ path }) => ({
          contents: (await readFile(path, 'utf8')).replace(/(function flushFolder\(.*\{)/, '$1 return;'),
          loader: 'ts',
        }));
    },
  };
}

/**
 * Lets the power fail at `images` random moments, in turn on a disk that writes in order and on one that does not, and
 * once at the end of each publication, on a disk that loses all that it was not told to flush.
 * @returns what was wrong the first time that something was
 */
export async function wrongAfterPowerFailures(life: Life, images: number, seed: number): Promise<string[]> {
  const random = seeded(seed);
  const anyMoment = () => life.moments[Math.floor(random() * life.moments.length)] ?? 0;
  const failures = [
    ...life.done.map((moment) => ({ moment, kept: 0 })),
    ...Array.from({ length: images }, (_, index) => ({ moment: anyMoment(), kept: index % 2 === 0 ? 1 : random() })),
  ];
  for (const { moment, kept } of failures) {
    const wrong = await wrongAfter(life, moment, kept, random);
    if (wrong.length > 0) return wrong.map((what) => `at ${moment}, ${Math.round(kept * 100)} % kept: ${what}`);
  }
  return [];
}

/** Published things that are not whole, promises that were broken, and the interrupted command run again. */
async function wrongAfter(
  { log, publications, done }: Life,
  moment: number,
  kept: number,
  random: () => number,
): Promise<string[]> {
  const finished = done.filter((end) => end <= moment).length;
  const before: State = publications[finished - 1]?.after() ?? { releases: [], current: undefined };
  const interrupted = publications[finished];
  const after = interrupted?.after() ?? before;
  const image = await log.imageAt(moment, kept, random);
  return log.mounted(image, async (folder) => {
    const root = join(folder, 'root');
    const wrong = [...(await tornIn(root)), ...brokenPromises(await stateOf(root), before, after)];
    if (wrong.length > 0 || !interrupted) return wrong;
    const failure = await interrupted.run(root).catch((error: unknown) => error);
    if (failure) return [`${interrupted.name}, run again, fails: ${failure}`];
    await collectLeftovers(root); // as the next preparation does, where this one found all done
    wrong.push(...(await tornIn(root)), ...brokenPromises(await stateOf(root), after, after));
    const left = await readdir(join(root, '.staging')).catch(() => []);
    wrong.push(...left.map((name) => `.staging/${name} is left over`));
    return wrong.map((text) => `after ${interrupted.name} was run again, ${text}`);
  });
}

async function stateOf(root: string): Promise<State> {
  return { releases: await releaseIds(root), current: await currentRelease(root) };
}

/** A release is there that must be, and none that was not being made or removed; so is `current`. */
function brokenPromises(found: State, before: State, after: State): string[] {
  const lost = before.releases.filter((id) => after.releases.includes(id) && !found.releases.includes(id));
  const strange = found.releases.filter((id) => !before.releases.includes(id) && !after.releases.includes(id));
  return [
    ...lost.map((id) => `release ${id} is lost`),
    ...strange.map((id) => `release ${id} is there`),
    ...(found.current === before.current || found.current === after.current ? [] : [`current is ${found.current}`]),
  ];
}

/** Whatever has its final name is whole: releases, `current`, and trees, whether or not a release holds them. */
async function tornIn(root: string): Promise<string[]> {
  const { differences } = await verifyStore(root, { deep: true });
  const names: string[] = await readdir(join(root, 'trees')).catch(() => []);
  const differs = (difference: Difference) => {
    differences.push(difference);
  };
  for (const tree of names.filter((name) => names.includes(`${name}.mtree`))) {
    const digest = sha256(await readFile(join(root, 'trees', `${tree}.mtree`)));
    const verification = { root, deep: true, signal: undefined, limit: new SharedLimit(16), checked() {}, differs };
    await verifyTree(verification, { package: tree, tree, digest, releases: [] });
  }
  return differences.map(({ package: id, path, kind }) => `${id} ${path} differs: ${kind}`);
}
