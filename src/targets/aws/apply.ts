import type { CommandContext } from '../../core/command-context.js';
import { PrestageError } from '../../core/errors.js';
import type { Emit } from '../../core/events.js';
import type { Deployment } from '../target.js';
import { awsParts } from './aws-parts.js';
import { appendDeployment, readDeployments } from './bucket/deployments.js';
import { deployStack } from './cloudformation/deploy-stack.js';
import { isDeployed } from './cloudformation/is-deployed.js';
import { settleStack } from './cloudformation/settle-stack.js';
import type { AwsContext, Place } from './context.js';
import { ensureData } from './data/data-stack.js';
import { everyHost, findHosts, missingHosts } from './hosts/find-hosts.js';
import { type FailedHost, followHosts } from './hosts/follow-hosts.js';
import { readHostReport } from './hosts/host-report.js';
import { forgetNeighbours, tellNeighbours } from './hosts/neighbours.js';
import { deployedInfrastructure, infrastructureInputs, isRecorded } from './infrastructure.js';
import { infrastructureStackName } from './names.js';
import { rollOut } from './rollout/roll-out.js';
import { provideFallback } from './worker/fallback.js';

/**
 * Phase 2: makes the infrastructure as the deployment says, by CloudFormation, which puts everything back where a host fails.
 * @throws HOST_FAILED, STACK_FAILED
 */
export async function applyInfrastructure(
  context: AwsContext,
  place: Place,
  deployment: Deployment,
  options: CommandContext,
): Promise<'applied' | 'unchanged'> {
  const { session } = context;
  const { emit, signal } = options;
  const name = infrastructureStackName(place.scope);
  // What is stuck, or never was made, is put right first: no step can begin there.
  const settled = await settleStack(session, name, { emit, signal });
  const deployed = settled && (await deployedInfrastructure(context));
  const data = await ensureData(context, place, deployment, options);
  const inputs = await infrastructureInputs(context, place, deployment, {
    deployed,
    data: data.outputs,
    fallback: () => provideFallback(context, place, deployment, options),
    missing: () => missingHosts(context, deployed),
  });
  const { synthesizeInfrastructure } = await awsParts(() => import('./stacks/infrastructure.js'));
  const { neighboursOf } = await awsParts(() => import('./stacks/infrastructure/host-inputs.js'));
  const wanted = synthesizeInfrastructure(inputs);
  const { template } = wanted;
  const told = { template, neighbours: (service: string) => neighboursOf(service, inputs) };
  if (await isDeployed(session.cloudFormation, name, template)) {
    signal.throwIfAborted();
    await tellNeighbours(place.bucket, told);
    await tellOfUnhealthyHosts(context, place, emit);
    return (await record(place, deployment, inputs.imageId, emit)) || data.isChanged ? 'applied' : 'unchanged';
  }
  // Those that stay are told when the others are there.
  await tellNeighbours(place.bucket, told, (resource) => deployed?.Resources[resource] === undefined);
  const before = await everyHost(context);
  const { services } = deployment;
  await rollOut(
    context,
    place,
    {
      ...{ deployed, wanted, before },
      deploy: async (step) => {
        const known = { before: await everyHost(context), template: step.template };
        const deploying = deployStack(session, { name, assembly: step.directory }, { emit, signal });
        const following = followHosts(context, place, { services, ...known, until: deploying, emit });
        try {
          await deploying;
        } catch (error) {
          signal.throwIfAborted();
          const [failed] = await following;
          throw failed === undefined ? error : hostFailed(failed, error);
        }
        await following;
      },
      whenBothServe: () => tellNeighbours(place.bucket, told),
    },
    options,
  );
  signal.throwIfAborted();
  await forgetNeighbours(place.bucket, template);
  await record(place, deployment, inputs.imageId, emit);
  return 'applied';
}

/** Says what became current. @returns whether that is news */
async function record(
  { bucket }: Place,
  { release, services }: Deployment,
  image: string,
  emit: Emit,
): Promise<boolean> {
  const deployments = await readDeployments(bucket);
  if (isRecorded(deployments, { release, services }, image)) return false;
  const previous = deployments.at(-1)?.release;
  const now = { release: release.release, services, image };
  await appendDeployment(bucket, { ...now, deployedAt: new Date().toISOString() });
  if (previous !== now.release)
    emit({ type: 'release.current', release: now.release, ...(previous === undefined ? {} : { previous }) });
  return true;
}

/** CloudFormation does not look at hosts again once they are made. */
async function tellOfUnhealthyHosts(context: AwsContext, { bucket }: Place, emit: Emit): Promise<void> {
  for (const { host, service, index, machine } of await findHosts(context)) {
    const report = await readHostReport(bucket, host, machine.id);
    if (machine.state === 'running' && (report?.state ?? 'healthy') === 'healthy') {
      emit({ type: 'host.unchanged', host, service, index, address: machine.address ?? '' });
      continue;
    }
    const state = machine.state === 'running' ? report?.state : machine.state;
    emit({
      type: 'warning',
      message: `Host ${host} (${machine.id}) is ${state}${report?.detail === undefined ? '' : `: ${report.detail}`}.`,
      hint: `\`prestage logs ${host}\` shows what it said. A reboot runs its script again; \`boot\` runs once.`,
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
      hint: `\`prestage logs ${host}\` shows all that it said. Correct its script, configuration or files, and deploy again.`,
      context: { host, service, instance, reason, log },
      cause,
    },
  );
}

/** What became of the stack. */
function lastSentence(message: string): string {
  return /CloudFormation [^.]*\.$/.exec(message)?.[0] ?? '';
}
