import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open } from 'node:fs/promises';
import { rm } from '../../../core/held-files.js';
import { installedFile } from '../../../core/installation.js';
import { identify, type ProcessIdentity } from '../../../core/process-identity.js';
import { replaceFile } from '../../../core/replace-file.js';
import { hostFiles, hostFolder, type LocalLayout } from '../layout.js';
import { inheritedEnvironment } from '../processes/environment.js';
import { MARK } from '../processes/marked.js';
import { hasPrivateMounts, PRIVATE_MOUNTS } from '../read-only.js';
import type { HostSpec } from './spec.js';

/** The programs that the local target starts; tests have their own. */
export interface Programs {
  supervisor: string;
  agent: string;
}

export function installedPrograms(): Programs {
  return { supervisor: installedFile('dist/supervisor.js'), agent: installedFile('dist/agent/agent.js') };
}

/** A host whose supervisor was started now. */
export interface LaunchedHost {
  spec: HostSpec;
  folder: string;
  supervisor: ProcessIdentity | undefined;
}

/** Makes a new host in an empty folder of its own, and starts its supervisor. */
export async function launchNew(layout: LocalLayout, spec: HostSpec, programs: Programs): Promise<LaunchedHost> {
  const folder = hostFolder(layout, spec.host);
  await rm(folder, { recursive: true, force: true });
  await mkdir(hostFiles(folder).work, { recursive: true });
  replaceFile(hostFiles(folder).spec, `${JSON.stringify(spec, null, 2)}\n`);
  return startSupervisor(folder, spec, programs);
}

/** Starts the supervisor of a host that is there: after a reboot, or when a rollout goes back to it. No second boot. */
export async function launchAgain(folder: string, spec: HostSpec, programs: Programs): Promise<LaunchedHost> {
  await rm(hostFiles(folder).state, { force: true });
  return startSupervisor(folder, spec, programs);
}

/** Starts another supervisor for a program that runs, because its own was killed. */
export function takeOver(folder: string, spec: HostSpec, programs: Programs): Promise<LaunchedHost> {
  return startSupervisor(folder, spec, programs);
}

/** The supervisor is a session of its own, without a pipe to anybody: it outlives this process and its terminal. */
async function startSupervisor(folder: string, spec: HostSpec, programs: Programs): Promise<LaunchedHost> {
  const log = await open(hostFiles(folder).log, 'a', 0o600);
  try {
    const [command = '', ...args] = [
      ...(hasPrivateMounts() ? ['unshare', ...PRIVATE_MOUNTS] : []),
      ...[process.execPath, programs.supervisor, folder],
      ...(hasPrivateMounts() ? ['private-mounts'] : []),
    ];
    const child = spawn(command, args, {
      cwd: folder,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      windowsHide: true,
      env: {
        ...inheritedEnvironment(process.env, {
          fetches: spec.fallback?.role === 'prepares' ? spec.fallback.logins : undefined,
        }),
        [MARK]: spec.environment[MARK] ?? '',
      },
    });
    await once(child, 'spawn');
    child.unref();
    return { spec, folder, supervisor: identify(child.pid ?? 0) };
  } finally {
    await log.close();
  }
}
