import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../core/errors.js';
import { destroy } from '../../deploy/index.js';
import { setLogsAside } from './kept-logs.js';
import { Site, type ThrowAway } from './site.js';

/** Folders on this machine. */
export class LocalSite extends Site {
  readonly #used = new Set<string>();

  async during<T>(work: (site: Site) => Promise<T>): Promise<T> {
    try {
      return await work(this);
    } finally {
      // A root that cannot be removed must not hide why the trial failed.
      for (const root of this.#used) await this.#remove(root).catch(() => {});
    }
  }

  override async enter(root: string): Promise<void> {
    this.#used.add(root);
    await super.enter(root);
  }

  async staged(): Promise<string[]> {
    return (await Promise.all([...this.#used].map((root) => list(join(this.folder, root, '.staging'))))).flat();
  }

  async destroy(): Promise<string[]> {
    const left: string[] = [];
    for (const root of this.#used) {
      await this.#remove(root);
      left.push(...(await list(join(this.folder, root))).map((name) => join(this.folder, root, name)));
    }
    return left;
  }

  worded(text: string): string {
    const log = (host: string) => join(this.folder, this.root, 'hosts', host, 'host.log');
    return text.replace(/`prestage logs (\S+)`/g, (_, host) => log(host));
  }

  protected throwAway(): ThrowAway {
    return { environment: { name: 'test', target: 'local', root: join(this.folder, this.root) } };
  }

  protected isOfInterest(): boolean {
    return false;
  }

  async #remove(root: string): Promise<void> {
    await setLogsAside(this.folder, root);
    this.root = root;
    // Cleaning up is done even after Ctrl-C.
    await destroy({ ...this.options({ signal: new AbortController().signal }), purge: true, wait: true });
    this.#used.delete(root);
  }
}

/** What is in a folder; nothing where there is none. */
async function list(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
