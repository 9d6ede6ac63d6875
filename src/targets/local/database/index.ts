import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PrestageError } from '../../../core/errors.js';
import type { Emit } from '../../../core/events.js';
import { rm } from '../../../core/held-files.js';
import type { DatabasePlan } from '../../../plan/index.js';
import type { TargetStatus } from '../../target.js';
import { accepts, portHolders } from '../hosts/port-holder.js';
import { ADDRESS } from '../hosts/variables.js';
import { hostMark, type LocalLayout } from '../layout.js';
import { dataFolder, provideCluster } from './cluster.js';
import { findPostgres, type PostgresPackage } from './postgres-package.js';
import { provideRuntime } from './runtime.js';
import { findServer, startServer, stopServer } from './server.js';
import { chooseServerUser } from './server-user.js';
import { databaseUrl, movePort, provideSettings, readSettings } from './settings.js';

/** The project's database: a real PostgreSQL server as another process of the root (docs/decisions/0006). */
export interface LocalDatabase {
  /** What `applyServices` would do. */
  plan(wanted: DatabasePlan | undefined): Promise<{ action: 'create' | 'keep' | 'remove' | 'none'; running: boolean }>;
  /** Finds out what would fail, without changing anything. @throws DATABASE_UNSUPPORTED, PORT_IN_USE */
  check(wanted: DatabasePlan | undefined): Promise<void>;
  /** Makes it exist and run; false where it did already. @throws DATABASE_FAILED */
  provide(wanted: DatabasePlan, options: { emit: Emit; reservedPorts: ReadonlySet<number> }): Promise<boolean>;
  /** What services connect with, once it exists. A secret. */
  url(): Promise<string | undefined>;
  /** Ends the server; the data stays. */
  stop(emit: Emit): Promise<void>;
  purge(): Promise<void>;
  status(): Promise<TargetStatus['database']>;
  /** Its log. */
  readonly log: string;
}

export function openDatabase(
  layout: LocalLayout,
  { configFolder, project }: { configFolder: string; project: string },
): LocalDatabase {
  const folder = layout.database;
  const data = dataFolder(folder);
  const log = join(folder, 'server.log');

  return {
    log,

    async plan(wanted) {
      const running = (await findServer(data)) !== undefined;
      if (!wanted) return { action: running ? 'remove' : 'none', running };
      return { action: existsSync(data) ? 'keep' : 'create', running };
    },

    async check(wanted) {
      if (!wanted) return;
      findServerPackage(configFolder, wanted);
      const settings = await readSettings(folder);
      if (settings && !(await findServer(data)) && (await accepts(settings.port))) throw portTaken(settings.port);
    },

    async provide(wanted, { emit, reservedPorts }) {
      const server = findServerPackage(configFolder, wanted);
      const running = await findServer(data);
      if (running?.ready) return false;
      emit({ type: 'database.starting', engine: 'postgres', version: server.version });
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const runtime = await provideRuntime(folder, server);
      const cluster = { runtime, data, user: chooseServerUser(join(runtime, 'bin', 'initdb'), data) };
      let settings = await provideSettings(folder, project, reservedPorts);
      const isNew = !existsSync(data);
      await provideCluster(folder, cluster, settings, server);
      const mark = hostMark(layout.root, 'database');
      while (!running && (await startServer(cluster, { port: settings.port, log, mark })) === 'port-taken') {
        // Another one took the port since it was found free: while nobody knows the address yet, it may still change.
        if (!isNew) throw portTaken(settings.port);
        settings = await movePort(folder, settings, reservedPorts);
      }
      emit({
        type: 'database.ready',
        engine: 'postgres',
        version: server.version,
        address: ADDRESS,
        port: settings.port,
      });
      return true;
    },

    async url() {
      const settings = await readSettings(folder);
      return settings && databaseUrl(settings);
    },

    async stop(emit) {
      const server = await findServer(data);
      if (!server) return;
      await stopServer(server);
      emit({ type: 'database.stopped', engine: 'postgres' });
    },

    async purge() {
      await rm(folder, { recursive: true, force: true });
    },

    async status() {
      const settings = await readSettings(folder);
      if (!settings || !existsSync(data)) return undefined;
      const server = await findServer(data);
      const version = (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim();
      const state = server ? (server.ready ? 'running' : 'starting') : 'stopped';
      return { engine: 'postgres', version, address: ADDRESS, port: settings.port, state };
    },
  };
}

function findServerPackage(configFolder: string, { engine, version }: DatabasePlan): PostgresPackage {
  if (engine === 'postgres') return findPostgres(configFolder, version);
  throw new PrestageError('DATABASE_UNSUPPORTED', `The local target has no ${engine}.`, {
    hint: 'Use engine: postgres, or deploy this configuration to an aws environment.',
    context: { key: 'database.engine', expected: 'postgres', found: engine },
  });
}

function portTaken(port: number): PrestageError {
  const holder = portHolders(port)[0];
  const by = holder ? `${holder.command} (process ${holder.pid})` : 'another program';
  return new PrestageError('PORT_IN_USE', `The database's port ${port} is taken by ${by}.`, {
    hint: 'End that program, and deploy again.',
    context: { port, ...(holder ? { pid: holder.pid, command: holder.command } : {}) },
  });
}
