import { spawnSync } from 'node:child_process';
import { fchownSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { identify } from '../../../core/process-identity.js';
import type { HostSpec } from '../hosts/spec.js';
import { inheritedEnvironment } from '../processes/environment.js';
import { MARK, RUN_MARK } from '../processes/marked.js';
import { findUser, type HostUser, isOurselves } from '../processes/users.js';
import { type Host, provideWorkingFolder, rootOf } from './host.js';
import { type Ending, runProgram, type Stop, scriptCommand, USUAL_STOP } from './script.js';
import { readSecrets } from './secrets.js';

/** Runs `boot` or `run` of a host to its end, in the host's working folder. */
export async function runScript(
  host: Host,
  script: string,
  { alone, phase }: { alone: boolean; phase?: 'running' },
): Promise<Ending> {
  const { spec, files, log, reporter, signal } = host;
  provideWorkingFolder(host);
  const release = join(rootOf(spec), 'releases', spec.release);
  const user = userOf(phase === 'running' ? spec.user : spec.bootUser);
  if (user !== undefined) giveTo(user, host);
  let secrets: Record<string, string>;
  try {
    secrets = await readSecrets(spec.secrets ?? {});
  } catch (error) {
    return { started: false, ok: false, words: error instanceof Error ? error.message : String(error) };
  }
  return runProgram(
    {
      ...scriptCommand(join(release, '.prestage', 'scripts', script)),
      folder: files.work,
      environment: {
        ...inheritedEnvironment(process.env, { fetches: undefined }),
        ...(user && { HOME: user.home, USER: user.name, LOGNAME: user.name }),
        ...secrets,
        ...spec.environment,
        PRESTAGE_ROOT: release,
        ...(phase === 'running' ? { [RUN_MARK]: spec.environment[MARK] ?? '' } : {}),
      },
      output: log.descriptor,
      user,
    },
    {
      signal,
      alone,
      stop: phase === 'running' ? stopOf(spec) : undefined,
      onStart: (pid) =>
        reporter.report({ child: identify(pid), ...(phase ? { phase, runStartedAt: new Date().toISOString() } : {}) }),
    },
  );
}

/** Who the script runs as, where that is not who runs this. @throws Error where there is no such user any more */
export function userOf(name: string | undefined): HostUser | undefined {
  if (name === undefined || isOurselves(name)) return undefined;
  const user = findUser(name);
  if (user === undefined) throw new Error(`there is no user ${name} on this machine`);
  return user;
}

/** The working folder with all that is in it, and what it writes to: a program may open /dev/stderr again. */
function giveTo({ name, uid, gid }: HostUser, { files, log }: Host): void {
  if (statSync(files.work).uid !== uid) {
    const { status, stderr } = spawnSync('chown', ['-hR', `${uid}:${gid}`, files.work], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`the working folder could not be given to ${name}: ${stderr.trim()}`);
  }
  fchownSync(log.descriptor, uid, gid);
}

/** How `run` is ended. */
export function stopOf({ stop = USUAL_STOP }: HostSpec): Stop {
  return { signal: stop.signal as NodeJS.Signals, timeoutMs: stop.timeoutMs };
}
