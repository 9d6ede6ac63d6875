import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { awsTool } from '../requirements.js';
import facts from './facts/handler-permissions.json' with { type: 'json' };

/** What CloudFormation's handlers may ask for, and never do for what our templates say. Any other is needed. */
export const NEVER_ASKED: readonly { actions: RegExp; reason: string }[] = [
  { actions: /^kms:|^logs:(Dis)?[Aa]ssociateKmsKey$/, reason: 'Keys are those that AWS manages' },
  {
    actions: /^ssm:|^ec2:((Unm|M)onitor|Start|Stop)Instances$/,
    reason: 'Hosts have no associations, and are replaced',
  },
  { actions: /^ec2:(AcceptAddressTransfer|(Una|A)ssignPrivateNatGatewayAddress)$/, reason: 'An address is allocated' },
  { actions: /^ec2:CreateVpcEncryptionControl$/, reason: 'A VPC has no encryption control' },
  { actions: /^(vpc-lattice|vpce):/, reason: 'Endpoints are of services of the same region' },
  { actions: /^autoscaling:/, reason: 'A flow log is of a VPC' },
  { actions: /^cognito-idp:/, reason: 'Listeners authenticate nobody' },
  { actions: /^elasticfilesystem:(Create|Delete)ReplicationConfiguration$/, reason: 'The store is not replicated' },
  { actions: /^elasticfilesystem:DeleteTags$/, reason: 'UntagResource has taken its place' },
  { actions: /^iam:.*RolePermissionsBoundary$/, reason: 'Roles have no boundary' },
  { actions: /^iam:ListRoles$|^rds:(Add|Remove)Role/, reason: 'A database has no associated roles' },
  {
    actions: /^rds:(Restore|Promote|CreateDBInstanceReadReplica)/,
    reason: 'A database is made empty, and is no replica',
  },
  { actions: /^rds:(Start|Stop)DBInstanceAutomatedBackupsReplication$/, reason: 'Backups stay in their region' },
  { actions: /^(firehose|s3tables):/, reason: 'No delivery streams and no metadata tables' },
  { actions: /^logs:(Put|Delete)(Index|Resource)Policy$/, reason: 'The log group has no such policies' },
  { actions: /^logs:PutBearerTokenAuthentication$/, reason: 'Nobody writes to the log group by a token' },
  { actions: /^route53:(Create|Delete)QueryLoggingConfig$/, reason: 'Queries of the zone are not logged' },
  { actions: /^secretsmanager:RemoveRegionsFromReplication$/, reason: 'The secret is not replicated' },
  { actions: /^(redshift|redshift-serverless|docdb-elastic):/, reason: 'The secret is of a database of RDS' },
];

/** What is asked for and written in no handler, and in no call of ours. */
const ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  'docs.aws.amazon.com/efs/latest/ug/access-control-managing-permissions.html, and AmazonElasticFileSystemFullAccess': [
    'ec2:CreateNetworkInterface',
    'ec2:DeleteNetworkInterface',
  ],
  'the CDK toolkit, which deploys the stacks': [
    ...['CreateChangeSet', 'DescribeChangeSet', 'ExecuteChangeSet', 'DeleteChangeSet', 'DescribeEvents'],
    ...['DescribeStacks', 'DescribeStackEvents', 'GetTemplate', 'GetTemplateSummary'],
  ].map((name) => `cloudformation:${name}`),
  'AWS::Route53::RecordSet, whose schema has no handlers': [
    'route53:ChangeResourceRecordSets',
    'route53:ListResourceRecordSets',
    'route53:GetChange',
  ],
  'calls of ours that may fail': ['ec2:GetConsoleOutput', 'servicequotas:GetAWSDefaultServiceQuota'],
  'the parameter of an image, in a launch template': ['ssm:GetParameters'],
};

export interface Needed {
  action: string;
  /** Whether it is asked in another region than the environment's. */
  elsewhere: boolean;
  /** Whether it is asked of what others named, as well. */
  unnamed: boolean;
}

/** Every action that a deployment, a look at it or its removal asks for, with the rights of anyone who deploys. */
export function neededPermissions(): Needed[] {
  const handlers = Object.values(facts.types).flatMap((handler) => Object.values(handler).flat());
  const asked = handlers.filter((action) => !NEVER_ASKED.some(({ actions }) => actions.test(action)));
  const all = new Set([...asked, ...ownCalls(), ...Object.values(ELSEWHERE).flat()]);
  return [...all].sort().map((action) => ({
    action,
    elsewhere: action === 'ec2:DescribeRegions',
    unnamed: action === 'secretsmanager:DescribeSecret',
  }));
}

/** Types of resources whose handlers are known. */
export const KNOWN_TYPES: ReadonlySet<string> = new Set(Object.keys(facts.types));

/** All actions of all handlers. */
export function handlerPermissions(): string[] {
  return Object.values(facts.types).flatMap((handler) => Object.values(handler).flat());
}

/** What the target's own code asks AWS for, as it says when that fails; nobody needs a permission to ask who he is. */
function ownCalls(): string[] {
  const folder = fileURLToPath(new URL('../../src/targets/aws', import.meta.url));
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /(?<!\.test)\.ts$/.test(name),
  );
  const calls = files.flatMap((name) =>
    [...readFileSync(join(folder, name), 'utf8').matchAll(/(?:action: |#asked\()'([a-z0-9]+:[A-Za-z]+)'/g)].map(
      ([, action = '']) => action,
    ),
  );
  return calls.filter((action) => action !== 'sts:GetCallerIdentity');
}

/** Parameters that AWS publishes have an ARN without an account, of which parliament knows nothing. */
const PUBLIC_PARAMETER = /^arn:[a-z-]+:ssm:[a-z0-9-]+::parameter\/aws\/service\//;

/**
 * Which of these actions do nothing on these resources, by the service authorization reference that `parliament` holds: that have
 * no resource level, or another kind of resource.
 */
export function mismatches(statements: readonly { Resource: unknown; Action: readonly string[] }[]): Set<string>[] {
  const asked = statements.map(({ Resource, Action }) => ({
    Resource,
    Action: PUBLIC_PARAMETER.test(String(Resource)) ? [] : Action,
  }));
  const input = JSON.stringify(asked);
  const answer = execFileSync(awsTool('python3'), ['-c', MISMATCHES], { input, encoding: 'utf8' });
  return (JSON.parse(answer) as string[][]).map((actions) => new Set(actions));
}

const MISMATCHES = `
import json, parliament, sys
def of(statement):
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}
    found = parliament.analyze_policy_string(json.dumps(policy)).findings if statement["Action"] else []
    return [it["action"] for each in found if each.issue == "RESOURCE_MISMATCH" for it in each.detail]
print(json.dumps([of(it) for it in json.load(sys.stdin)]))
`;
