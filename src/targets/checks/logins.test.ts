import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { folderWith } from '../../../test/folder-with.js';
import type { ServerAccess } from '../../core/server-access.js';
import { loginChecks } from './logins.js';
import { runChecks } from './run-checks.js';

afterEach(() => vi.unstubAllEnvs());

async function found(access?: ServerAccess) {
  const servers = [{ url: new URL('https://repo.example.com/app.jar'), access }];
  const [finding] = await runChecks(loginChecks(servers), { signal: new AbortController().signal });
  return finding;
}

test('doctor says what each server of a source is sent, and what of it is missing', async () => {
  const folder = await folderWith({ netrc: 'machine repo.example.com login me password secret' });
  const file = join(folder, 'netrc');
  await chmod(file, 0o600);
  vi.stubEnv('NETRC', file);
  expect(await found()).toMatchObject({ check: 'logins', state: 'ok', found: expect.stringContaining(file) });
  const auth = { fromEnv: 'PRESTAGE_TEST_TOKEN' };
  expect(await found({ auth })).toMatchObject({
    state: 'failed',
    found: 'The variable PRESTAGE_TEST_TOKEN, which has the login for repo.example.com, is not set.',
  });
  vi.stubEnv('PRESTAGE_TEST_TOKEN', 'secret');
  expect(await found({ auth })).toMatchObject({
    state: 'ok',
    found: 'What servers are sent: repo.example.com: the token in PRESTAGE_TEST_TOKEN.',
  });
  expect(await found({ ca: join(folder, 'ca.pem') })).toMatchObject({
    state: 'failed',
    found: expect.stringContaining('cannot be read (ENOENT)'),
  });
});

test.skipIf(process.platform === 'win32')('doctor warns of a file with passwords that others can read', async () => {
  const file = join(await folderWith({ netrc: 'machine repo.example.com login me password secret' }), 'netrc');
  await chmod(file, 0o644);
  vi.stubEnv('NETRC', file);
  expect(await found()).toMatchObject({ state: 'warning', remedy: `Run: chmod 600 ${file}` });
});

test('nothing is looked at where no source is on a server', () => {
  expect(loginChecks([])).toEqual([]);
});
