import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SOME_HOST, unpacked } from '../../../../test/aws/some-host.js';
import { lacks } from '../../../../test/requirements.js';
import { databaseCertificates } from '../data/certificates.js';
import { renderHostScript } from './host.js';

const execute = promisify(execFile);
const certificates = databaseCertificates('eu-central-1');

/** The script of a host as a machine has it, without what it does. */
const [FUNCTIONS = ''] = unpacked(
  renderHostScript({
    ...SOME_HOST,
    bucket: 'b',
    boot: 'print',
    run: undefined,
    database: { secret: 'arn', ...certificates },
  }),
).split('\nMODE=');

/** As far as the script uses it: Secrets Manager has one secret, and S3 what is in a folder. */
const AWS = `#!/bin/sh
case $1 in
  s3) exec cp "objects/$(basename "$6")" "$7" ;;
  *) exec cat secret.json ;;
esac
`;
const PRINT = `#!/bin/sh
env | grep -E '^(PRESTAGE_DATABASE|PGSSL|NODE_EXTRA)' | sort
`;
/** May hold anything. */
const secret = { username: 'us:er', password: `p@/%'"\\$ ü&=?`, host: 'db.internal', port: 5432, dbname: 'portal' };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prestage-host-database-'));
  for (const name of ['bin', 'objects', 'now', 'tmp', 'work', 'release/.prestage/scripts'])
    mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'bin/aws'), AWS, { mode: 0o755 });
  writeFileSync(join(folder, 'release/.prestage/scripts/print'), PRINT, { mode: 0o755 });
  for (const { key, content } of Object.values(certificates))
    writeFileSync(join(folder, 'objects', basename(key)), content);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What a program of a host with this secret finds of its database; or what the host failed with. */
async function found(engine: string): Promise<string> {
  writeFileSync(join(folder, 'secret.json'), JSON.stringify({ ...secret, engine }));
  const script = `${FUNCTIONS}
    HOME_FOLDER=${folder} NOW=${folder}/now TMP=${folder}/tmp WORK=${folder}/work RELEASE_FOLDER=${folder}/release
    ADDRESS=127.0.0.1 NEIGHBOURS=/dev/null
    fail() { echo "failed: $1"; exit 0; }
    exec 3>/dev/null
    obtain_database_url
    program print root`;
  const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}` };
  const { stdout } = await execute('dash', ['-c', script], { cwd: folder, env });
  return stdout.replaceAll(folder, '/var/lib/prestage');
}

const PASSWORD = 'p%40%2F%25%27%22%5C%24%20%C3%BC%26%3D%3F';
const CA = '/var/lib/prestage/database-ca';

describe.skipIf(lacks('dash'))('a program of a host finds its database', () => {
  test.each([
    [
      'postgres',
      `postgres://us%3Aer:${PASSWORD}@db.internal:5432/portal?sslmode=verify-full`,
      `jdbc:postgresql://db.internal:5432/portal?user=us%3Aer&password=${PASSWORD}&sslmode=verify-full&sslrootcert=${CA}.pem`,
    ],
    [
      'mysql',
      `mysql://us%3Aer:${PASSWORD}@db.internal:5432/portal`,
      `jdbc:mysql://db.internal:5432/portal?user=us%3Aer&password=${PASSWORD}&sslMode=VERIFY_IDENTITY&trustCertificateKeyStoreUrl=file:${CA}.jks&trustCertificateKeyStoreType=JKS&trustCertificateKeyStorePassword=changeit`,
    ],
  ])('%s, and what its certificate is verified by', async (engine, url, jdbcUrl) => {
    expect((await found(engine)).split('\n')).toEqual([
      `NODE_EXTRA_CA_CERTS=${CA}.pem`,
      `PGSSLROOTCERT=${CA}.pem`,
      `PRESTAGE_DATABASE_CA=${CA}.pem`,
      `PRESTAGE_DATABASE_JDBC_URL=${jdbcUrl}`,
      `PRESTAGE_DATABASE_URL=${url}`,
      '',
    ]);
    expect(readFileSync(join(folder, 'database-ca.pem'))).toEqual(certificates.pem.content);
    expect(readFileSync(join(folder, 'database-ca.jks'))).toEqual(certificates.truststore.content);
  });

  test('at the next start without asking the bucket again', async () => {
    await found('postgres');
    rmSync(join(folder, 'objects'), { recursive: true });
    expect(await found('postgres')).toContain('sslmode=verify-full');
  });

  test('only where the certificates are those that were meant', async () => {
    writeFileSync(join(folder, 'objects', basename(certificates.pem.key)), 'another authority');
    expect(await found('postgres')).toMatch(/^failed: s3:\/\/b\/certificates\/\S+ is not what was uploaded/);
  });
});
