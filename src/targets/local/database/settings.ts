import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { errnoOf, PrestageError } from '../../../core/errors.js';
import { replaceFile } from '../../../core/replace-file.js';
import { portTrouble } from '../hosts/port-holder.js';

/** server.json: chosen once for a root, so that the address and the password hold. Only its owner may read it. */
const databaseSettings = z.object({
  engine: z.literal('postgres'),
  port: z.int(),
  user: z.string(),
  database: z.string(),
  password: z.string(),
});

export type DatabaseSettings = z.infer<typeof databaseSettings>;

/** The first port that is tried: away from 5432, where the user's own server may be. */
const FIRST_PORT = 54_320;

export async function readSettings(folder: string): Promise<DatabaseSettings | undefined> {
  try {
    return databaseSettings.parse(JSON.parse(await readFile(settingsFile(folder), 'utf8')));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The root's settings, made now if there are none. Database and user are named after the project. */
export async function provideSettings(
  folder: string,
  project: string,
  reservedPorts: ReadonlySet<number>,
): Promise<DatabaseSettings> {
  const existing = await readSettings(folder);
  if (existing) return existing;
  const name = project.replaceAll('-', '_');
  const password = randomBytes(24).toString('hex');
  return saveSettings(folder, {
    engine: 'postgres',
    port: await freePort(reservedPorts),
    user: name,
    database: name,
    password,
  });
}

/** The same with another port, for a database that nobody has connected to yet. */
export async function movePort(
  folder: string,
  settings: DatabaseSettings,
  reservedPorts: ReadonlySet<number>,
): Promise<DatabaseSettings> {
  return saveSettings(folder, { ...settings, port: await freePort(new Set([...reservedPorts, settings.port])) });
}

async function saveSettings(folder: string, settings: DatabaseSettings): Promise<DatabaseSettings> {
  await mkdir(folder, { recursive: true });
  replaceFile(settingsFile(folder), `${JSON.stringify(settings, null, 2)}\n`);
  return settings;
}

/** What services connect with. Never in an event, a log or an error. */
export function databaseUrl({ user, password, port, database }: DatabaseSettings): string {
  return `postgres://${user}:${password}@127.0.0.1:${port}/${database}`;
}

async function freePort(reserved: ReadonlySet<number>): Promise<number> {
  for (let port = FIRST_PORT; port <= 65_535; port++) {
    if (!reserved.has(port) && (await portTrouble(port)) === undefined) return port;
  }
  throw new PrestageError('PORT_IN_USE', `There is no free port above ${FIRST_PORT} for the database.`);
}

function settingsFile(folder: string): string {
  return join(folder, 'server.json');
}
