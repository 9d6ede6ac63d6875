import { expect, test, vi } from 'vitest';
import { captured } from '../../test/captured.js';
import { execute } from './command-line.js';

const destroyPlan = vi.fn();
vi.mock('../deploy/index.js', () => ({
  // As a follower: it goes on until it is told to end.
  logs: async ({ signal }: { signal: AbortSignal }) => {
    process.emit('SIGINT');
    signal.throwIfAborted();
  },
  destroy: async () => {},
  destroyPlan: () => destroyPlan(),
}));

test('logs -f ends with an interrupt, and only the exit status tells of it', async () => {
  const io = captured();
  expect(await execute(['logs', '-f'], io)).toBe(130);
  expect(io.stderr.lines).toEqual([]);
});

test('logs -f --json that is interrupted ends with a result line, as every command does', async () => {
  const io = captured();
  expect(await execute(['logs', '-f', '--json'], io)).toBe(130);
  expect(JSON.parse(io.stdout.lines.at(-1) ?? '')).toMatchObject({
    type: 'result',
    ok: false,
    error: { code: 'INTERRUPTED' },
  });
});

test('logs without -f that is interrupted says so', async () => {
  const io = captured();
  expect(await execute(['logs'], io)).toBe(130);
  expect(io.stderr.lines.join('\n')).toContain('INTERRUPTED');
});

test.each([
  [0, false, 'portal is removed from local.'],
  [1, false, 'portal is removed from local. Kept: /r, with what is prepared.'],
  [0, true, "portal is removed from local. Kept: /r, with the database's data."],
  [2, true, "portal is removed from local. Kept: /r, with what is prepared and the database's data."],
])(
  'destroy with %i releases and database %s says what is kept, and nothing where there is nothing',
  async (releases, database, said) => {
    destroyPlan.mockResolvedValue({
      project: 'portal',
      environment: 'local',
      root: '/r',
      holdings: '/r',
      temporary: [],
      hosts: 1,
      database,
      releases,
    });
    const io = captured();
    expect(await execute(['destroy', '--yes'], io)).toBe(0);
    expect(io.stderr.lines.join('\n')).toContain(said);
    if (!said.includes('Kept')) expect(io.stderr.lines.join('\n')).not.toContain('Kept');
  },
);
