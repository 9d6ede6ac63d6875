import { type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { PrestageError } from '../../../core/errors.js';
import { rename, rm } from '../../../core/held-files.js';
import { inheritedEnvironment } from '../processes/environment.js';
import type { PostgresPackage } from './postgres-package.js';
import { type ServerUser, spawnUser } from './server-user.js';
import type { DatabaseSettings } from './settings.js';

export interface Cluster {
  /** The server's programs and libraries. */
  runtime: string;
  /** The data directory. */
  data: string;
  user: ServerUser;
}

/** Where the data is; it has this name only when it is complete. */
export function dataFolder(databaseFolder: string): string {
  return join(databaseFolder, 'data');
}

/** Makes the data directory, with the project's user and database in it, unless it is there. */
export async function provideCluster(
  databaseFolder: string,
  cluster: Cluster,
  settings: DatabaseSettings,
  server: PostgresPackage,
): Promise<void> {
  if (existsSync(cluster.data)) return demandSameMajor(cluster.data, server);
  const staging = join(databaseFolder, `.data-${randomUUID()}`);
  const passwordFile = join(databaseFolder, `.password-${randomUUID()}`);
  const { uid, gid } = cluster.user;
  try {
    await mkdir(staging, { mode: 0o700 });
    // Nobody signs in as the superuser: its password is forgotten at once. What needs it is done in single-user mode.
    await writeFile(passwordFile, randomBytes(24).toString('hex'), { mode: 0o600 });
    if (uid !== undefined && gid !== undefined)
      await Promise.all([staging, passwordFile].map((path) => chown(path, uid, gid)));
    await run(cluster, 'initdb', [
      ...['--pgdata', staging, '--username', 'postgres', '--pwfile', passwordFile],
      ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--no-locale', '--no-instructions', '--no-sync'],
    ]);
    await run(cluster, 'postgres', ['--single', '-D', staging, 'postgres'], createProjectDatabase(settings));
    await flush(cluster, staging);
    await rename(staging, cluster.data);
  } finally {
    await rm(passwordFile, { force: true });
    await rm(staging, { recursive: true, force: true });
  }
}

/** One call for the file system where there is one: a flush for each of the thousand files takes seconds on a busy disk. */
async function flush(cluster: Cluster, folder: string): Promise<void> {
  if (process.platform === 'linux' && spawnSync('sync', ['-f', folder], { stdio: 'ignore' }).status === 0) return;
  await run(cluster, 'initdb', ['--sync-only', '--pgdata', folder]);
}

/** Names are the project's, `[a-z][a-z0-9_]*`, and the password is hex: nothing to escape. One statement a line. */
function createProjectDatabase({ user, password, database }: DatabaseSettings): string {
  return `CREATE ROLE "${user}" LOGIN CREATEDB PASSWORD '${password}'\nCREATE DATABASE "${database}" OWNER "${user}"\n`;
}

async function demandSameMajor(data: string, server: PostgresPackage): Promise<void> {
  const major = (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim();
  if (major === server.major) return;
  throw new PrestageError(
    'DATABASE_UNSUPPORTED',
    `The data in ${data} is PostgreSQL ${major}'s; ${server.version} cannot read it.`,
    {
      hint: `Say version: '${major}' in the configuration; or, to begin with an empty database, move that folder away first.`,
      context: { path: data, expected: server.major, found: major },
    },
  );
}

/** How one of the server's programs is started: as which user, in which environment. */
export function programCall(
  cluster: Cluster,
  program: string,
  args: readonly string[],
): [command: string, args: string[], options: SpawnOptions] {
  const [command = '', ...rest] = [...cluster.user.prefix, join(cluster.runtime, 'bin', program), ...args];
  const environment = { ...inheritedEnvironment(process.env, { fetches: undefined }), LC_ALL: 'C', TZ: 'UTC' };
  return [command, rest, { ...spawnUser(cluster.user), cwd: cluster.runtime, env: environment, windowsHide: true }];
}

async function run(cluster: Cluster, program: string, args: readonly string[], input = ''): Promise<void> {
  const [command, rest, options] = programCall(cluster, program, args);
  const child = spawn(command, rest, { ...options, stdio: ['pipe', 'ignore', 'pipe'] });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(code === 0 ? '' : `it ended with ${signal ?? `exit status ${code}`}`));
  });
  child.stdin?.on('error', () => {}).end(input);
  const [failure, said] = await Promise.all([ended, child.stderr ? text(child.stderr) : '']);
  // In single-user mode the server goes on after a statement that failed, and ends with 0.
  if (failure === '' && !/\b(ERROR|FATAL|PANIC):/.test(said)) return;
  const log = said
    .trim()
    .split('\n')
    .filter((line) => !line.includes('PASSWORD'))
    .slice(-20);
  throw new PrestageError('DATABASE_FAILED', `PostgreSQL's ${program} failed: ${failure || log.at(-1)}.`, {
    hint: 'Its output is below. Check the space and the permissions of the database folder, then run the same command again.',
    context: { path: cluster.data, log },
  });
}
