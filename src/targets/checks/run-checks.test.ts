import { describe, expect, test } from 'vitest';
import { PrestageError } from '../../core/errors.js';
import { failed, ok, warning } from './finding.js';
import { type Check, runChecks } from './run-checks.js';

const signal = new AbortController().signal;
const never = () => new Promise<never>(() => {});

describe('checks', () => {
  test('each say what they find, in their order, whatever another one throws', async () => {
    const hinted = new PrestageError('AWS_FAILED', 'It broke.', { hint: 'Mend it.' });
    const checks: Check[] = [
      { name: 'first', run: () => Promise.reject(hinted) },
      { name: 'second', run: async () => ok('Fine.') },
      { name: 'third', run: () => Promise.reject(new TypeError('x is not a function')) },
    ];
    expect(await runChecks(checks, { signal })).toEqual([
      { check: 'first', state: 'failed', found: 'It broke.', remedy: 'Mend it.' },
      { check: 'second', state: 'ok', found: 'Fine.' },
      { check: 'third', state: 'failed', found: 'x is not a function', remedy: expect.stringContaining('defect') },
    ]);
  });

  test('run side by side', async () => {
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const checks: Check[] = [
      { name: 'waits', run: () => opened.then(() => ok('Opened.')) },
      {
        name: 'opens',
        run: async () => {
          open();
          return ok('Open.');
        },
      },
    ];
    const findings = await runChecks(checks, { signal, limitMs: 5000 });
    expect(findings.map(({ state }) => state)).toEqual(['ok', 'ok']);
  });

  test('are skipped where one that they need failed, and so are those that need them', async () => {
    const checks: Check[] = [
      { name: 'a', run: async () => failed('Bad.', 'Mend it.') },
      { name: 'b', needs: 'a', run: async () => ok('Never asked.') },
      { name: 'c', needs: 'b', run: async () => ok('Never asked.') },
      { name: 'd', run: async () => warning('So so.', 'See to it.') },
      { name: 'e', needs: 'd', run: async () => ok('Asked.') },
    ];
    const findings = await runChecks(checks, { signal });
    expect(findings.map(({ state, found }) => [state, found])).toEqual([
      ['failed', 'Bad.'],
      ['skipped', 'It needs: a.'],
      ['skipped', 'It needs: b.'],
      ['warning', 'So so.'],
      ['ok', 'Asked.'],
    ]);
  });

  test('fail when their time is up, without holding up the others', async () => {
    const checks: Check[] = [
      { name: 'hangs', run: never },
      { name: 'answers', run: async () => ok('Fine.') },
    ];
    const [hangs, answers] = await runChecks(checks, { signal, limitMs: 50 });
    expect(hangs).toMatchObject({ state: 'failed', found: expect.stringMatching(/^There was no answer within/) });
    expect(answers?.state).toBe('ok');
  });

  test('end with the reason when the user has enough', async () => {
    const controller = new AbortController();
    const running = runChecks([{ name: 'hangs', run: never }], { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
  });
});
