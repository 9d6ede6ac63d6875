import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asPrestageError } from '../../core/errors.js';
import type { Emit, PrestageEvent } from '../../core/events.js';
import type { AwsEnvironment } from '../../plan/index.js';
import { openTarget, type Target } from '../../targets/index.js';
import { asidePath } from './kept-logs.js';
import { Site, type SiteSettings, type ThrowAway } from './site.js';

/** What takes minutes there, and is told of meanwhile. */
const STEPS = new Set(['stack.started', 'stack.finished', 'machine.launched', 'machine.ended', 'notice']);

/**
 * One environment on AWS that is made for the trial alone, and is emptied before each further root: quotas of VPCs and addresses are small.
 * The trial holds its lock from beginning to end, so that no other takes it for one that was killed.
 */
export class AwsSite extends Site {
  readonly #environment: AwsEnvironment;
  #target: Target | undefined;
  /** Stacks that there are as far as was seen; what is outside of them goes with the last one. */
  readonly #stacks = new Set<string>();
  /** Whether there may be anything. */
  #isClean = true;

  constructor(settings: SiteSettings, environment: AwsEnvironment) {
    super(settings);
    this.#environment = environment;
  }

  async during<T>(work: (site: Site) => Promise<T>): Promise<T> {
    const { emit, signal } = this.session;
    this.#target = await openTarget(this.#environment, { configFolder: this.config.folder, project: this.config.name });
    this.session.onInterrupt(() => this.#whatIsLeft());
    return this.#target.exclusively('test', { emit, signal, wait: false }, async (held) => {
      this.signal = held.signal;
      try {
        await this.#removeLeftovers();
        return await work(this);
      } finally {
        if (!this.#isClean) await this.#removeInTheEnd();
      }
    });
  }

  override async enter(root: string): Promise<void> {
    if (!this.#isClean) await this.#remove(this.signal);
    await super.enter(root);
    this.#isClean = false;
  }

  async staged(): Promise<undefined> {}

  async destroy(): Promise<string[]> {
    await this.#remove(this.signal);
    return this.#left();
  }

  worded(text: string): string {
    const { name, trialOf = name } = this.#environment;
    return text
      .replace(/`prestage logs (\S+)`/g, (_, host) => join(this.folder, this.root, `${host}.log`))
      .replaceAll(`prestage destroy --purge --env ${name}`, 'prestage destroy --temporary')
      .replaceAll(`environment ${name}`, `environment ${trialOf}`);
  }

  protected throwAway(): ThrowAway {
    return { environment: this.#environment, ...(this.#target && { target: this.#target }) };
  }

  protected isOfInterest({ type }: PrestageEvent): boolean {
    return STEPS.has(type);
  }

  protected override readonly emit: Emit = (event) => {
    if (event.type === 'stack.started' && event.action !== 'delete') this.#stacks.add(event.stack);
    if (event.type === 'stack.finished' && event.status === 'DELETE_COMPLETE') this.#stacks.delete(event.stack);
    this.tell(event);
  };

  /** Removes what a trial left that was killed: one that is at work has the lock. */
  async #removeLeftovers(): Promise<void> {
    const left = await this.#left();
    if (left.length === 0) return;
    this.emit({ type: 'notice', message: `Removing what an earlier test left: ${left.join(', ')}.` });
    await this.enter('earlier');
    await this.#remove(this.signal);
  }

  async #left(): Promise<string[]> {
    return (await this.#target?.left?.()) ?? [];
  }

  /** Also after Ctrl-C; and what cannot be removed must not hide why the trial failed. */
  async #removeInTheEnd(): Promise<void> {
    this.emit({ type: 'notice', message: 'Removing all that the test made; this takes minutes.' });
    try {
      await this.#remove(new AbortController().signal);
    } catch (thrown) {
      const { code, message } = asPrestageError(thrown);
      // Another test has begun, and removes it.
      if (code === 'LOCKED' || code === 'LEASE_LOST') return;
      this.emit({
        type: 'warning',
        message: `Not everything that the test made could be removed: ${code}: ${this.worded(message)}`,
        hint: '`prestage status` lists what is left; `prestage destroy --temporary` removes it, and the next test does.',
      });
    }
  }

  async #remove(signal: AbortSignal): Promise<void> {
    await this.#setLogsAside(signal);
    await this.#target?.destroy({ emit: this.emit, signal, wait: false, purge: true });
    this.#stacks.clear();
    this.#isClean = true;
  }

  /** They are in the bucket, and go with it. */
  async #setLogsAside(signal: AbortSignal): Promise<void> {
    const lines = new Map<string, string[]>();
    const emit: Emit = (event) => {
      if (event.type !== 'log') return;
      lines.set(event.source, [...(lines.get(event.source) ?? []), event.line]);
    };
    // Where nothing is deployed yet there are none, and no log is worth a removal that fails.
    await this.#target?.logs(undefined, { emit, signal, wait: false, follow: false }).catch(() => {});
    for (const [source, its] of lines)
      await appendFile(await asidePath(this.folder, this.root, `${source}.log`), `${its.join('\n')}\n`);
  }

  /** For somebody who does not wait for the end. */
  #whatIsLeft(): string {
    if (this.#isClean) return 'All that the test made is removed.';
    const stacks = [...this.#stacks].map((name) => `stack ${name}`);
    const left = stacks.length === 0 ? 'parts of what the test made' : stacks.join(', ');
    return `There still is, and costs money: ${left}, with bucket, file system and machines. \`prestage destroy --temporary --env ${this.#environment.trialOf}\` removes it, and so does the next test.`;
  }
}
