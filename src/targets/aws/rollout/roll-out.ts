import type { CommandContext } from '../../../core/command-context.js';
import { PrestageError } from '../../../core/errors.js';
import { pause } from '../../../core/pause.js';
import { awsParts } from '../api/aws-parts.js';
import type { Synthesized } from '../cdk/synthesize.js';
import { deployStack } from '../cloudformation/deploy-stack.js';
import { isDeployed } from '../cloudformation/deployed-stack.js';
import type { Template } from '../cloudformation/stack-state.js';
import type { Place } from '../environment/context.js';
import { infrastructureStackName } from '../environment/names.js';
import type { HostMachine } from '../hosts/every-host.js';
import type { AwsLook } from '../look.js';
import { bothOf } from './both.js';
import { admit, drain, takeBack, targetGroups } from './targets.js';

export interface RollOut {
  wanted: Synthesized;
  /** The hosts that were there before. */
  before: readonly HostMachine[];
  /** Deploys one step, and tells of the hosts that come. */
  deploy(step: Synthesized): Promise<void>;
  /** Called when the new hosts serve and the old ones still do. */
  whenBothServe(): Promise<void>;
}

/**
 * Brings a stack from one template to another so that somebody always answers: new hosts beside the old ones; then, since CloudFormation
 * does not ask balancers, wait until those send connections to the new; then take the old ones out, wait until nobody sends them any,
 * and end them. Interrupted, the same command finds where it was.
 * @throws HOST_FAILED, STACK_FAILED
 */
export async function rollOut(
  { context, infrastructure }: AwsLook,
  place: Place,
  { wanted, before, deploy, whenBothServe }: RollOut,
  command: CommandContext,
): Promise<void> {
  const { emit, signal } = command;
  const { session } = context;
  const { name } = infrastructure;
  const deployed = await infrastructure.template();
  const both = await stepBetween(place, deployed, wanted.template, emit);
  if (both === undefined || !(await isDeployed(infrastructure, both.template))) await deploy(both ?? wanted);
  const movedAt = performance.now();
  signal.throwIfAborted();
  const groups = await targetGroups(session, name, wanted.template);
  const were = new Set(before.map(({ machine }) => machine.id));
  try {
    await admit(session, groups, were, command);
  } catch (error) {
    signal.throwIfAborted();
    if (deployed !== undefined) {
      await takeBack(session, groups, were, command);
      const { directory } = await asItIs(place, deployed);
      await deployStack(session, { name, assembly: directory }, command);
    }
    throw error;
  }
  await whenBothServe();
  if (both === undefined) return;
  await drain(session, groups, command);
  await untilNamesAreForgotten(movedAt, signal);
  await deploy(wanted);
}

/** Undefined where one step will do. */
async function stepBetween(
  place: Place,
  deployed: Template | undefined,
  wanted: Template,
  emit: CommandContext['emit'],
): Promise<Synthesized | undefined> {
  const both = bothOf(deployed, wanted);
  if (both === undefined) return undefined;
  try {
    return await asItIs(place, both);
  } catch (error) {
    if (!(error instanceof PrestageError && error.code === 'CONFIG_INVALID')) throw error;
    emit({
      type: 'warning',
      message: `Old and new hosts together do not fit into one stack: CloudFormation replaces them at once, and services are away for minutes. ${error.message}`,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
    return undefined;
  }
}

/** Who asked for the name of a host before it moved may go to the old address for so long. */
async function untilNamesAreForgotten(movedAt: number, signal: AbortSignal): Promise<void> {
  const { NAME_SECONDS } = await awsParts(() => import('../infrastructure/records.js'));
  const leftMs = movedAt + (NAME_SECONDS + 2) * 1000 - performance.now();
  await pause(Math.max(0, leftMs), signal);
}

async function asItIs({ scope, outputs }: Place, template: Template): Promise<Synthesized> {
  const [{ synthesizeAsItIs }, { infrastructureSynthesizer }] = await awsParts(() =>
    Promise.all([import('../cdk/as-it-is.js'), import('../infrastructure/stack.js')]),
  );
  const stackName = infrastructureStackName(scope);
  return synthesizeAsItIs(template, { scope, stackName, synthesizer: infrastructureSynthesizer(outputs) });
}
