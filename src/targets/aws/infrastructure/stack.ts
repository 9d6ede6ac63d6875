import {
  CfnOutput,
  type CfnResource,
  CliCredentialsStackSynthesizer,
  type Stack,
  type StackSynthesizer,
} from 'aws-cdk-lib/core';
import type { ServicePlan } from '../../../plan/index.js';
import { letIn } from '../cdk/security-groups.js';
import { type Synthesized, synthesize } from '../cdk/synthesize.js';
import { DATABASE_PORTS } from '../data/inputs.js';
import { infrastructureStackName } from '../environment/names.js';
import type { FoundationOutputs } from '../foundation/inputs.js';
import { balancerOf, isBalanced } from './balancer.js';
import { secretEndpoints } from './endpoints.js';
import { openEntry } from './entry.js';
import { hostGroups } from './host-groups.js';
import { hostNetwork } from './host-network.js';
import { hostProfile } from './host-role.js';
import { hostsOf } from './hosts.js';
import type { InfrastructureInputs } from './inputs.js';
import { type InfrastructureRecord, RELEASE_OUTPUT } from './record.js';
import { privateZone, recordsOf } from './records.js';
import { zoneName } from './zone.js';

/**
 * Phase 2 as a template. The same inputs give the same bytes.
 * @throws AWS_SETTINGS, CONFIG_INVALID: what no template can say
 */
export function synthesizeInfrastructure(inputs: InfrastructureInputs): Synthesized {
  return synthesize({
    scope: inputs.scope,
    stackName: infrastructureStackName(inputs.scope),
    synthesizer: infrastructureSynthesizer(inputs.foundation),
    build: (stack) => buildInfrastructure(stack, inputs),
  });
}

/** Templates are too large to be sent inline: they go by way of the bucket that the foundation has made. */
export function infrastructureSynthesizer({ BucketName }: Pick<FoundationOutputs, 'BucketName'>): StackSynthesizer {
  return new CliCredentialsStackSynthesizer({ fileAssetsBucketName: BucketName, bucketPrefix: 'templates/' });
}

export function buildInfrastructure(stack: Stack, inputs: InfrastructureInputs): void {
  stack.templateOptions.description = `Phase 2 of ${inputs.scope.project} in ${inputs.scope.environment}: hosts and what is around them`;
  stack.templateOptions.metadata = { Prestage: recordFor(inputs) };
  new CfnOutput(stack, RELEASE_OUTPUT, { value: inputs.release.release, description: 'What hosts run on' });
  const plan = inputs.services;
  const network = hostNetwork(stack, inputs);
  const groups = hostGroups(stack, network.vpcId, plan.services);
  const ways: CfnResource[] = [...network.ways];
  const { data } = inputs;
  if (plan.database !== undefined && data !== undefined) {
    const port = DATABASE_PORTS[plan.database.engine];
    const passage = { from: groups.hosts.attrGroupId, to: data.DatabaseGroupId, port };
    letIn(stack, 'DatabaseHosts', { ...passage, description: 'Hosts to the database' });
  }
  ways.push(...secretEndpoints(stack, inputs, { network, groups }));
  const zone = zoneName(inputs.scope, plan);
  const names = { name: zone, resource: privateZone(stack, zone, network.vpcId) };
  /** By service: what says that it is healthy and has its name. */
  const ready = new Map<string, CfnResource[]>();
  for (const service of plan.services) {
    const ofService = groups.ofService.get(service.name);
    const hosts = hostsOf(stack, service, inputs, {
      subnetIds: network.subnetIds,
      groupIds: [
        groups.hosts.attrGroupId,
        inputs.foundation.StorageClientSecurityGroupId,
        ...(ofService === undefined ? [] : [ofService.attrGroupId]),
      ],
      profile: hostProfile(stack, service, inputs, data?.DatabaseSecretArn),
      after: [...ways, ...service.after.flatMap((other) => ready.get(other) ?? [])],
    });
    const balanced = hasBalancer(service, inputs.ha)
      ? balancerOf(stack, service, hosts, { network, groups })
      : undefined;
    const records = recordsOf(stack, service, hosts, { zone: names, balancer: balanced?.balancer });
    const entry = balanced?.group ?? ofService;
    if (entry !== undefined) openEntry(stack, service, { group: entry, balancer: balanced?.balancer, zone });
    const reachable = balanced === undefined ? records : [...records, balanced.listener];
    ready.set(service.name, [...hosts.map(({ healthy }) => healthy), ...reachable]);
  }
}

function hasBalancer(service: ServicePlan, ha: boolean): service is ServicePlan & { port: number } {
  return isBalanced(service, ha);
}

/** What a later deployment must know of this one. */
function recordFor({ release, imageId, fallback, generations }: InfrastructureInputs): InfrastructureRecord {
  return {
    release: release.release,
    imageId,
    fallback,
    ...(Object.keys(generations).length === 0 ? {} : { generations }),
  };
}
