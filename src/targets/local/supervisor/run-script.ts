import { join } from 'node:path';
import { identify } from '../../../core/process-identity.js';
import type { HostSpec } from '../hosts/spec.js';
import { inheritedEnvironment } from '../processes/environment.js';
import { MARK, RUN_MARK } from '../processes/marked.js';
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
        ...secrets,
        ...spec.environment,
        PRESTAGE_ROOT: release,
        ...(phase === 'running' ? { [RUN_MARK]: spec.environment[MARK] ?? '' } : {}),
      },
      output: log.descriptor,
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

/** How `run` is ended. */
export function stopOf({ stop = USUAL_STOP }: HostSpec): Stop {
  return { signal: stop.signal as NodeJS.Signals, timeoutMs: stop.timeoutMs };
}
