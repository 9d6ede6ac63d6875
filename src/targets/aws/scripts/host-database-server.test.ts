import { execFile, execFileSync } from 'node:child_process';
import { appendFileSync, chownSync, copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  askJson,
  freePort,
  HEALTH,
  type LocalTargetKit,
  openLocalTargetKit,
  SERVER,
  service,
} from '../../../../test/local-target.js';
import { repository } from '../../../../test/prestage.js';
import { lacks } from '../../../../test/requirements.js';
import { until } from '../../../../test/until.js';

const execute = promisify(execFile);

/** As a program of a host does: a client from npm, with nothing but the URL. */
const CLIENT = `
  import postgres from 'postgres';
  const sql = postgres(process.env.PRESTAGE_DATABASE_URL, { max: 1, connect_timeout: 20 });
  try {
    const [{ ssl }] = await sql\`SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()\`;
    console.log(ssl ? 'by TLS' : 'in clear');
  } catch ({ code, message }) {
    console.log(code + ' ' + message);
  }
  await sql.end();
`;

let kit: LocalTargetKit;
let url: string;

describe.skipIf(lacks('openssl'))('a PostgreSQL that takes nothing but TLS, as RDS is from version 15 on', () => {
  beforeAll(async () => {
    kit = await openLocalTargetKit();
    const port = await freePort();
    const release = await kit.publish({ scripts: { 'api.js': SERVER } });
    const services = [service('api', { run: 'api.js', port, health: HEALTH })];
    await kit.deploy(release, services, { database: { engine: 'postgres', version: '16' } });
    // By a name, as RDS is: some clients do not look for an address in a certificate.
    url = ((await askJson(port, '/')).PRESTAGE_DATABASE_URL ?? '').replace('127.0.0.1', 'localhost');
    demandTls();
    // Stopped and started again it could find its port taken: it reads its settings as it runs, some time after it is told to.
    await until('the server to demand TLS', async () => /no encryption/.test(await said(url, 'rds')));
  });
  afterAll(() => kit.close());

  /** Its certificate is by an authority of the test's own. */
  function demandTls(): void {
    authority('rds');
    authority('another');
    const data = join(kit.root, 'database/data');
    const { uid, gid } = statSync(data);
    for (const name of ['server.crt', 'server.key']) {
      copyFileSync(join(kit.root, `rds-${name}`), join(data, name));
      chownSync(join(data, name), uid, gid);
    }
    appendFileSync(join(data, 'postgresql.conf'), '\nssl = on\n');
    writeFileSync(join(data, 'pg_hba.conf'), 'hostssl all all 127.0.0.1/32 scram-sha-256\n');
    const [pid = ''] = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
    process.kill(Number(pid), 'SIGHUP');
  }

  /** What the client says of a URL, with an authority that it trusts. */
  async function said(url: string, trusted: string): Promise<string> {
    const authorities = { NODE_EXTRA_CA_CERTS: join(kit.root, `${trusted}.pem`) };
    const env = { ...process.env, PRESTAGE_DATABASE_URL: url, ...authorities };
    const { stdout } = await execute(process.execPath, ['--input-type=module', '-e', CLIENT], { cwd: repository, env });
    return stdout;
  }

  function authority(name: string): void {
    const openssl = (line: string) => execFileSync('openssl', line.split(' '), { cwd: kit.root, stdio: 'pipe' });
    openssl(`req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=${name} -keyout ${name}.key -out ${name}.pem`);
    openssl(`req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout ${name}-server.key -out ${name}.csr`);
    writeFileSync(join(kit.root, 'names'), 'subjectAltName=DNS:localhost\n');
    openssl(
      `x509 -req -days 2 -in ${name}.csr -CA ${name}.pem -CAkey ${name}.key -CAcreateserial -extfile names -out ${name}-server.crt`,
    );
  }

  test.each([
    ['the URL without a word of TLS', '', 'rds', /no encryption/],
    ["a host's URL and authorities", '?sslmode=verify-full', 'rds', /^by TLS/],
    [
      "a host's URL, and a server by another authority",
      '?sslmode=verify-full',
      'another',
      /unable to verify|self-signed/,
    ],
  ])('%s', async (_, query, trusted, expected) => {
    expect(await said(`${url}${query}`, trusted)).toMatch(expected);
  });
});
