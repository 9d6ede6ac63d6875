import { CfnInstance } from 'aws-cdk-lib/aws-ec2';
import type { CfnInstanceProfile } from 'aws-cdk-lib/aws-iam';
import {
  type CfnResource,
  CfnWaitCondition,
  CfnWaitConditionHandle,
  Fn,
  type Stack,
  Tags,
  Validations,
} from 'aws-cdk-lib/core';
import { canonicalJson, type Json, sha256 } from '../../../core/digest.js';
import type { ServicePlan } from '../../../plan/index.js';
import { hostName } from '../../host-name.js';
import { neighboursKey } from '../bucket/layout.js';
import { logicalId, nameTag } from '../cdk/names.js';
import { ROOT_DISK } from '../environment/machine.js';
import { TAGS } from '../environment/names.js';
import { renderHostScript } from '../scripts/host.js';
import { hostInputs, NEIGHBOURS_KEY, PREPARE_SECONDS, SIGNAL_URL } from './host-inputs.js';
import type { InfrastructureInputs } from './inputs.js';

/** A host, and what says that it is healthy. */
export interface Host {
  index: number;
  instance: CfnInstance;
  healthy: CfnWaitCondition;
}

export interface HostSurroundings {
  subnetIds: readonly string[];
  groupIds: readonly string[];
  profile: CfnInstanceProfile;
  /** What must be there, or healthy, before a host of this service is made. */
  after: readonly CfnResource[];
}

/** From its launch until its boot script begins, and that script itself. */
const BOOT_SECONDS = 70 * 60;
/** As long as CloudFormation waits at most. */
const MAX_WAIT_SECONDS = 12 * 60 * 60;
const DEFAULT_HEALTH_MS = 60_000;

/**
 * The hosts of a service. A host that is to be another one is another resource, with a wait condition of its own: CloudFormation makes
 * it, waits until it is healthy, and only then removes the one before.
 */
export function hostsOf(
  stack: Stack,
  service: ServicePlan,
  inputs: InfrastructureInputs,
  around: HostSurroundings,
): Host[] {
  return Array.from({ length: service.count }, (_, index) => {
    const name = hostName(service.name, index);
    const script = renderHostScript(hostInputs(service, index, inputs));
    const zone = (firstZone(service.name) + index) % around.subnetIds.length;
    const settings = {
      imageId: inputs.imageId,
      instanceType: inputs.instanceTypes.services[service.name] ?? inputs.instanceTypes.hosts,
    };
    const place = inputs.network.kind === 'existing' ? (inputs.network.hostSubnets[zone] ?? '') : String(zone);
    const timeout = String(patience(service)); // a wait condition cannot be changed: with another one it is another host
    const generation = inputs.generations[name];
    const again = generation === undefined ? {} : { generation };
    const digest = sha256(canonicalJson({ ...settings, place, script, timeout, ...again } as Json));
    const id = logicalId('Host', name) + digest.slice(0, 8);
    const handle = new CfnWaitConditionHandle(stack, `${id}Signal`);
    const instance = new CfnInstance(stack, id, {
      ...settings,
      subnetId: around.subnetIds[zone] ?? '',
      securityGroupIds: [...around.groupIds],
      iamInstanceProfile: around.profile.ref,
      userData: Fn.base64(filledIn(script, { [SIGNAL_URL]: handle.ref, [NEIGHBOURS_KEY]: neighboursKey(name, id) })),
      metadataOptions: { httpTokens: 'required', httpPutResponseHopLimit: 1 },
      blockDeviceMappings: [ROOT_DISK],
      propagateTagsToVolumeOnCreation: true,
      tags: nameTag(stack, name),
    });
    Validations.of(instance).acknowledge({
      id: 'CloudFormation-Validate::W9010',
      reason: 'The image is looked up before: the same template always gives the same hosts',
    });
    Tags.of(instance).add(TAGS.host, name);
    Tags.of(instance).add(TAGS.release, inputs.release.release);
    for (const resource of around.after) instance.addResourceDependency(resource);
    const healthy = new CfnWaitCondition(stack, `${id}Healthy`, {
      handle: handle.ref,
      timeout,
    });
    healthy.addResourceDependency(instance);
    return { index, instance, healthy };
  });
}

/** By its name, so that hosts stay where they are when services come and go, and those of small services are not all in one zone. */
function firstZone(service: string): number {
  return Number.parseInt(sha256(service).slice(0, 8), 16);
}

/** Seconds until a host that said nothing counts as failed. */
function patience({ health }: ServicePlan): number {
  const healthSeconds = Math.ceil((health?.timeoutMs ?? DEFAULT_HEALTH_MS) / 1000);
  return Math.min(BOOT_SECONDS + PREPARE_SECONDS + healthSeconds, MAX_WAIT_SECONDS);
}

/** The text with words replaced by what CloudFormation will know. */
function filledIn(text: string, values: Readonly<Record<string, string>>): string {
  const words = Object.keys(values);
  const parts = text.split(new RegExp(`(${words.join('|')})`)).map((part) => values[part] ?? part);
  return Fn.join('', parts);
}
