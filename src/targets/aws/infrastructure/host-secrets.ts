import { PrestageError } from '../../../core/errors.js';
import type { ServicePlan } from '../../../plan/index.js';
import type { HostSecret } from '../scripts/inputs.js';

/** The variables that a host of this service reads for itself. The configuration has refused those of another target. */
export function secretsOfHosts({ name, secrets = {} }: ServicePlan): Record<string, HostSecret> {
  return Object.fromEntries(
    Object.entries(secrets).map(([variable, source]) => {
      if (source.kind === 'secret' || source.kind === 'parameter') return [variable, source];
      throw new PrestageError('INTERNAL', `Variable ${variable} of ${name} comes from a ${source.kind}, on AWS.`);
    }),
  );
}
