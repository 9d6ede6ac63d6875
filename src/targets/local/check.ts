import { PrestageError } from '../../core/errors.js';
import { isRunning } from '../../core/process-identity.js';
import type { ServicesPlan } from '../../plan/index.js';
import type { Deployment } from '../target.js';
import { checkUsers } from './hosts/check-users.js';
import type { ObservedHost } from './hosts/observe.js';
import { type PortHolder, portHolders, portTrouble } from './hosts/port-holder.js';
import { assignPorts } from './hosts/ports.js';
import { type LocalLayout, rootId } from './layout.js';
import type { LocalLook } from './look.js';
import type { PhaseTwo } from './rollout/apply.js';
import { demandJump } from './rollout/fallback.js';

/** What can be found wrong before anything is changed. @throws CONFIG_INVALID, DATABASE_UNSUPPORTED, PORT_IN_USE, FILES_NOT_READY */
export async function checkServices(
  deployment: Deployment,
  look: LocalLook,
  { layout, database }: PhaseTwo,
): Promise<void> {
  if (deployment.fallback) demandJump(deployment);
  checkUsers(deployment.services, layout.root);
  await database.check(deployment.services.database);
  await checkPorts(deployment.services, layout, await look.observed());
}

/** The ports that hosts would listen on: free, or ours. @throws PORT_IN_USE */
export async function checkPorts(
  services: ServicesPlan,
  layout: LocalLayout,
  observed: readonly ObservedHost[],
): Promise<number[]> {
  const ports = await assignPorts(
    services,
    observed.map(({ spec }) => spec),
  );
  // A port that one of our own hosts has will be free when that host is replaced.
  const ours = new Set(
    observed
      .filter(({ state }) => state && (isRunning(state.supervisor) || isRunning(state.child)))
      .map(({ spec }) => spec.port),
  );
  for (const [host, port] of ports) {
    const trouble = await portTrouble(port);
    if (trouble === undefined || ours.has(port)) continue;
    const holders = portHolders(port);
    const strangers = holders.filter(({ mark }) => !mark?.startsWith(`${rootId(layout.root)}/`));
    if (trouble === 'forbidden') throw portForbidden(host, port);
    if (holders.length === 0 || strangers.length > 0) throw portInUse(host, port, strangers[0]);
  }
  return [...ports.values()];
}

function portInUse(host: string, port: number, holder: PortHolder | undefined): PrestageError {
  const service = host.replace(/-\d+$/, '');
  const by = holder ? `${holder.command} (process ${holder.pid})` : 'another program';
  const ours = holder?.mark === undefined ? '' : ', which another root of Prestage runs';
  return new PrestageError('PORT_IN_USE', `Port ${port}, which ${service} is to listen on, is taken by ${by}${ours}.`, {
    hint: 'End that program, or give the service another `port` in the configuration. Nothing was changed.',
    context: { service, host, port, ...(holder ? { pid: holder.pid, command: holder.command } : {}) },
  });
}

function portForbidden(host: string, port: number): PrestageError {
  const service = host.replace(/-\d+$/, '');
  return new PrestageError(
    'PORT_IN_USE',
    `Port ${port}, which ${service} is to listen on, may not be used by this user.`,
    {
      hint: 'Ports below 1024 are for root, as a rule: give the service a higher `port` in the configuration. Nothing was changed.',
      context: { service, host, port },
    },
  );
}
