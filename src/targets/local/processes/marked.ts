import { readdirSync } from 'node:fs';
import { identify, type ProcessIdentity, readProc } from '../../../core/process-identity.js';

/**
 * Every process of a host carries this variable, so that daemons which left their process group (setsid) are found as
 * well. Its value is `<root's id>/<host>`. Only Linux lets us look: elsewhere there is nothing to be found.
 */
export const MARK = 'PRESTAGE_HOST_ID';

/** What `run` starts carries this as well, with the same value: what it left is ended before it is started again. */
export const RUN_MARK = 'PRESTAGE_RUN_ID';

/** Running processes whose mark starts so: `<root's id>/` for all of a root, `<root's id>/api-0` with `exact` for one host's. */
export function findMarked(
  mark: string,
  { exact, variable = MARK }: { exact: boolean; variable?: string },
): ProcessIdentity[] {
  if (process.platform !== 'linux') return [];
  return processIds().flatMap((pid) => {
    const value = markOf(pid, variable);
    const matches = value !== undefined && (exact ? value === mark : value.startsWith(mark));
    const identity = matches && pid !== process.pid ? identify(pid) : undefined;
    return identity ? [identity] : [];
  });
}

/** The mark of a process, where it has one and may be looked at. */
export function markOf(pid: number, variable = MARK): string | undefined {
  const entries = readProc(`${pid}/environ`)?.split('\0');
  return entries?.find((entry) => entry.startsWith(`${variable}=`))?.slice(variable.length + 1);
}

export function processIds(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}
