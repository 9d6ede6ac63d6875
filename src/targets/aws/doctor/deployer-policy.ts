import { IMAGE_PARAMETER } from '../environment/machine.js';
import { type Scope, scopeName, uniqueName } from '../environment/names.js';

interface Statement {
  Sid: string;
  Effect: 'Allow';
  Action: string[];
  Resource: string | string[];
  Condition?: object;
}

/**
 * The least policy of anyone who deploys: CloudFormation makes what the stacks say with the permissions of who asks it to. What can be
 * named by name is; the rest (EC2, load balancers, EFS, RDS, Route 53), whose resources get their ids only when they are made, is
 * bound to the region. It fits into one managed policy (6,144 characters without spaces).
 */
export function deployerPolicy(scope: Scope): { Version: string; Statement: Statement[] } {
  return { Version: '2012-10-17', Statement: [...named(scope), ...regional(scope), ...global(scope)] };
}

/** What has names of ours. */
function named(scope: Scope): Statement[] {
  const { account, region } = scope;
  const partition = partitionOf(region);
  const arn = (service: string, resource: string) => `arn:${partition}:${service}:${region}:${account}:${resource}`;
  const name = scopeName(scope);
  const unique = uniqueName(scope);
  const bucket = `arn:${partition}:s3:::${unique}`;
  const role = `arn:${partition}:iam::${account}:role/${unique}-*`;
  return [
    allow(
      'Stacks',
      [
        'cloudformation:*Stack*',
        'cloudformation:*ChangeSet*',
        'cloudformation:GetTemplate*',
        'cloudformation:ContinueUpdateRollback',
        'cloudformation:UpdateTerminationProtection',
        // By it CloudFormation says why it refuses a change set.
        'cloudformation:DescribeEvents',
      ],
      arn('cloudformation', `stack/${name}-*/*`),
    ),
    // All of it: CloudFormation sets and reads a dozen things of a bucket, and anyone who may delete it may do the rest as well.
    allow('Bucket', ['s3:*'], [bucket, `${bucket}/*`]),
    allow(
      'Roles',
      [
        // One by one: `*Role` would be PassRole as well, to any service.
        ...['Create', 'Delete', 'Get', 'Update', 'Tag', 'Untag'].map((verb) => `iam:${verb}Role`),
        'iam:*RolePolicy',
        'iam:*RolePolicies',
        'iam:*RoleDescription',
        'iam:*RoleTags',
      ],
      role,
    ),
    {
      ...allow('PassRoles', ['iam:PassRole'], role),
      Condition: { StringEquals: { 'iam:PassedToService': ['ec2.amazonaws.com', 'vpc-flow-logs.amazonaws.com'] } },
    },
    allow('Profiles', ['iam:*InstanceProfile*'], [`arn:${partition}:iam::${account}:instance-profile/${name}-*`, role]),
    allow(
      'FlowLogs',
      ['logs:*LogGroup*', 'logs:*RetentionPolicy', 'logs:*Resource', 'logs:*DataProtectionPolicy'],
      arn('logs', `log-group:/prestage/${name}/*`),
    ),
    // AWS knows no narrower resource for these, and CloudFormation asks for them of every log group.
    allow('FlowLogLookUps', ['logs:Describe*', 'logs:CreateLogDelivery', 'logs:DeleteLogDelivery'], '*'),
    allow(
      'Secret',
      ['secretsmanager:*Secret*', 'secretsmanager:*Resource'],
      arn('secretsmanager', 'secret:DatabaseSecret-*'),
    ),
    allow('Password', ['secretsmanager:GetRandomPassword'], '*'),
    allow(
      'Image',
      ['ssm:GetParameter', 'ssm:GetParameters'],
      `arn:${partition}:ssm:${region}::parameter${IMAGE_PARAMETER}`,
    ),
  ];
}

/** What AWS gives ids to. */
function regional({ region }: Scope): Statement[] {
  const Condition = { StringEquals: { 'aws:RequestedRegion': region } };
  return [
    {
      ...allow(
        'Network',
        [
          'Vpc',
          'Subnet',
          'RouteTable',
          'Route',
          'InternetGateway',
          'NatGateway',
          'VpcEndpoint*',
          'SecurityGroup',
          'FlowLogs',
          'LaunchTemplate*',
          // By EFS, for a mount target.
          'NetworkInterface',
          'Tags',
        ].flatMap((what) => [`ec2:Create${what}`, `ec2:Delete${what}`]),
        '*',
      ),
      Condition,
    },
    {
      ...allow(
        'NetworkParts',
        [
          'ec2:Describe*',
          'ec2:GetConsoleOutput',
          'ec2:Modify*',
          'ec2:Associate*',
          'ec2:Disassociate*',
          'ec2:Attach*',
          'ec2:Detach*',
          'ec2:AllocateAddress',
          'ec2:ReleaseAddress',
          'ec2:Replace*',
          'ec2:AuthorizeSecurityGroup*',
          'ec2:RevokeSecurityGroup*',
          'ec2:UpdateSecurityGroup*',
          'ec2:RunInstances',
          'ec2:TerminateInstances',
        ],
        '*',
      ),
      Condition,
    },
    {
      ...allow(
        'Services',
        [
          ...['FileSystem*', 'MountTarget*', 'AccessPoint'].flatMap((what) => [
            `elasticfilesystem:Create${what}`,
            `elasticfilesystem:Delete${what}`,
          ]),
          'elasticfilesystem:Describe*',
          'elasticfilesystem:Put*',
          'elasticfilesystem:ModifyMountTargetSecurityGroups',
          'elasticfilesystem:UpdateFileSystem*',
          'elasticfilesystem:*TagResource',
          'elasticfilesystem:ListTagsForResource',
          'elasticloadbalancing:*',
          ...['DBInstance', 'DBSubnetGroup'].flatMap((what) =>
            ['Create', 'Modify', 'Delete'].map((verb) => `rds:${verb}${what}`),
          ),
          'rds:RebootDBInstance',
          'rds:CreateDBSnapshot',
          'rds:DeleteDBSnapshot',
          'rds:Describe*',
          'rds:AddTagsToResource',
          'rds:RemoveTagsFromResource',
          'rds:ListTagsForResource',
          // Whether secrets of services are there. Neither reads a value.
          'secretsmanager:DescribeSecret',
          'ssm:DescribeParameters',
          'servicequotas:GetServiceQuota',
          'servicequotas:GetAWSDefaultServiceQuota',
        ],
        '*',
      ),
      Condition,
    },
  ];
}

/** What is in no region. */
function global({ region }: Scope): Statement[] {
  const partition = partitionOf(region);
  return [
    // Asked where every account is: a region that is not enabled would not answer.
    allow('Regions', ['ec2:DescribeRegions'], '*'),
    allow(
      'Zone',
      [
        'route53:*HostedZone*',
        'route53:*ResourceRecordSets',
        'route53:GetChange',
        'route53:*TagsForResource',
        'route53:ListQueryLoggingConfigs',
      ],
      '*',
    ),
    {
      ...allow('ServiceRoles', ['iam:CreateServiceLinkedRole'], `arn:${partition}:iam::*:role/aws-service-role/*`),
      Condition: {
        StringLike: {
          'iam:AWSServiceName': ['elasticfilesystem', 'elasticloadbalancing', 'rds'].map(
            (service) => `${service}.amazonaws.com`,
          ),
        },
      },
    },
  ];
}

function allow(Sid: string, Action: string[], Resource: string | string[]): Statement {
  return { Sid, Effect: 'Allow', Action, Resource };
}

function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}
