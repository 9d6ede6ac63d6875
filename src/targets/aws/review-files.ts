import { PrestageError } from '../../core/errors.js';
import { hostName } from '../host-name.js';
import type { Deployment, PrepareJob, ReviewFile } from '../target.js';
import { awsParts } from './api/aws-parts.js';
import type { Template } from './cloudformation/stack-state.js';
import { synthesizedData } from './data/ensure-data.js';
import { foundationInputs } from './foundation/ensure-foundation.js';
import { synthesizedInfrastructure, wantedInputs } from './infrastructure/wanted.js';
import { type AwsLook, locationOf } from './look.js';
import { renderHostScriptInClear } from './scripts/host.js';
import { renderWorkerScript } from './scripts/worker.js';

const UNKNOWN_DIGEST = '0'.repeat(64);
const DEADLINE_SECONDS = 6 * 60 * 60;

/**
 * What a deployment would give to CloudFormation and to machines, for a person to read: the templates of the stacks, the policy of
 * each role in them, and the script of the worker and of each host in clear. What only AWS knows, such as ids of what is not made yet,
 * is a placeholder.
 */
export async function reviewFiles(
  look: AwsLook,
  deployment: Deployment,
  { inputs }: Pick<PrepareJob, 'inputs'>,
): Promise<ReviewFile[]> {
  const { context } = look;
  const { database } = deployment.services;
  const location = await locationOf(look);
  const wanted = await wantedInputs(look, deployment);
  const [{ synthesizeFoundation }, { hostInputs }] = await awsParts(() =>
    Promise.all([import('./foundation/stack.js'), import('./infrastructure/host-inputs.js')]),
  );
  const foundation = synthesizeFoundation(await foundationInputs(look, inputs)).template;
  const { template: infrastructure } = await synthesizedInfrastructure(wanted);
  const { outputs } = location;
  const worker = renderWorkerScript({
    bucket: outputs.BucketName,
    region: context.environment.region,
    fileSystemId: outputs.FileSystemId,
    accessPointId: outputs.WriterAccessPointId,
    agent: UNKNOWN_DIGEST,
    job: UNKNOWN_DIGEST,
    run: 'a-run',
    deadlineSeconds: DEADLINE_SECONDS,
  });
  return [
    { path: 'foundation.json', content: json(foundation) },
    ...(database === undefined
      ? []
      : [{ path: 'data.json', content: json((await synthesizedData(context, location, database)).template) }]),
    { path: 'infrastructure.json', content: json(infrastructure) },
    ...[foundation, infrastructure].flatMap(rolesOf),
    { path: 'worker.sh', content: worker },
    ...wanted.services.services.flatMap((service) =>
      Array.from({ length: service.count }, (_, index) => ({
        path: `hosts/${hostName(service.name, index)}.sh`,
        content: renderHostScriptInClear(hostInputs(service, index, wanted)),
      })),
    ),
  ];
}

/** Who may be a role, and what it may then do. */
function rolesOf({ Resources }: Template): ReviewFile[] {
  return Object.entries(Resources).flatMap(([id, { Type, Properties }]) => {
    if (Type !== 'AWS::IAM::Role') return [];
    const { RoleName, AssumeRolePolicyDocument, Policies } = Properties ?? {};
    if (typeof RoleName !== 'string') throw new PrestageError('INTERNAL', `Role ${id} has no name.`);
    return [{ path: `roles/${RoleName}.json`, content: json({ AssumeRolePolicyDocument, Policies }) }];
  });
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
