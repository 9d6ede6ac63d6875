import { type CommandOptions, openDeployed } from './project.js';

export interface DestroyPlan {
  project: string;
  environment: string;
  root: string;
  /** What `purge` takes away, in words. */
  holdings: string;
  hosts: number;
  database: boolean;
  releases: number;
  /** What is there only for a while: `worker i-0123`. */
  temporary: string[];
}

/** What `destroy` would remove, for the question that it asks. */
export async function destroyPlan(options: CommandOptions): Promise<DestroyPlan> {
  const { name, environment, target } = await openDeployed(options);
  const { hosts, database, releases, temporary } = await target.look().status();
  return {
    project: name,
    environment: environment.name,
    root: target.root,
    holdings: target.holdings,
    temporary: temporary.map(({ kind, id }) => `${kind} ${id}`),
    hosts: hosts.length,
    database: database !== undefined,
    releases: releases.length,
  };
}

/** Ends workers at work, and removes what dead ones left; hosts, the store and the database stay. Breaks into other commands. */
export async function endTemporary(options: CommandOptions): Promise<void> {
  const { target, context } = await openDeployed(options);
  await target.endTemporary(context);
}

/** Stops and removes the hosts and the database's process. Keeps the store and the database's data, unless `purge`. */
export async function destroy(options: CommandOptions & { purge: boolean }): Promise<void> {
  const { target, context } = await openDeployed(options);
  await target.exclusively('destroy', context, (held) => target.destroy({ ...held, purge: options.purge }));
}
