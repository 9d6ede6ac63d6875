import { Aws } from 'aws-cdk-lib/core';
import type { ServicePlan } from '../../../plan/index.js';
import type { Statement } from '../cdk/role-policies.js';
import type { Scope } from '../environment/names.js';
import type { HostSecret } from '../scripts/inputs.js';
import { secretsOfHosts } from './host-secrets.js';

/** That a service's hosts may read its own secrets, and no others. */
export function readsSecrets(scope: Scope, service: ServicePlan): Statement[] {
  const sources = Object.values(secretsOfHosts(service));
  const named = (kind: HostSecret['kind'], arnOf: (scope: Scope, name: string) => string) => [
    ...new Set(sources.filter((source) => source.kind === kind).map(({ name }) => arnOf(scope, name))),
  ];
  const statements: Statement[] = [
    {
      Sid: 'Secrets',
      Effect: 'Allow',
      Action: ['secretsmanager:GetSecretValue'],
      Resource: named('secret', secretArn),
    },
    { Sid: 'Parameters', Effect: 'Allow', Action: ['ssm:GetParameter'], Resource: named('parameter', parameterArn) },
  ];
  return statements.filter(({ Resource }) => Resource.length > 0);
}

/** Secrets Manager ends each ARN with a hyphen and six characters of its own, which a name does not tell. */
function secretArn({ region, account }: Scope, name: string): string {
  return name.startsWith('arn:')
    ? name
    : `arn:${Aws.PARTITION}:secretsmanager:${region}:${account}:secret:${name}-??????`;
}

function parameterArn({ region, account }: Scope, name: string): string {
  return name.startsWith('arn:')
    ? name
    : `arn:${Aws.PARTITION}:ssm:${region}:${account}:parameter/${name.replace(/^\//, '')}`;
}
