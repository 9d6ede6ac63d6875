import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The program behind metadata, load balancers, and ways from one network to another. */
export const SERVICES = fileURLToPath(new URL('./services.mjs', import.meta.url));

/** Starts it; `around` is a command that runs it elsewhere. It ends with this process. */
export function services(rules: string[], around: string[] = []): ChildProcess {
  return spawn('setpriv', ['--pdeathsig', 'KILL', ...around, process.execPath, SERVICES, ...rules], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

/** Resolves when a program of ours says that it is ready. */
export async function ready(child: ChildProcess, what: string): Promise<void> {
  if (child.stdout === null) throw new Error(`${what} has no output`);
  await Promise.race([
    once(createInterface(child.stdout), 'line'),
    once(child, 'exit').then(([status]) => {
      throw new Error(`${what} could not be made: status ${status}`);
    }),
  ]);
}
