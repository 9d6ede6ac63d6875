import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { folderWith } from '../../../../test/folder-with.js';
import { freePort, service } from '../../../../test/local-target.js';
import { lacks } from '../../../../test/requirements.js';
import type { ServicesPlan } from '../../../plan/index.js';
import { runChecks } from '../../checks/run-checks.js';
import { localChecks } from './index.js';
import { checkInterpreters } from './interpreters.js';

async function examined(folder: string, services: Partial<ServicesPlan> = {}, root = join(folder, 'root')) {
  const given = { project: 'portal', configFolder: folder, root, services: { services: [], ...services } };
  const findings = await runChecks(localChecks(given), { signal: new AbortController().signal });
  return Object.fromEntries(findings.map((finding) => [finding.check, finding]));
}

/** A file system of its own, mounted with these options. */
async function mounted(options: string): Promise<string> {
  const folder = await folderWith();
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'prestage-doctor', folder]);
  onTestFinished(() => void execFileSync('umount', [folder]));
  return folder;
}

describe('what doctor says of this machine', () => {
  test('all is well in an empty folder, in which it leaves nothing', async () => {
    const folder = await folderWith({ 'run.sh': '#!/bin/sh\n' });
    const port = await freePort();
    const findings = await examined(folder, { services: [service('api', { run: 'run.sh', port })] });
    expect(Object.values(findings).map(({ check, state, found }) => [check, state, found])).toEqual([
      ['root', 'ok', `${join(folder, 'root')} is not there yet, and can be made.`],
      ['space', 'ok', expect.stringMatching(/^[\d.]+ \wiB.* free for /)],
      ['file system', 'ok', 'It renames, links and runs programs as a store needs it.'],
      ['interpreters', 'ok', 'Scripts find /bin/sh.'],
      ['ports', 'ok', `Free, or our own: ${port}.`],
    ]);
    expect(readdirSync(folder)).toEqual(['run.sh']);
  });

  test('a port that a stranger has is a failure with its holder', async () => {
    const port = await freePort();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { ports } = await examined(await folderWith(), { services: [service('api', { port })] });
    expect(ports).toMatchObject({
      state: 'failed',
      found: expect.stringContaining(`Port ${port}, which api is to listen on, is taken by`),
      remedy: expect.stringContaining('End that program'),
    });
  });

  test('a secret whose file or command is not there is a failure, and none is read', async () => {
    const folder = await folderWith({ token: 'never shown' });
    const command = (command: string) => ({ kind: 'command' as const, command, folder });
    const given = {
      DB_PASSWORD: { kind: 'file' as const, path: join(folder, 'password') },
      TOKEN: { kind: 'file' as const, path: join(folder, 'token') },
      A_FOLDER: { kind: 'file' as const, path: folder },
      OWN: command('./vault read token'),
      VAULT: command('no-such-vault read portal/token'),
      SHELL: command('printf %s x; touch run'),
      KEYWORD: command('if true; then printf y; fi'),
    };
    const { secrets } = await examined(folder, { services: [service('api', { secrets: given })] });
    expect(secrets).toMatchObject({
      state: 'failed',
      found: [
        `DB_PASSWORD of api is in ${join(folder, 'password')}, and that is not there.`,
        `A_FOLDER of api is in ${folder}, and that is no file.`,
        'OWN of api comes from `./vault read token`, and ./vault is not on this machine.',
        'VAULT of api comes from `no-such-vault read portal/token`, and no-such-vault is not on this machine.',
      ].join(' '),
    });
    expect(readdirSync(folder)).toEqual(['token']);
    const { TOKEN, SHELL } = given;
    const well = await examined(folder, { services: [service('api', { secrets: { TOKEN, SHELL } })] });
    expect(well.secrets).toMatchObject({ state: 'ok', found: 'There are all 2 values that hosts read.' });
  });

  test('a database that this target has not is a failure', async () => {
    const { database } = await examined(await folderWith(), { database: { engine: 'mysql', version: '8.0' } });
    expect(database).toMatchObject({ state: 'failed', found: 'The local target has no mysql.' });
  });

  test('a root in the place of a file is a failure, and its file system is not tried', async () => {
    const folder = await folderWith();
    writeFileSync(join(folder, 'root'), '');
    const findings = await examined(folder);
    expect(findings.root).toMatchObject({
      state: 'failed',
      found: `${join(folder, 'root')} is a file, and the root is to be a folder there.`,
    });
    expect(findings['file system']?.state).toBe('skipped');
  });

  test.skipIf(lacks('tmpfs'))('a root that is mounted read-only cannot be written', async () => {
    const folder = await mounted('ro');
    expect((await examined(folder, {}, folder)).root).toMatchObject({
      state: 'failed',
      found: `${folder} cannot be written (EROFS).`,
    });
  });

  test.skipIf(lacks('tmpfs'))('a file system that runs no programs is a failure that says so', async () => {
    const folder = await mounted('noexec');
    expect((await examined(folder))['file system']).toMatchObject({
      state: 'failed',
      found: expect.stringContaining('running programs from it (it may be mounted noexec).'),
    });
  });

  test.skipIf(lacks('tmpfs'))('little space, or room for few files, is a warning', async () => {
    const little = await mounted('size=1m');
    const few = await mounted('nr_inodes=100');
    const spaceOf = async (folder: string) => (await examined(folder)).space;
    expect(await spaceOf(little)).toMatchObject({ state: 'warning', found: expect.stringMatching(/^1\.0 MiB/) });
    expect(await spaceOf(few)).toMatchObject({ state: 'warning', remedy: expect.stringContaining('prestage prune') });
  });

  test('an interpreter that is not here is told with the scripts that need it', async () => {
    const folder = await folderWith({
      'boot.ps1': '#!/usr/bin/env pwsh\n',
      'run.sh': '#!/opt/no/such/shell -e\n',
      'fine.sh': '#!/usr/bin/env -S node --no-warnings\n',
    });
    const services = [service('a', { boot: 'boot.ps1', run: 'run.sh' }), service('b', { run: 'fine.sh' })];
    const node = join(process.execPath, '..');
    expect(checkInterpreters({ services }, folder, node)).toMatchObject({
      state: 'failed',
      found:
        'pwsh, which boot.ps1 is written for, is not on this machine; /opt/no/such/shell, which run.sh is written for, is not on this machine.',
    });
  });
});
