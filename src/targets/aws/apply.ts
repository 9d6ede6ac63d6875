import { mapBounded } from '../../core/bounded.js';
import type { CommandContext } from '../../core/command-context.js';
import { PrestageError } from '../../core/errors.js';
import type { Emit } from '../../core/events.js';
import type { DeployedRelease, Deployment } from '../target.js';
import { awsParts } from './api/aws-parts.js';
import { appendDeployment } from './bucket/deployments.js';
import { deployStack } from './cloudformation/deploy-stack.js';
import { isDeployed, isWhole } from './cloudformation/deployed-stack.js';
import { settleStack } from './cloudformation/settle-stack.js';
import { ensureData } from './data/ensure-data.js';
import type { Place } from './environment/context.js';
import { everyHost, type HostMachine } from './hosts/every-host.js';
import { findHosts } from './hosts/find-hosts.js';
import { type FailedHost, followHosts } from './hosts/follow-hosts.js';
import { forgetNeighbours, tellNeighbours } from './hosts/neighbours.js';
import { infrastructureInputs, isRecorded } from './infrastructure/collect-inputs.js';
import { synthesizedInfrastructure } from './infrastructure/wanted.js';
import { type AwsLook, lookAt } from './look.js';
import { rollOut } from './rollout/roll-out.js';
import { provideFallback } from './worker/fallback.js';

/** Reports of hosts that are asked for at once. */
const IN_FLIGHT = 16;

/**
 * Phase 2: makes the infrastructure as the deployment says, by CloudFormation, which puts everything back where a host fails.
 * @throws HOST_FAILED, STACK_FAILED
 */
export async function applyInfrastructure(
  seen: AwsLook,
  place: Place,
  deployment: Deployment,
  options: CommandContext,
): Promise<'applied' | 'unchanged'> {
  const { context } = seen;
  const { session } = context;
  const { emit, signal } = options;
  const settled = await settledLook(seen, options);
  const data = await ensureData(settled, place, deployment, options);
  // A database takes minutes to make.
  const look = data.isChanged ? lookAt(context) : settled;
  const inputs = await infrastructureInputs(look, place, deployment, {
    data: data.outputs,
    fallback: () => provideFallback(context, place, deployment, options),
  });
  const { neighboursOf } = await awsParts(() => import('./infrastructure/host-inputs.js'));
  const wanted = await synthesizedInfrastructure(inputs);
  const { template } = wanted;
  const told = { template, neighbours: (service: string) => neighboursOf(service, inputs) };
  const last = await look.lastDeployment();
  if (await isDeployed(look.infrastructure, template)) {
    signal.throwIfAborted();
    // What is recorded was told to every host before.
    const isNews = !isRecorded(last, deployment, inputs.imageId);
    if (isNews) await tellNeighbours(place.bucket, told);
    await tellOfUnhealthyHosts(look, emit);
    if (isNews) await record(place, deployment, { last, image: inputs.imageId, emit });
    return isNews || data.isChanged ? 'applied' : 'unchanged';
  }
  // Those that stay are told when the others are there.
  const deployed = await look.infrastructure.template();
  await tellNeighbours(place.bucket, told, (resource) => deployed?.Resources[resource] === undefined);
  const before = await look.machines();
  /** The hosts before the next step, where nothing was done since they were looked for. */
  let known: readonly HostMachine[] | undefined = before;
  const { services } = deployment;
  await rollOut(
    look,
    place,
    {
      ...{ wanted, before },
      deploy: async (step) => {
        const following = { services, before: known ?? (await everyHost(context)), template: step.template, emit };
        known = undefined;
        const { name } = look.infrastructure;
        const deploying = deployStack(session, { name, assembly: step.directory }, options);
        const failures = followHosts(context, place, { ...following, until: deploying });
        try {
          await deploying;
        } catch (error) {
          signal.throwIfAborted();
          const [failed] = await failures;
          throw failed === undefined ? error : hostFailed(failed, error);
        }
        await failures;
      },
      whenBothServe: () => tellNeighbours(place.bucket, told),
    },
    options,
  );
  signal.throwIfAborted();
  await forgetNeighbours(place.bucket, template);
  if (!isRecorded(last, deployment, inputs.imageId))
    await record(place, deployment, { last, image: inputs.imageId, emit });
  return 'applied';
}

/** What is stuck, or never was made, is repaired first, and looked at again: no step can begin there. */
async function settledLook(look: AwsLook, options: CommandContext): Promise<AwsLook> {
  const { context, infrastructure } = look;
  const state = await infrastructure.state();
  if (state === undefined || isWhole(state)) return look;
  await settleStack(context.session, infrastructure.name, options);
  return lookAt(context);
}

/** Says what became current. */
async function record(
  { bucket }: Place,
  { release: { release }, services }: Deployment,
  { last, image, emit }: { last: DeployedRelease | undefined; image: string; emit: Emit },
): Promise<void> {
  await appendDeployment(bucket, { release, services, image, deployedAt: new Date().toISOString() });
  const previous = last?.release;
  if (previous !== release) emit({ type: 'release.current', release, ...(previous === undefined ? {} : { previous }) });
}

/** CloudFormation does not look at hosts again once they are made. */
async function tellOfUnhealthyHosts(look: AwsLook, emit: Emit): Promise<void> {
  const machines = await findHosts(look);
  const reports = await mapBounded(machines, IN_FLIGHT, look.report);
  for (const [at, { host, service, index, machine }] of machines.entries()) {
    const report = reports[at];
    if (machine.state === 'running' && (report?.state ?? 'healthy') === 'healthy') {
      emit({ type: 'host.unchanged', host, service, index, address: machine.address ?? '' });
      continue;
    }
    const state = machine.state === 'running' ? report?.state : machine.state;
    emit({
      type: 'warning',
      message: `Host ${host} (${machine.id}) is ${state}${report?.detail === undefined ? '' : `: ${report.detail}`}.`,
      hint: `\`prestage logs ${host}\` shows its output. A reboot runs its script again; \`boot\` runs once.`,
    });
  }
}

function hostFailed({ host, service, instance, reason, log }: FailedHost, cause: unknown): PrestageError {
  const said = log.at(-1);
  const outcome = cause instanceof PrestageError ? ` ${lastSentence(cause.message)}` : '';
  return new PrestageError(
    'HOST_FAILED',
    `Host ${host} did not become healthy: ${reason.replace(/\.$/, '')}.${said === undefined ? '' : ` It said last: ${said}`}${outcome}`,
    {
      hint: `\`prestage logs ${host}\` shows its whole output. Correct its script, configuration or files, and deploy again.`,
      context: { host, service, instance, reason, log },
      cause,
    },
  );
}

/** What became of the stack. */
function lastSentence(message: string): string {
  return /CloudFormation [^.]*\.$/.exec(message)?.[0] ?? '';
}
