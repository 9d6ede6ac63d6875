import { cp, lutimes, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { PrestageError } from '../../src/core/errors.js';
import { listFolder } from '../../src/plan/index.js';
import { currentRelease, setCurrent } from '../../src/store/releases.js';
import { collectLeftovers } from '../../src/store/staging.js';
import { verifyStore } from '../../src/store/verify.js';
import { type Mounted, mountLatency } from '../latencyfs/mount.js';
import { prepared } from '../prepared.js';
import { ReleaseJob } from '../release-job.js';
import { tarGz, zip } from '../small-archives.js';
import { leftovers } from '../small-stores.js';

/** A preparation on file systems that fail once: of the store, or of the sources. */

const ERRNOS = ['EIO', 'ENOSPC', 'EDQUOT', 'ESTALE', 'EMFILE'] as const;
type Errno = (typeof ERRNOS)[number];
type Side = 'store' | 'sources';

interface Fault {
  side: Side;
  /** An operation by its name in latencyfs.c. */
  op: string;
  errno: Errno;
  /** How many of it go well before. */
  after: number;
}

interface Outcome {
  /** Undefined where the failure was of no consequence, or the operation was repeated. */
  error: unknown;
  /** What was wrong with the store then, with the same command run again, and with what that left. */
  wrong: string[];
}

/** A release of a tar, a zip, a folder with a link, a single file and steps: each of the writers has something to do. */
export class Preparation {
  readonly #folder: string;
  readonly #job: ReleaseJob;
  #digests = '';

  private constructor(folder: string) {
    this.#folder = folder;
    this.#job = new ReleaseJob(join(folder, 'sources'));
  }

  /** @returns also how often each operation is performed on each side where nothing fails */
  static async create(): Promise<{ preparation: Preparation; counts: Record<Side, Map<string, number>> }> {
    const preparation = new Preparation(await mkdtemp(join(tmpdir(), 'prestage-faults-')));
    await preparation.#plan();
    const { store, sources } = await preparation.#mounted(undefined);
    preparation.#digests = await preparation.#prepare(store, sources);
    const counts = { store: await store.unmount(), sources: await sources.unmount() };
    return { preparation, counts };
  }

  async #plan(): Promise<void> {
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`lib${n % 3}/file${n}.txt`, `file ${n}\n`]));
    await this.#job.package('many', tarGz(many), {
      steps: [
        { kind: 'replace', files: ['lib0/*'], from: 'file', to: 'FILE', regex: false, optional: false },
        { kind: 'remove', files: ['lib2/**'], optional: false },
        { kind: 'chmod', files: ['lib1/*'], mode: 0o600, optional: false },
      ],
    });
    await this.#job.package('zipped', zip({ 'bin/run.sh': '#!/bin/sh\n', large: Buffer.alloc(1_500_000, 'large ') }));
    const folder = join(this.#job.folder, 'folder');
    await cp(join(import.meta.dirname, '../latencyfs'), folder, { recursive: true });
    const { sha256, size } = await listFolder(folder);
    this.#job.inputs[sha256] = { kind: 'folder', path: folder, size };
    this.#job.add('folder', { source: { kind: 'folder', name: 'folder', sha256 } });
    await this.#job.package('single', 'a file\n');
    await this.#job.script('boot/api.sh', '#!/bin/sh\n');
  }

  /** Lets each operation fail in turn. @returns what was not as it must be */
  async wrongWith(faults: readonly Fault[]): Promise<string[]> {
    const told: string[] = [];
    for (const fault of faults) {
      const { error, wrong } = await this.#with(fault);
      const all = [...(error === undefined ? [] : lacking(error, fault)), ...wrong];
      told.push(...all.map((what) => `${fault.side}: ${fault.op}, ${fault.errno} after ${fault.after}: ${what}`));
    }
    return told;
  }

  /** Lets an operation fail once, and does the same again when the file system is well. */
  async #with({ side, op, errno, after }: Fault): Promise<Outcome> {
    await rm(join(this.#folder, 'root'), { recursive: true, force: true });
    const ill = await this.#mounted({
      side,
      fail: { op, errno: constants.errno[errno] ?? NUMBERS[errno], after, count: 1 },
    });
    const error = await this.#prepare(ill.store, ill.sources).then(
      (digests) => (digests === this.#digests ? undefined : new Error('other digests')),
      (failure: unknown) => failure,
    );
    await Promise.all([ill.store.unmount(), ill.sources.unmount()]);
    const root = join(this.#folder, 'backing/root');
    const wrong = (await verifyStore(root, { deep: true })).differences.map(({ path, kind }) => `${path}: ${kind}`);
    await asIfEnded(root);

    const well = await this.#mounted(undefined);
    const again = await this.#prepare(well.store, well.sources).catch((failure: unknown) => `run again: ${failure}`);
    await Promise.all([well.store.unmount(), well.sources.unmount()]);
    if (again !== this.#digests) wrong.push(again);
    const { differences } = await verifyStore(root, { deep: true });
    wrong.push(...differences.map(({ path, kind }) => `run again: ${path}: ${kind}`));
    await age(root);
    await collectLeftovers(root); // as the next preparation does, where this one found all done
    wrong.push(...(await leftovers(root)).map((name) => `run again: ${name} is left over`));
    await rm(root, { recursive: true });
    return { error, wrong };
  }

  /** @returns the digests of all that was prepared */
  async #prepare(store: Mounted, sources: Mounted): Promise<string> {
    const root = join(store.folder, 'root');
    const at = (path: string) => path.replace(this.#job.folder, sources.folder);
    const inputs = Object.entries(this.#job.inputs).map(([digest, input]) =>
      'path' in input ? [digest, { ...input, path: at(input.path) }] : [digest, input],
    );
    const { plan } = this.#job;
    const record = await prepared(root, { plan, inputs: Object.fromEntries(inputs) });
    await setCurrent(root, plan.release);
    return JSON.stringify([await currentRelease(root), record.packages.map(({ id, digest }) => [id, digest])]);
  }

  async #mounted(ill: { side: Side; fail: NonNullable<Parameters<typeof mountLatency>[1]>['fail'] } | undefined) {
    const options = (side: Side) => ({ rttUs: 0, ...(ill?.side === side && ill.fail ? { fail: ill.fail } : {}) });
    const [store, sources] = await Promise.all([
      mountLatency(join(this.#folder, 'backing'), options('store')),
      mountLatency(this.#job.folder, options('sources')),
    ]);
    return { store, sources };
  }

  remove(): Promise<void> {
    return rm(this.#folder, { recursive: true, force: true });
  }
}

/** Node has no names for these two (see core/errors.ts). */
const NUMBERS: Readonly<Record<string, number>> = { ESTALE: 116, EDQUOT: 122 };

/** A worker that failed ends, and the next is another process; here both are this one. */
async function asIfEnded(root: string): Promise<void> {
  const runs = await readdir(join(root, '.staging')).catch(() => []);
  for (const file of [join(root, '.lock'), ...runs.map((run) => join(root, '.staging', run, '.owner'))]) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (text !== '') await writeFile(file, text.replace(/"pidStartedAt":"[^"]*"/, '"pidStartedAt":"ended"'));
  }
}

/** Temporary names are nobody's when they are an hour old. */
async function age(root: string): Promise<void> {
  const long = new Date(Date.now() - 7_200_000);
  for (const name of await leftovers(root)) if (name.startsWith(root)) await lutimes(name, long, long);
}

const HINTS: Readonly<Record<Errno, RegExp>> = {
  EIO: /mounted and healthy/,
  ENOSPC: /Free space/,
  EDQUOT: /quota/,
  ESTALE: /mount it again/,
  EMFILE: /ulimit -n/,
};

/** What an error lacks that tells of a fault: a code of its own, the path, and the remedy for just that errno. */
function lacking(error: unknown, { op, errno }: Fault): string[] {
  if (!(error instanceof PrestageError)) return [`a type: ${error}`];
  const { code, message, hint = '', context } = error;
  // Made by a call whose answer then failed, and met when the kernel (ESTALE) or the package's next attempt did it again.
  if (op === 'getattr' && context.errno === 'EEXIST') return message.includes(String(context.path)) ? [] : [message];
  return [
    ...(code === (errno === 'ENOSPC' || errno === 'EDQUOT' ? 'DISK_FULL' : 'STORE_IO') ? [] : [`the code: ${code}`]),
    ...(context.path !== undefined && message.includes(context.path) ? [] : [`the path: ${message}`]),
    ...(HINTS[errno].test(hint) ? [] : [`the remedy: ${message} ${hint}`]),
  ];
}

/** Each operation with each errno, at some of the times that it is performed: 0 is the first, 0.5 that in the middle. */
export function faultsOf(counts: Record<Side, Map<string, number>>, moments: readonly number[]): Fault[] {
  return (['store', 'sources'] as const).flatMap((side) =>
    [...counts[side]].flatMap(([op, count]) =>
      ERRNOS.flatMap((errno) =>
        [...new Set(moments.map((moment) => Math.floor(count * moment)))].map((after) => ({ side, op, errno, after })),
      ),
    ),
  );
}
