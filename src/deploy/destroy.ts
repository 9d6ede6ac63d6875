import { type CommandOptions, openProject } from './project.js';

/** What `destroy` would remove, for the question that it asks. */
export async function destroyPlan(
  options: CommandOptions,
): Promise<{ project: string; environment: string; root: string; hosts: number; database: boolean; releases: number }> {
  const { config, environment, target } = await openProject(options);
  const { hosts, database, releases } = await target.status();
  return {
    project: config.name,
    environment: environment.name,
    root: target.root,
    hosts: hosts.length,
    database: database !== undefined,
    releases: releases.length,
  };
}

/** Stops and removes the hosts and the database's process. Keeps the store and the database's data, unless `purge`. */
export async function destroy(options: CommandOptions & { purge: boolean; wait?: boolean }): Promise<void> {
  const { target } = await openProject(options);
  await target.exclusively('destroy', { wait: options.wait ?? false, signal: options.signal, emit: options.emit }, () =>
    target.destroy({ purge: options.purge, emit: options.emit }),
  );
}
