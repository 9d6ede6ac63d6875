import type { Config } from '../../config/index.js';
import type { Emit, PrestageEvent } from '../../core/events.js';
import { type CommandOptions, type DeployOptions, type DeployResult, deploy } from '../../deploy/index.js';
import type { Session } from '../session.js';

export type ThrowAway = NonNullable<CommandOptions['throwAway']>;

export interface SiteSettings {
  /** Where logs are put. */
  folder: string;
  session: Session;
  /** The user's configuration, as it is written. */
  config: Config;
}

/** Where a trial is: roots, one after the other, each a store and a deployment of its own. */
export abstract class Site {
  protected readonly folder: string;
  protected readonly session: Session;
  readonly config: Config;
  /** The root that the trial is in now. */
  protected root = '';
  /** What each root's last deployment came to. */
  readonly results = new Map<string, DeployResult>();
  /** Aborted where the trial is to end. */
  signal: AbortSignal;

  constructor({ folder, session, config }: SiteSettings) {
    this.folder = folder;
    this.session = session;
    this.config = config;
    this.signal = session.signal;
  }

  /** Does the work of a trial, and removes in the end whatever there is of it. */
  abstract during<T>(work: (site: Site) => Promise<T>): Promise<T>;
  /** What is in staging; undefined where nobody can look from here. */
  abstract staged(): Promise<string[] | undefined>;
  /** Removes all, but for logs. @returns what is there all the same */
  abstract destroy(): Promise<string[]>;
  /** What is said of the project's own environment, as it is true of the trial. */
  abstract worded(text: string): string;
  protected abstract throwAway(): ThrowAway;
  /** Whether people are told of this; programs are told of everything. */
  protected abstract isOfInterest(event: PrestageEvent): boolean;

  /** Goes on to another root, where nothing is yet. */
  async enter(root: string): Promise<void> {
    this.root = root;
  }

  /** @param options.project another name for the project, and so another release of the same files */
  options({ signal = this.signal, project }: { signal?: AbortSignal; project?: string } = {}): CommandOptions {
    const throwAway = { ...this.throwAway(), ...(project === undefined ? {} : { name: project }) };
    return { ...this.session.options, signal, emit: this.emit, throwAway };
  }

  /** Deploys, and gives what happened as well as what it came to. */
  async deploy({
    project,
    ...flags
  }: Omit<DeployOptions, keyof CommandOptions> & { project?: string } = {}): Promise<
    DeployResult & { events: PrestageEvent[] }
  > {
    const events: PrestageEvent[] = [];
    const options = this.options(project === undefined ? {} : { project });
    const emit: Emit = (event) => {
      events.push(event);
      options.emit(event);
    };
    const result = await deploy({ ...options, ...flags, emit });
    this.results.set(this.root, result);
    return { ...result, events };
  }

  protected readonly emit: Emit = (event) => this.tell(event);

  protected tell(event: PrestageEvent): void {
    const { json, verbose } = this.session.flags;
    if (json || verbose || event.type === 'warning' || this.isOfInterest(event)) this.session.emit(event);
  }
}
