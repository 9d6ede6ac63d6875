import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { PrestageError } from '../../../core/errors.js';
import type { ServicesPlan } from '../../../plan/index.js';
import { findUser, isOurselves } from '../processes/users.js';

interface Wanted {
  service: string;
  key: 'user' | 'bootUser';
  name: string;
}

/** The users that services name, other than who deploys. */
export function otherUsers({ services }: ServicesPlan): Wanted[] {
  return services.flatMap(({ name: service, boot, run, bootUser, user }) =>
    [
      ...(boot === undefined || bootUser === undefined ? [] : [{ service, key: 'bootUser' as const, name: bootUser }]),
      ...(run === undefined || user === undefined ? [] : [{ service, key: 'user' as const, name: user }]),
    ].filter(({ name }) => !isOurselves(name)),
  );
}

/** That programs can be started as these users. @throws CONFIG_INVALID */
export function checkUsers(services: ServicesPlan, root: string): void {
  for (const wanted of otherUsers(services)) {
    const trouble = troubleWith(wanted.name, root);
    if (trouble === undefined) continue;
    const { service, key, name } = wanted;
    throw new PrestageError('CONFIG_INVALID', `services.${service}.${key} is ${name}, and ${trouble.what}.`, {
      hint: `${trouble.hint} An environment may name another: \`environments.<name>.services.${service}.${key}\`. Nothing was changed.`,
      context: { service, key: `services.${service}.${key}` },
    });
  }
}

function troubleWith(name: string, root: string): { what: string; hint: string } | undefined {
  if (process.platform === 'win32')
    return { what: 'Windows starts programs as nobody else without a password', hint: 'Leave it out here.' };
  if (process.getuid?.() !== 0)
    return { what: 'only root can start programs as another user', hint: `Deploy as root or as ${name}.` };
  const user = findUser(name);
  if (user === undefined)
    return { what: 'there is no such user on this machine', hint: `Make it: \`useradd --system ${name}\`.` };
  const place = nearestFolder(root);
  const { uid, gid } = user;
  if (spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', place], { uid, gid, cwd: '/', stdio: 'ignore' }).status === 0)
    return undefined;
  return {
    what: `that user may not enter ${place}`,
    hint: 'Put the `root` of the environment where that user can reach it (not below /root).',
  };
}

/** The root itself, or where it will be made. */
function nearestFolder(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestFolder(dirname(path));
}
