import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Config, loadConfig } from '../../config/index.js';
import { errnoOf } from '../../core/errors.js';
import type { Emit, PrestageEvent } from '../../core/events.js';
import { type CommandOptions, type DeployOptions, type DeployResult, deploy, destroy } from '../../deploy/index.js';
import type { Session } from '../session.js';
import { setLogsAside } from './kept-logs.js';

interface SiteOptions {
  signal?: AbortSignal;
  /** Another name for the project, and so another release of the same files. */
  project?: string;
}

/** The roots of a trial, by name: each is a store and a deployment of its own. */
export class Site {
  readonly #folder: string;
  readonly #session: Session;
  readonly #used = new Set<string>();
  #lastUsed = '';
  /** What each root's last deployment came to. */
  readonly results = new Map<string, DeployResult>();

  constructor(folder: string, session: Session) {
    this.#folder = folder;
    this.#session = session;
  }

  root(name: string): string {
    return join(this.#folder, name);
  }

  options(name: string, { signal = this.#session.signal, project }: SiteOptions = {}): CommandOptions {
    this.#used.add(name);
    this.#lastUsed = name;
    const throwAway = { root: this.root(name), ...(project === undefined ? {} : { name: project }) };
    return { ...this.#session.options, signal, emit: this.#emit, throwAway };
  }

  /** The user's configuration, as it is written. */
  config(): Promise<Config> {
    const { config, env } = this.#session.flags;
    return loadConfig(config ?? process.cwd(), { environment: env, orFirst: true });
  }

  /** Deploys in a root, and gives what happened as well as what it came to. */
  async deploy(
    name: string,
    { project, ...flags }: Omit<DeployOptions, keyof CommandOptions> & { project?: string } = {},
  ): Promise<DeployResult & { events: PrestageEvent[] }> {
    const events: PrestageEvent[] = [];
    const options = this.options(name, project === undefined ? {} : { project });
    const emit: Emit = (event) => {
      events.push(event);
      options.emit(event);
    };
    const result = await deploy({ ...options, ...flags, emit });
    this.results.set(name, result);
    return { ...result, events };
  }

  async destroy(name: string): Promise<void> {
    await setLogsAside(this.#folder, name);
    // Cleaning up is done even after Ctrl-C.
    await destroy({ ...this.options(name, { signal: new AbortController().signal }), purge: true, wait: true });
    this.#used.delete(name);
  }

  /** The log of a host that was deployed last, where it is kept. */
  logOf(host: string): string {
    return join(this.root(this.#lastUsed), 'hosts', host, 'host.log');
  }

  get used(): string[] {
    return [...this.#used];
  }

  /** What is in a folder of a root; nothing where there is no such folder. */
  async list(name: string, folder = '.'): Promise<string[]> {
    try {
      return await readdir(join(this.root(name), folder));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw error;
    }
  }

  /** Everything that is still there; a root that cannot be removed must not hide why the trial failed. */
  async removeAll(): Promise<void> {
    for (const name of this.used) await this.destroy(name).catch(() => {});
  }

  /** Programs get every event; people the checks, and with --verbose the rest. */
  readonly #emit: Emit = (event) => {
    const { json, verbose } = this.#session.flags;
    if (json || verbose || event.type === 'warning') this.#session.emit(event);
  };
}
