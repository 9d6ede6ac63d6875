import { describe, expect, onTestFinished, test } from 'vitest';
import { type EngineOptions, type Life, lifeOfEngine, liveOn, wrongAfterPowerFailures } from '../powerloss/lives.js';
import type { FileSystem } from '../powerloss/logged-disk.js';
import type { Publication, State } from '../powerloss/publications.js';
import { lacks } from '../requirements.js';
import { sampleProject } from '../sample-project.js';

const FILE_SYSTEMS = ['ext4', 'xfs', 'btrfs'] as const;

async function wrong(life: Life, moments: number): Promise<string[]> {
  onTestFinished(() => life.remove());
  return wrongAfterPowerFailures(life, moments, 2026);
}

describe.each(FILE_SYSTEMS)('when the power fails, on %s', (kind) => {
  const skipped = lacks('fuse', 'gcc', 'loop', kind);

  test.skipIf(skipped).each<[string, EngineOptions]>([
    ['one flush for the whole file system', {}],
    ['a flush for each file', { noSync: true }],
    ['a first run that was killed between giving trees their names and flushing those', { killed: true }],
  ])('with %s, what is published is whole, what was done stays, and the same command succeeds', async (_, options) => {
    expect(await wrong(await lifeOfEngine(kind, options), 16)).toEqual([]);
  });

  test.skipIf(skipped).each([
    ['the flush of contents', /differs/],
    ['the flush of folders', /lost|current is/],
  ] as const)('without %s, this would be told', async (without, what) => {
    expect(await wrong(await lifeOfEngine(kind, { without }), 16)).toContainEqual(expect.stringMatching(what));
  });

  test.skipIf(skipped)('commands do as much', async () => {
    expect(await wrong(await lifeOfCommands(kind), 4)).toEqual([]);
  });
});

/** The same life by the command line: its worker, its locks, its runs and its hosts are on the disk, too. */
async function lifeOfCommands(kind: FileSystem): Promise<Life> {
  const sample = await sampleProject((config) => {
    config.services = { jump: { role: 'jump', boot: 'hosts/jump.mjs' } };
  });
  for (const color of ['red', 'blue']) await sample.archive(color, { 'readme.txt': `extras in ${color}\n` });
  const use = async (root: string, color: string) => {
    sample.config.environments = { local: { target: 'local', root } };
    sample.config.packages.extras = { source: `files/${color}.tar.gz` };
    await sample.save();
  };
  const states: State[] = [];
  const command = (line: string, color: string): Publication => {
    const index = states.push({ releases: [], current: undefined }) - 1;
    return {
      name: line,
      after: () => states[index] as State,
      async run(root) {
        await use(root, color);
        const { status, stdout } = await sample.run(`${line} --json`);
        if (status !== 0) throw new Error(stdout);
      },
    };
  };
  const commands = [
    command('deploy', 'red'),
    command('deploy', 'blue'),
    command('rollback', 'blue'),
    command('prune --keep 1 --yes', 'blue'),
  ];
  const life = await liveOn(kind, commands, async (root, index) => {
    await commands[index]?.run(root);
    const { result } = await sample.run('status --json');
    states[index] = { releases: [...result.releases].sort(), current: result.release };
  });
  const remove = async () => {
    await life.remove();
    await use('root', 'red');
  };
  return { ...life, remove };
}
