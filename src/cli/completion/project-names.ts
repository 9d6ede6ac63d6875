import { loadConfig } from '../../config/index.js';
import type { Candidate, Place, ProjectNames } from './candidates.js';

/** How long a shell may be kept waiting for a store to answer, in milliseconds. */
const PATIENCE = 2000;

/** Names by the project's configuration and store. Where either cannot be read there are none: a shell shows no errors. */
export const projectNames: ProjectNames = {
  environments: async (place) =>
    (await configOf(place)).environments.map(({ name, target }) => named(name, target === 'aws' ? 'AWS' : 'local')),
  parts: async (place) => {
    const { packages, services } = await configOf(place);
    return [
      ...services.services.map(({ name }) => named(name, 'service')),
      ...packages.map(({ id }) => named(id, 'package')),
    ];
  },
  speakers: async (place) => {
    const { services, database } = (await configOf(place)).services;
    return [
      ...services.map(({ name }) => named(name, 'service')),
      ...services.flatMap(({ name, count }) =>
        Array.from({ length: count }, (_, index) => named(`${name}-${index}`, `host of ${name}`)),
      ),
      ...(database ? [named('database', database.engine)] : []),
      named('worker', 'the last preparation'),
    ];
  },
  releases: async ({ config, env }) => {
    const { releases } = await import('../../deploy/index.js');
    const { releases: found } = await releases({
      emit: () => {},
      signal: AbortSignal.timeout(PATIENCE),
      ...(config === undefined ? {} : { config }),
      ...(env === undefined ? {} : { environment: env }),
    });
    return found
      .map(({ release, createdAt, current }) => named(release, current ? 'current' : `prepared ${createdAt}`))
      .reverse();
  },
};

const configOf = ({ config, env }: Place) => loadConfig(config ?? process.cwd(), { environment: env, orFirst: true });

const named = (value: string, description: string): Candidate => ({ value, description });
