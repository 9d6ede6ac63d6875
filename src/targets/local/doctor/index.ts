import type { ServicesPlan } from '../../../plan/index.js';
import { ok } from '../../checks/finding.js';
import type { Check } from '../../checks/run-checks.js';
import { keptVariables, secretsVerdict } from '../../checks/secrets.js';
import { checkPorts } from '../check.js';
import { openDatabase } from '../database/index.js';
import { checkUsers, otherUsers } from '../hosts/check-users.js';
import { observeHosts } from '../hosts/observe.js';
import { layoutOf } from '../layout.js';
import { findSecretFaults } from '../secrets.js';
import { checkFileSystem } from './file-system.js';
import { checkInterpreters } from './interpreters.js';
import { checkRoot, checkSpace } from './root.js';

/** What of this machine is to be looked at before an environment is deployed to it. What is written for it is removed again. */
export function localChecks(given: {
  project: string;
  configFolder: string;
  root: string;
  services: ServicesPlan;
}): Check[] {
  const { configFolder, root, services } = given;
  const { database } = services;
  const kept = keptVariables(services);
  const others = otherUsers(services);
  const layout = layoutOf(root);
  return [
    { name: 'root', run: () => checkRoot(root) },
    { name: 'space', run: () => checkSpace(root) },
    { name: 'file system', needs: 'root', run: () => checkFileSystem(root) },
    { name: 'interpreters', run: async () => checkInterpreters(services, configFolder) },
    {
      name: 'ports',
      async run() {
        const ports = await checkPorts(services, layout, await observeHosts(layout));
        return ok(ports.length === 0 ? 'No service has a port.' : `Free, or our own: ${ports.join(', ')}.`);
      },
    },
    ...(others.length === 0
      ? []
      : [
          {
            name: 'users',
            async run() {
              checkUsers(services, root);
              return ok(`Programs can be started as ${[...new Set(others.map(({ name }) => name))].join(', ')}.`);
            },
          },
        ]),
    ...(kept.length === 0
      ? []
      : [
          {
            name: 'secrets',
            run: async () => secretsVerdict(kept.length, await findSecretFaults(services)),
          },
        ]),
    ...(database === undefined
      ? []
      : [
          {
            name: 'database',
            async run() {
              await openDatabase(layout, given).check(database);
              return ok(`There is a server for ${database.engine} ${database.version}.`);
            },
          },
        ]),
  ];
}
