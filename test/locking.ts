import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CommandContext } from '../src/core/command-context.js';
import type { PrestageEvent } from '../src/core/events.js';
import type { Target } from '../src/targets/index.js';
import { until } from './until.js';

/** A target whose commands hold a lock, as a test sees it from outside. */
export interface Lockable {
  exclusively: Target['exclusively'];
  /** The command that has the lock now. */
  holder(): Promise<string | undefined>;
  /** As if another command had taken over; `thief` is its name. */
  steal(thief: string): Promise<void>;
  /** As if somebody had deleted the lock. */
  remove(): Promise<void>;
  close(): Promise<void>;
}

/** Locking as every target has it. */
export function locking(name: string, open: () => Promise<Lockable>): void {
  describe(`the lock of commands on ${name}`, () => {
    let target: Lockable;
    let events: PrestageEvent[];
    beforeEach(async () => {
      target = await open();
      events = [];
    });
    afterEach(() => target?.close());

    const context = (more: Partial<CommandContext> = {}): CommandContext => ({
      emit: (event) => events.push(event),
      signal: new AbortController().signal,
      wait: false,
      ...more,
    });
    /** Work that goes on until its signal is aborted, and then cleans up for a while. */
    function longWork(cleaningMs = 100) {
      const seen = { begun: false, reason: undefined as unknown, ended: false, holderAtEnd: undefined as unknown };
      const work = async ({ signal }: CommandContext) => {
        seen.begun = true;
        await sleep(30_000, undefined, { signal }).catch(() => {});
        seen.reason = signal.reason;
        await sleep(cleaningMs);
        seen.holderAtEnd = await target.holder();
        seen.ended = true;
        signal.throwIfAborted();
      };
      return { seen, work };
    }
    const begun = (seen: { begun: boolean }) => until('the work', async () => seen.begun || undefined);

    test('is had by one command at a time, and is free after it', async () => {
      const outcomes = await Promise.allSettled(
        ['deploy', 'prune', 'rollback'].map((command) =>
          target.exclusively(command, context(), async () => {
            await sleep(300);
            return command;
          }),
        ),
      );
      const done = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      expect(done).toHaveLength(1);
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'LOCKED', retryable: true });
      expect(await target.holder()).toBeUndefined();
    });

    test('is waited for with `wait`, which is said', async () => {
      const order: string[] = [];
      let second: Promise<unknown> = Promise.resolve();
      await target.exclusively('deploy', context(), async () => {
        second = target.exclusively('prune', context({ wait: true }), async () => void order.push('prune'));
        await until('the wait', async () => events.find(({ type }) => type === 'notice'));
        order.push('deploy');
      });
      await second;
      expect(order).toEqual(['deploy', 'prune']);
      expect(events).toEqual([
        { type: 'notice', message: expect.stringMatching(/^Waiting for deploy \(.*\) to end\.$/) },
      ]);
    });

    test('is waited for no longer than the user wants', async () => {
      const { seen, work } = longWork();
      const first = new AbortController();
      const holding = target.exclusively('deploy', context({ signal: first.signal }), work);
      await begun(seen);
      const second = new AbortController();
      const waiting = target.exclusively('prune', context({ wait: true, signal: second.signal }), async () => 'never');
      await until('the wait', async () => events.find(({ type }) => type === 'notice'));
      second.abort(new Error('Ctrl-C'));
      await expect(waiting).rejects.toThrow();
      expect(await target.holder()).toBe('deploy');
      first.abort(new Error('Ctrl-C'));
      await expect(holding).rejects.toThrow('Ctrl-C');
    });

    test.each([
      ['is taken over', () => target.steal('thief'), 'thief'],
      ['is deleted', () => target.remove(), undefined],
    ] as const)('aborts the work where it %s, and waits for its end', async (_, lose, holder) => {
      const { seen, work } = longWork();
      const done = target.exclusively('deploy', context(), work);
      done.catch(() => {});
      await begun(seen);
      await lose();
      await expect(done).rejects.toMatchObject({ code: 'LEASE_LOST' });
      expect(seen).toMatchObject({ ended: true, reason: { code: 'LEASE_LOST' } });
      // That of another is not released.
      expect(await target.holder()).toBe(holder);
    });

    test('fails a command that came to its end without it', async () => {
      const done = target.exclusively('deploy', context(), async ({ signal }) => {
        await target.steal('thief');
        await until('the loss', async () => signal.aborted || undefined);
        return 'done all the same';
      });
      await expect(done).rejects.toMatchObject({ code: 'LEASE_LOST' });
    });

    test('is held until the work of an interrupted command has ended', async () => {
      const { seen, work } = longWork();
      const interrupted = new AbortController();
      const done = target.exclusively('deploy', context({ signal: interrupted.signal }), work);
      done.catch(() => {});
      await begun(seen);
      interrupted.abort(new Error('Ctrl-C'));
      await expect(done).rejects.toThrow('Ctrl-C');
      expect(seen).toMatchObject({ ended: true, holderAtEnd: 'deploy' });
      expect(await target.holder()).toBeUndefined();
    });

    test('is released where the work fails, and can be had again', async () => {
      const failed = target.exclusively('deploy', context(), async () => {
        throw new Error('no luck');
      });
      await expect(failed).rejects.toThrow('no luck');
      expect(await target.exclusively('deploy', context(), async () => 'done')).toBe('done');
    });
  });
}
