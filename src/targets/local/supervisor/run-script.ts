import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { identify } from '../../../core/process-identity.js';
import { inheritedEnvironment } from '../processes/environment.js';
import { MARK, RUN_MARK } from '../processes/marked.js';
import { type Host, rootOf } from './host.js';
import { type Ending, runProgram, scriptCommand } from './script.js';
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
      onStart: (pid) =>
        reporter.report({ child: identify(pid), ...(phase ? { phase, runStartedAt: new Date().toISOString() } : {}) }),
    },
  );
}

function provideWorkingFolder({ files, log }: Host): void {
  if (existsSync(files.work)) return;
  log.say('the working folder was removed; a new, empty one is made');
  try {
    mkdirSync(files.work);
  } catch (error) {
    log.say(error instanceof Error ? error.message : String(error));
  }
}
