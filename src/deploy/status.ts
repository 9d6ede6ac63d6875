import type { LogWindow } from '../targets/index.js';
import { type CommandOptions, openDeployed } from './project.js';
import type { StatusResult } from './results.js';

/** What is prepared, deployed and running, and what is there only for a while. */
export async function status(options: CommandOptions): Promise<StatusResult> {
  const { target, environment } = await openDeployed(options);
  const { release = null, ...rest } = await target.look().status();
  return { environment: environment.name, root: target.root, release, ...rest };
}

/** Emits `log` events: the lines of a host, of a service's hosts, of the database, of the worker, or of all of them. */
export async function logs(options: CommandOptions & LogWindow & { source?: string; follow: boolean }): Promise<void> {
  const { target, context } = await openDeployed(options);
  const { source, follow, tail, since } = options;
  await target.logs(source, {
    ...context,
    follow,
    ...(tail === undefined ? {} : { tail }),
    ...(since === undefined ? {} : { since }),
  });
}
