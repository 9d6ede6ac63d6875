import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Statement } from '../../src/targets/aws/cdk/role-policies.js';
import type { Template } from '../../src/targets/aws/cloudformation/stack-state.js';
import { asText, propertiesOf } from './template-checks.js';
import { someInfrastructure } from './template-inputs.js';

const DECIDE = `
import file_systems, json, sys
it = json.load(sys.stdin)
actions = ("ClientMount", "ClientWrite", "ClientRootAccess")
print(json.dumps([a for a in actions if file_systems.decide(it["statements"], a, it["arn"], it["facts"])]))
`;

/** What of the store's file system a role may do: by the policies of both, as the emulated region decides it. */
export function clientActions(
  foundation: Template,
  role: string,
  statements: readonly Statement[],
  { accessPoint, tls = true }: { accessPoint?: string; tls?: boolean },
): string[] {
  const { FileSystemPolicy } = propertiesOf<{ FileSystemPolicy: { Statement: object[] } }>(foundation, 'FileSystem');
  const { FileSystemId, WriterAccessPointId, ReaderAccessPointId } = someInfrastructure().foundation;
  const question = {
    statements: asText([...FileSystemPolicy.Statement, ...statements]),
    arn: `arn:<AWS::Partition>:elasticfilesystem:eu-central-1:123456789012:file-system/${FileSystemId}`,
    facts: {
      'aws:securetransport': String(tls),
      'aws:principalarn': role,
      'elasticfilesystem:accesspointarn': accessPoint ?? null,
      'elasticfilesystem:accessedviamounttarget': 'true',
    },
  };
  const input = JSON.stringify(question)
    .replaceAll('<FileSystem>', FileSystemId)
    .replaceAll('<WriterAccessPoint>', WriterAccessPointId)
    .replaceAll('<ReaderAccessPoint>', ReaderAccessPointId);
  const cwd = fileURLToPath(new URL('./region', import.meta.url));
  return JSON.parse(execFileSync('python3', ['-B', '-c', DECIDE], { cwd, input, encoding: 'utf8' })) as string[];
}
