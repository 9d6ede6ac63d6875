import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { seeded } from '../../test/random.js';
import { temporaryRoot, treeName } from '../../test/small-stores.js';
import { acquireLease, inspectLease } from './lease.js';
import { storePaths } from './paths.js';
import { currentRelease } from './releases.js';
import { collectLeftovers } from './staging.js';
import { hasTrees, readTree } from './trees.js';
import { verifyStore } from './verify.js';

/** What several processes do to one store, as they would: the same code, each in a process of its own. */
const CHILD = `
import { addRelease } from '../../test/small-stores.js';
import { setCurrent } from './releases.js';
import { acquireLease } from './lease.js';
import { storePaths } from './paths.js';
import { appendFileSync } from 'node:fs';

const [, , task, root, ...more] = process.argv;
const say = (line) => process.stdout.write(line + '\\n');
const tasks = {
  async publish() {
    say('begin');
    const release = await addRelease(root, 'release', ['one', 'two', 'three']);
    await setCurrent(root, release);
    say(release);
  },
  async hold() {
    await acquireLease(storePaths(root).lock, { run: more[0], purpose: 'prepare' }, { wait: false });
    say('held');
    setInterval(() => undefined, 1000);
  },
  async turns() {
    for (let turn = 0; turn < 10; turn += 1) {
      const lease = await acquireLease(storePaths(root).lock, { run: more[0], purpose: 'prepare' }, { wait: true });
      appendFileSync(more[1], more[0] + ' in\\n');
      await new Promise((resolve) => setImmediate(resolve));
      appendFileSync(more[1], more[0] + ' out\\n');
      await lease.release();
    }
  },
};
await tasks[task]();
`;

let folder: string;
let script: string;
let root: string;
let remove: () => Promise<void>;
const children: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prestage-child-'));
  script = join(folder, 'child.mjs');
  const stdin = { contents: CHILD, resolveDir: import.meta.dirname, loader: 'js' as const };
  await build({
    stdin,
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: script,
    logLevel: 'error',
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  ({ root, remove } = await temporaryRoot());
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await remove();
});

function start(...args: string[]) {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let errors = '';
  child.stderr.on('data', (data) => {
    errors += data;
  });
  const ended = once(child, 'close').then(([code]) => ({ code, errors }));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, ended, line: async () => (await lines.next()).value as string | undefined };
}

describe('publishers in several processes', () => {
  test('without a lock make the same release at once: all succeed, and it is whole', async () => {
    const publishers = Array.from({ length: 4 }, () => start('publish', root));
    const outcomes = await Promise.all(publishers.map(({ ended }) => ended));
    expect(outcomes).toEqual(outcomes.map(() => ({ code: 0, errors: '' })));
    expect(await verifyStore(root, { deep: true })).toMatchObject({
      releases: [await currentRelease(root)],
      differences: [],
    });
    expect(await readdir(storePaths(root).staging)).toEqual([]);
    expect((await readdir(storePaths(root).trees)).length).toBe(6);
  });

  test('that are killed at random moments never leave anything visible that is not whole', async () => {
    const random = seeded(20261124);
    const names = ['one', 'two', 'three'].map((id) => treeName(id));
    let completed = 0;
    for (let kill = 0; kill < 20; kill += 1) {
      const { child, ended, line } = start('publish', root);
      await line();
      // The moment is the test's input, not a wait for something: any moment must do.
      await Promise.race([sleep(random() * 120), ended]);
      child.kill('SIGKILL');
      if ((await ended).code === 0) completed += 1;
      expect((await verifyStore(root, { deep: true })).differences).toEqual([]);
      for (const name of await hasTrees(root, names)) await readTree(root, name);
      await collectLeftovers(root);
      // Killed early enough, it has not even made that folder.
      expect(await readdir(storePaths(root).staging).catch(() => [])).toEqual([]);
      if (completed > 2) {
        completed = 0;
        await remove();
        ({ root, remove } = await temporaryRoot());
      }
    }
    const last = start('publish', root);
    expect(await last.ended).toEqual({ code: 0, errors: '' });
    expect(await verifyStore(root, { deep: true })).toMatchObject({
      releases: [await currentRelease(root)],
      differences: [],
    });
  });
});

describe('a lock between processes', () => {
  test('is held by one at a time', async () => {
    const log = join(folder, 'log');
    await start('publish', root).ended;
    const both = await Promise.all(['a', 'b', 'c'].map((name) => start('turns', root, name, log).ended));
    expect(both).toEqual(both.map(() => ({ code: 0, errors: '' })));
    const turns = (await readFile(log, 'utf8')).match(/(\w) in\n\1 out\n/g);
    expect(turns).toHaveLength(30);
    expect((await readFile(log, 'utf8')).length).toBe(turns?.join('').length);
  });

  test('is refused while its holder lives, and taken at once when that was killed', async () => {
    const holder = start('hold', root, 'victim');
    expect(await holder.line()).toBe('held');
    const { lock } = storePaths(root);
    const claim = { run: 'heir', purpose: 'prepare' };
    await expect(acquireLease(lock, claim, { wait: false })).rejects.toMatchObject({
      code: 'LOCKED',
      context: { run: 'victim' },
    });
    expect(await inspectLease(lock)).toMatchObject({ alive: true, holder: { run: 'victim', pid: holder.child.pid } });
    holder.child.kill('SIGKILL');
    await holder.ended;
    expect(await inspectLease(lock)).toMatchObject({ alive: false });
    const lease = await acquireLease(lock, claim, { wait: false });
    expect(lease.holder.run).toBe('heir');
    await lease.release();
  });

  test('goes to who waits for it when its holder is killed', async () => {
    const holder = start('hold', root, 'victim');
    await holder.line();
    const lease = await acquireLease(
      storePaths(root).lock,
      { run: 'heir', purpose: 'prepare' },
      { wait: true, onWait: () => holder.child.kill('SIGKILL') },
    );
    expect(lease.holder.run).toBe('heir');
    await lease.release();
  });
});
