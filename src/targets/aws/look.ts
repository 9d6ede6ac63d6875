import { once } from '../../core/once.js';
import type { ReleaseRecord } from '../../store/index.js';
import type { DeployedRelease } from '../target.js';
import { lastDeployment, readDeployments } from './bucket/deployments.js';
import { listTrees, readRecord, readRecords } from './bucket/index-of-store.js';
import { type DeployedStack, deployedStack } from './cloudformation/deployed-stack.js';
import { type AwsContext, findFoundation, type Place, placeOf } from './environment/context.js';
import { dataStackName, foundationStackName, infrastructureStackName } from './environment/names.js';
import { unknownOutputs } from './foundation/outputs.js';
import { everyHost, type HostMachine } from './hosts/every-host.js';
import { type HostReport, readHostReport } from './hosts/host-report.js';

/**
 * An environment as one look finds it. Each part is asked for once, when it is first needed, and stays as it was found: anyone who
 * changes something looks again.
 */
export interface AwsLook {
  readonly context: AwsContext;
  readonly foundation: DeployedStack;
  readonly data: DeployedStack;
  readonly infrastructure: DeployedStack;
  /** Undefined where there is no foundation, or none that ever became whole. */
  place(): Promise<Place | undefined>;
  /** The record of a release in the store: one request, however many releases there are. */
  release(release: string): Promise<ReleaseRecord | undefined>;
  /** All of them, oldest first: a request for each. */
  releases(): Promise<ReleaseRecord[]>;
  /** The names of the trees in the store. */
  trees(): Promise<ReadonlySet<string>>;
  /** The deployments that became healthy, oldest first: a request for each. */
  deployments(): Promise<DeployedRelease[]>;
  lastDeployment(): Promise<DeployedRelease | undefined>;
  /** Instances that are hosts, with those that were ended within the last hour. */
  machines(): Promise<HostMachine[]>;
  /** What a host said of itself last. */
  report(host: HostMachine): Promise<HostReport | undefined>;
}

/** A place that may not be made yet. */
export type Location = Pick<Place, 'scope' | 'outputs'> & Partial<Pick<Place, 'bucket'>>;

export function lookAt(context: AwsContext): AwsLook {
  const { session, project, environment } = context;
  const scope = { project, environment: environment.name };
  const stack = (name: string) => deployedStack(session.cloudFormation, name);
  const foundation: DeployedStack = {
    ...stack(foundationStackName(scope)),
    state: once(() => findFoundation(context)),
  };
  const place = once(async () => {
    const state = await foundation.state();
    return state && placeOf(context, state);
  });
  /** What is read in the bucket, or `none` where there is no bucket yet. */
  const inPlace =
    <T>(none: T, read: (place: Place) => Promise<T>) =>
    async (): Promise<T> => {
      const found = await place();
      return found === undefined ? none : read(found);
    };
  const records = new Map<string, () => Promise<ReleaseRecord | undefined>>();
  const reports = new Map<string, () => Promise<HostReport | undefined>>();
  return {
    context,
    foundation,
    data: stack(dataStackName(scope)),
    infrastructure: stack(infrastructureStackName(scope)),
    place,
    release: (release) =>
      remembered(
        records,
        release,
        inPlace(undefined, ({ bucket, outputs }) => readRecord(bucket, outputs.FileSystemId, release)),
      ),
    releases: once(inPlace<ReleaseRecord[]>([], ({ bucket, outputs }) => readRecords(bucket, outputs.FileSystemId))),
    trees: once(
      inPlace<ReadonlySet<string>>(new Set(), ({ bucket, outputs }) => listTrees(bucket, outputs.FileSystemId)),
    ),
    deployments: once(inPlace<DeployedRelease[]>([], ({ bucket }) => readDeployments(bucket))),
    lastDeployment: once(inPlace<DeployedRelease | undefined>(undefined, ({ bucket }) => lastDeployment(bucket))),
    machines: once(() => everyHost(context)),
    report: ({ host, machine: { id } }) =>
      remembered(
        reports,
        `${host}/${id}`,
        inPlace(undefined, ({ bucket }) => readHostReport(bucket, host, id)),
      ),
  };
}

/** Where phase 2 is, or will be: with placeholders for what nobody knows before there is a foundation. */
export async function locationOf(look: AwsLook): Promise<Location> {
  return (await look.place()) ?? { scope: await look.context.scope(), outputs: unknownOutputs() };
}

/**
 * Asks at once for all that a deployment compares, and loads what templates are made by: no answer waits for another one. What fails
 * is told to those who need it.
 */
export function lookAhead(look: AwsLook): void {
  const { foundation, infrastructure } = look;
  const parts = [foundation.state, foundation.template, infrastructure.state, infrastructure.template, look.machines];
  for (const ask of [...parts, look.lastDeployment, () => import('./infrastructure/stack.js')]) ask().catch(() => {});
}

function remembered<T>(known: Map<string, () => Promise<T>>, key: string, read: () => Promise<T>): Promise<T> {
  const reading = known.get(key) ?? once(read);
  known.set(key, reading);
  return reading();
}
