import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { PrestageError } from '../../../core/errors.js';

/** How the server's programs are started, so that they do not run as root: PostgreSQL refuses that. */
export interface ServerUser {
  /** Put before the program and its arguments. */
  prefix: string[];
  /** For spawn, and for the data's owner; undefined: as we are. */
  uid: number | undefined;
  gid: number | undefined;
}

/** nobody: it owns nothing, and every Linux knows it by this number. */
const NOBODY = 65_534;

/**
 * As another user, files below /root (mode 700) are out of reach, and a checkout is often just there. So as root on Linux
 * the server keeps one capability, to pass by file permissions. It must be ambient to live on in a program without file
 * capabilities (capabilities(7)); and `no_setuid_fixup` lets it count in access(2) too, by which the programs look for each other.
 */
function setpriv({ uid, gid }: Owner): string[] {
  return [
    'setpriv',
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    '--inh-caps=+dac_override',
    '--ambient-caps=+dac_override',
    '--securebits=+no_setuid_fixup',
  ];
}

interface Owner {
  uid: number;
  gid: number;
}

/**
 * Tries what works on this machine.
 * @param program one of the server's, which knows `--version`
 * @param data the data directory: where there is one, the server must run as its owner
 */
export function chooseServerUser(program: string, data: string): ServerUser {
  if (process.getuid?.() !== 0) return { prefix: [], uid: undefined, gid: undefined };
  const owner = ownerOf(data) ?? { uid: NOBODY, gid: NOBODY };
  if (runs([...setpriv(owner), program])) return { prefix: setpriv(owner), ...owner };
  if (runs([program], owner)) return { prefix: [], ...owner };
  throw new PrestageError(
    'DATABASE_FAILED',
    'PostgreSQL does not run as root, and it cannot be started as another user here.',
    {
      hint: 'Run prestage as an ordinary user, install util-linux (for setpriv), or put the root where every user can reach it (not below /root).',
      context: { path: program },
    },
  );
}

/** An ordinary user may have deployed here before root does. */
function ownerOf(data: string): Owner | undefined {
  const stats = statSync(data, { throwIfNoEntry: false });
  return stats && stats.uid !== 0 ? { uid: stats.uid, gid: stats.gid } : undefined;
}

/** Where the user is set by a prefix, spawn must not set it as well. */
export function spawnUser({ prefix, uid, gid }: ServerUser): { uid?: number; gid?: number } {
  return prefix.length > 0 || uid === undefined || gid === undefined ? {} : { uid, gid };
}

function runs([command = '', ...rest]: string[], user: { uid?: number; gid?: number } = {}): boolean {
  return spawnSync(command, [...rest, '--version'], { stdio: 'ignore', cwd: '/', ...user }).status === 0;
}
