import { mapBounded } from '../../core/bounded.js';
import { PrestageError } from '../../core/errors.js';
import type { PrestageEvent } from '../../core/events.js';
import type { S3Objects } from '../../remote/index.js';
import { hasTrees, type PrunePlan, type ReleaseRecord, readRelease, releaseIds, treeNames } from '../../store/index.js';
import type { AgentReport } from '../job.js';

/** Requests that are under way at once. */
const IN_FLIGHT = 16;
const ATTEMPTS = 4;

/**
 * What is in the store, by names in a bucket: `<prefix>/trees/<tree>`, empty, and `<prefix>/releases/<release>.json`, the record.
 * Those who cannot reach the store look there. It says what is there soon after it is, and not without fail: at the end of each
 * run its names are compared with the store.
 */
export class StoreIndex {
  readonly #objects: S3Objects;
  readonly #url: string;
  readonly #root: string;
  readonly #signal: AbortSignal;
  /** Names that were published, one after the other. */
  #adding: Promise<unknown> = Promise.resolve();

  /** `signal` ends all that is under way. */
  constructor(
    objects: S3Objects,
    { bucket, index }: Pick<AgentReport, 'bucket' | 'index'>,
    { root, signal }: { root: string; signal: AbortSignal },
  ) {
    this.#objects = objects;
    this.#url = `s3://${bucket}/${index}`;
    this.#root = root;
    this.#signal = signal;
  }

  /** Adds what an event says that was published; what fails is made good by `reconcile`. */
  heed(event: PrestageEvent): void {
    if (event.type === 'package.published') this.#soon(() => this.#addTree(event.tree));
    if (event.type === 'release.published') this.#soon(() => this.#addRelease(event.release));
  }

  /** Takes out what is about to be removed from the store: better not known to be there than wrongly. */
  async forget({ remove, trees }: PrunePlan): Promise<void> {
    const names = [
      ...remove.map(({ release }) => this.#release(release)),
      ...trees.map(({ tree }) => this.#tree(tree)),
    ];
    await mapBounded(names, IN_FLIGHT, (url) => this.#objects.remove(url, this.#policy()));
  }

  /**
   * Makes the names be those of the store. The index is read before the store: what another run publishes meanwhile is in the
   * store before it is in the index, and so is not taken for gone.
   */
  async reconcile(): Promise<void> {
    await this.#adding;
    const [indexedTrees, indexedReleases] = await Promise.all([
      this.#objects.list(this.#tree(''), this.#policy()),
      this.#objects.list(this.#releases(), this.#policy()),
    ]);
    const trees = await hasTrees(this.#root, await treeNames(this.#root));
    const releases = await this.#recordsThere();
    const known = new Set([...indexedTrees, ...indexedReleases]);
    await mapBounded(
      [...trees].filter((tree) => !known.has(tree)),
      IN_FLIGHT,
      (tree) => this.#addTree(tree),
    );
    const missing = [...releases.values()].filter(({ release }) => !known.has(`${release}.json`));
    await mapBounded(missing, IN_FLIGHT, (record) => this.#putRecord(record));
    const stale = [
      ...indexedTrees.filter((tree) => !trees.has(tree)).map((tree) => this.#tree(tree)),
      ...indexedReleases.filter((name) => !releases.has(name)).map((name) => this.#releases() + name),
    ];
    await mapBounded(stale, IN_FLIGHT, (url) => this.#objects.remove(url, this.#policy()));
  }

  /** By their names in the index. One whose record is damaged is none. */
  async #recordsThere(): Promise<Map<string, ReleaseRecord>> {
    const ids = await releaseIds(this.#root);
    const records = await mapBounded(ids, IN_FLIGHT, (id) => readRelease(this.#root, id).catch(undefinedWhereDamaged));
    return new Map(records.flatMap((record) => (record === undefined ? [] : [[`${record.release}.json`, record]])));
  }

  #soon(add: () => Promise<void>): void {
    this.#adding = this.#adding.then(add).catch(() => {});
  }

  #addTree(tree: string): Promise<void> {
    return this.#objects.put(this.#tree(tree), '', this.#policy());
  }

  async #addRelease(release: string): Promise<void> {
    const record = await readRelease(this.#root, release);
    if (record !== undefined) await this.#putRecord(record);
  }

  #putRecord(record: ReleaseRecord): Promise<void> {
    return this.#objects.put(this.#release(record.release), `${JSON.stringify(record)}\n`, this.#policy());
  }

  #tree(tree: string): string {
    return `${this.#url}/trees/${tree}`;
  }

  #releases(): string {
    return `${this.#url}/releases/`;
  }

  #release(release: string): string {
    return `${this.#releases()}${release}.json`;
  }

  #policy() {
    return { signal: this.#signal, onRetry: () => {}, maxFailures: ATTEMPTS };
  }
}

function undefinedWhereDamaged(error: unknown): undefined {
  if (error instanceof PrestageError && error.code === 'STORE_INVALID') return undefined;
  throw error;
}
