import { logicalId } from '../cdk/names.js';

/** Names of a service's outputs: where it is found, which group guards it, and its balancer's own name, where it has one. */
export function entryOutputs(service: string) {
  return {
    address: logicalId('Address', service),
    group: logicalId('Entry', service),
    balancer: `${logicalId('Balancer', service)}Name`,
  };
}
