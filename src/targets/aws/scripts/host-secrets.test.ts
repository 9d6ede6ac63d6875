import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SOME_HOST, unpacked } from '../../../../test/aws/some-host.js';
import { lacks } from '../../../../test/requirements.js';
import { renderHostScript } from './host.js';
import type { HostSecret } from './inputs.js';

const execute = promisify(execFile);

/** As far as the script uses it: prints the file of what is asked for, and notes the question. */
const AWS = `#!/bin/sh
echo "$*" >>asked
case $1:$2 in
  secretsmanager:get-secret-value) exec cat "secret.json" ;;
  ssm:get-parameter) exec cat "parameter.json" ;;
esac
exit 1
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prestage-host-secrets-'));
  for (const name of ['bin', 'now', 'tmp', 'work', 'release/.prestage/scripts'])
    mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'bin/aws'), AWS, { mode: 0o755 });
  writeFileSync(join(folder, 'release/.prestage/scripts/print'), '#!/bin/sh\nexec env -0\n', { mode: 0o755 });
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The variables that a program of a host finds; or what the host failed with. */
async function found(
  secrets: Record<string, HostSecret>,
  { secret, parameter }: { secret?: string | null; parameter?: string },
): Promise<Record<string, string> | string> {
  writeFileSync(join(folder, 'secret.json'), JSON.stringify(secret));
  writeFileSync(join(folder, 'parameter.json'), JSON.stringify(parameter) ?? '');
  const [functions = ''] = unpacked(renderHostScript({ ...SOME_HOST, boot: 'print', secrets })).split('\nMODE=');
  const script = `${functions}
    HOME_FOLDER=${folder} NOW=${folder}/now TMP=${folder}/tmp WORK=${folder}/work RELEASE_FOLDER=${folder}/release
    ADDRESS=127.0.0.1 NEIGHBOURS=/dev/null
    retry() { shift 2; "$@"; }
    fail() { echo "failed: $1"; exit 0; }
    exec 3>/dev/null
    obtain_secrets
    program print root`;
  const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}` };
  const { stdout } = await execute('dash', ['-c', script], { cwd: folder, env });
  if (stdout.startsWith('failed: ')) return stdout.trim();
  return Object.fromEntries(stdout.split('\0').map((line) => line.split(/=(.*)/s).slice(0, 2)));
}

const DB_PASSWORD = { DB_PASSWORD: { kind: 'secret', name: 'portal/db', key: 'pass word' } } as const;

describe.skipIf(lacks('dash'))('a program of a host finds', () => {
  test('secrets, keys of secrets and parameters with whatever they hold, and nobody else sees them', async () => {
    const value = `p@/%'"\\$(id) \`id\` ü&=?\nsecond line`;
    const secrets = {
      ...DB_PASSWORD,
      LICENCE: { kind: 'secret', name: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:licence-AbCdEf' },
      TOKEN: { kind: 'parameter', name: '/portal/token' },
      PATH_OF_MANY: { kind: 'secret', name: 'portal/db', key: 'port' },
    } as const;
    const secret = JSON.stringify({ 'pass word': value, port: 5432 });
    expect(await found(secrets, { secret, parameter: value })).toMatchObject({
      DB_PASSWORD: value,
      LICENCE: secret,
      TOKEN: value,
      PATH_OF_MANY: '5432',
    });
    expect(readFileSync(join(folder, 'asked'), 'utf8')).toBe(
      [
        'secretsmanager get-secret-value --secret-id portal/db --query SecretString',
        'secretsmanager get-secret-value --secret-id arn:aws:secretsmanager:eu-central-1:123456789012:secret:licence-AbCdEf --query SecretString',
        'ssm get-parameter --name /portal/token --with-decryption --query Parameter.Value',
        'secretsmanager get-secret-value --secret-id portal/db --query SecretString',
      ]
        .map((asked) => `${asked} --region eu-central-1 --output json\n`)
        .join(''),
    );
    expect(statSync(join(folder, 'now/secrets.sh')).mode & 0o777).toBe(0o600);
  });

  test.each<[string, string | null, string]>([
    ['has no such key', '{"user":"u","password":"p"}', 'it has no key pass word, but user, password'],
    ['is no JSON', 'plain text', 'it is no JSON, so it has no key pass word'],
    ['is a list', '["plain"]', 'it is no JSON object, so it has no key pass word'],
    ['is binary', null, 'it is binary, not text'],
  ])('nothing where a secret %s, and the host says why without its value', async (_, secret, why) => {
    expect(await found(DB_PASSWORD, { secret })).toBe(
      `failed: the secret portal/db of the variable DB_PASSWORD is not what it must be: ${why}`,
    );
  });

  test('nothing where a secret cannot be read, and the host says what AWS said', async () => {
    writeFileSync(join(folder, 'bin/aws'), '#!/bin/sh\necho "AccessDeniedException" >&2\nexit 254\n', { mode: 0o755 });
    expect(await found(DB_PASSWORD, { secret: 'x' })).toBe(
      'failed: the secret portal/db of the variable DB_PASSWORD cannot be read: AccessDeniedException',
    );
  });
});
