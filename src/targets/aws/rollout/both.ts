import type { Template, TemplateResource } from '../cloudformation/stack-state.js';

/** What connections come by or go to: it must not go before the new ones are taken. */
const SERVING =
  /^AWS::(EC2::(Instance|SecurityGroup(Ingress|Egress))|ElasticLoadBalancingV2::.*|Route53::RecordSet|CloudFormation::WaitCondition(Handle)?)$/;

/**
 * The step between two templates in which all hosts of both are there: what is new, and what of the old still serves. CloudFormation by
 * itself swaps the targets of a balancer, of which it does not ask whether connections reach them yet, and ends the old hosts at once.
 * Undefined where nothing that serves goes.
 */
export function bothOf(deployed: Template | undefined, wanted: Template): Template | undefined {
  if (deployed === undefined) return undefined;
  const staying = leavingLast(deployed, wanted);
  if (!Object.values(staying).some(({ Type }) => /::(Instance|Listener)$/.test(Type))) return undefined;
  const changed = Object.entries(wanted.Resources).map(([id, resource]) => [
    id,
    inBetween(deployed.Resources[id], resource),
  ]);
  const { Release } = deployed.Outputs ?? {};
  return {
    ...wanted,
    Resources: { ...Object.fromEntries(changed), ...staying },
    Outputs: { ...wanted.Outputs, ...(Release === undefined ? {} : { Release }) },
  };
}

/** Resources that serve and that the wanted template has not, with all that they refer to and it has not. */
function leavingLast(deployed: Template, wanted: Template): Record<string, TemplateResource> {
  const staying = new Map<string, TemplateResource>();
  const keep = (id: string) => {
    const resource = deployed.Resources[id];
    if (resource === undefined || wanted.Resources[id] !== undefined || staying.has(id)) return;
    // The order in which resources were made is of no use for those that exist, and might be a circle.
    const { DependsOn: _, ...rest } = resource;
    staying.set(id, rest);
    for (const other of referencesIn(resource.Properties)) keep(other);
  };
  for (const [id, { Type }] of Object.entries(deployed.Resources)) if (SERVING.test(Type)) keep(id);
  return Object.fromEntries(staying);
}

function inBetween(old: TemplateResource | undefined, wanted: TemplateResource): TemplateResource {
  if (old === undefined) return wanted;
  const { DependsOn: _, ...before } = old;
  // Hosts are registered when all are healthy: those of an update that is rolled back would be ended while connections come to them.
  if (wanted.Type === 'AWS::ElasticLoadBalancingV2::TargetGroup') {
    const { DependsOn: __, ...rest } = wanted;
    return { ...rest, Properties: { ...wanted.Properties, Targets: old.Properties?.Targets } };
  }
  // A name moves to a balancer when that has targets.
  const isNewlyBalanced = wanted.Properties?.AliasTarget !== undefined && old.Properties?.AliasTarget === undefined;
  return wanted.Type === 'AWS::Route53::RecordSet' && isNewlyBalanced ? before : wanted;
}

function referencesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(referencesIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key === 'Ref' && typeof inner === 'string') return [inner];
    if (key === 'Fn::GetAtt' && Array.isArray(inner)) return [String(inner[0])];
    return referencesIn(inner);
  });
}
