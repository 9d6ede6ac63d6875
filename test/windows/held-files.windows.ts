import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { folderWith } from '../folder-with.js';
import { until } from '../until.js';
import { nodes, prestageOn, startNode, type WindowsNode, windowsPath, withoutWine } from './wine.js';

const config = 'name: portal\npackages:\n  app: { source: app.txt }\n';

/** Another program of Windows has a file open and shares it with nobody, for so long. */
async function hold(node: WindowsNode, file: string, ms: number): Promise<void> {
  const program = `const fs = require('node:fs');
    const UV_FS_O_EXLOCK = 0x10000000;
    fs.openSync(process.argv[1], fs.constants.O_RDWR | UV_FS_O_EXLOCK);
    fs.writeFileSync(process.argv[1] + '.held', '');
    setTimeout(() => process.exit(), ${ms});`;
  const holder = startNode(node, ['-e', program, windowsPath(file)], { cwd: join(file, '..') });
  onTestFinished(async () => {
    holder.child.kill('SIGKILL');
    await holder.ended;
  });
  await until(`${file} to be held`, () => existsSync(`${file}.held`));
}

describe.skipIf(withoutWine).each(nodes)('a file that another program of Windows has open, by %s', (node) => {
  const run = (cwd: string, line: string) => prestageOn(node, `${line} --yes --json`, { cwd });

  test('is waited for: a source, and what prune removes', async () => {
    const folder = await folderWith({ 'prestage.config.yaml': config, 'app.txt': 'content\n' });
    await hold(node, join(folder, 'app.txt'), 6_000);
    const deployed = await run(folder, 'deploy --prepare-files-only');
    expect(deployed.result.ok, deployed.stderr).toBe(true);

    const trees = join(folder, '.prestage/local/trees');
    const [manifest = ''] = readdirSync(trees).filter((name) => name.endsWith('.mtree'));
    await hold(node, join(trees, manifest), 6_000);
    const pruned = await run(folder, 'prune --keep 0');
    expect(pruned.result.ok, pruned.stderr).toBe(true);
    expect(readdirSync(trees)).toEqual([]);
  });

  test('ends the command where it stays open, with its path, the time, and what to do', async () => {
    const folder = await folderWith({ 'prestage.config.yaml': config, 'app.txt': 'content\n' });
    await hold(node, join(folder, 'app.txt'), 120_000);
    const { result } = await run(folder, 'deploy --prepare-files-only');
    expect(result.error).toMatchObject({
      code: 'STORE_UNWRITABLE',
      message: `Windows still refuses what was tried at ${windowsPath(folder)}\\app.txt, after 10 seconds (EBUSY from open).`,
      hint: expect.stringContaining('Another program has it open'),
    });
  });
});
