import {
  CfnFlowLog,
  CfnRouteTable,
  CfnSubnet,
  CfnSubnetRouteTableAssociation,
  CfnVPC,
  CfnVPCEndpoint,
} from 'aws-cdk-lib/aws-ec2';
import { CfnRole } from 'aws-cdk-lib/aws-iam';
import { CfnLogGroup } from 'aws-cdk-lib/aws-logs';
import { Fn, type Stack } from 'aws-cdk-lib/core';
import { addressPlan } from '../cdk/address-plan.js';
import { bucketArn, objectsArn } from '../cdk/arn.js';
import { nameTag } from '../cdk/names.js';
import { scopeName, uniqueName } from '../environment/names.js';
import type { FoundationInputs } from './inputs.js';

export interface FoundationNetwork {
  vpcId: string;
  /** Without a way out but to S3, or as the configuration names them. */
  workerSubnetIds: string[];
}

const KEPT_DAYS = 30;

/** A VPC of our own with two isolated subnets, or the one that the configuration names. */
export function foundationNetwork(stack: Stack, inputs: FoundationInputs): FoundationNetwork {
  const { network } = inputs;
  if (network.kind === 'existing') return { vpcId: network.vpcId, workerSubnetIds: network.workerSubnets };
  const vpc = new CfnVPC(stack, 'Vpc', {
    cidrBlock: network.cidr,
    enableDnsSupport: true,
    enableDnsHostnames: true,
    tags: nameTag(stack, 'vpc'),
  });
  const vpcId = vpc.ref;
  const table = new CfnRouteTable(stack, 'IsolatedRoutes', { vpcId, tags: nameTag(stack, 'isolated') });
  const workerSubnetIds = addressPlan(network.cidr).isolated.map((cidrBlock, zone) => {
    const subnet = new CfnSubnet(stack, `IsolatedSubnet${zone}`, {
      vpcId,
      cidrBlock,
      availabilityZone: Fn.select(zone, Fn.getAzs()),
      mapPublicIpOnLaunch: false,
      tags: nameTag(stack, `isolated-${zone}`),
    });
    new CfnSubnetRouteTableAssociation(stack, `IsolatedSubnet${zone}Routes`, {
      subnetId: subnet.ref,
      routeTableId: table.ref,
    });
    return subnet.ref;
  });
  new CfnVPCEndpoint(stack, 'IsolatedS3', {
    vpcId,
    vpcEndpointType: 'Gateway',
    serviceName: Fn.join('', ['com.amazonaws.', stack.region, '.s3']),
    routeTableIds: [table.ref],
    policyDocument: endpointPolicy(inputs),
  });
  flowLog(stack, inputs, vpcId);
  return { vpcId, workerSubnetIds };
}

/** What may be reached by the endpoint: our bucket, the sources of others, and Amazon Linux's packages. */
function endpointPolicy({ scope, sourceBuckets }: FoundationInputs): object {
  const bucket = uniqueName(scope);
  // "Amazon Linux 2023 repositories" (docs.aws.amazon.com/linux/al2023/ug/deterministic-upgrades-usage.html) are in a bucket of each region.
  const repositories = `al2023-repos-${scope.region}-de612dc2`;
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'OurBucket',
        Effect: 'Allow',
        Principal: '*',
        Action: ['s3:GetObject', 's3:GetObjectVersion', 's3:PutObject', 's3:DeleteObject', 's3:ListBucket'],
        Resource: [bucketArn(bucket), objectsArn(bucket, '*')],
      },
      {
        Sid: 'ReadPackagesAndSources',
        Effect: 'Allow',
        Principal: '*',
        Action: ['s3:GetObject', 's3:GetObjectVersion'],
        Resource: [repositories, ...sourceBuckets].map((each) => objectsArn(each, '*')),
      },
    ],
  };
}

/** What was refused in the VPC: the first thing to look at where something cannot be reached. */
function flowLog(stack: Stack, { scope }: FoundationInputs, vpcId: string): void {
  const group = new CfnLogGroup(stack, 'FlowLogGroup', {
    logGroupName: `/prestage/${scopeName(scope)}/flow`,
    retentionInDays: KEPT_DAYS,
  });
  const role = new CfnRole(stack, 'FlowLogRole', {
    roleName: `${uniqueName(scope)}-flow-log`,
    description: `Flow log of ${scope.project} in ${scope.environment}`,
    assumeRolePolicyDocument: {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: 'vpc-flow-logs.amazonaws.com' },
          Action: 'sts:AssumeRole',
          Condition: { StringEquals: { 'aws:SourceAccount': scope.account } },
        },
      ],
    },
    policies: [
      {
        policyName: 'write',
        policyDocument: {
          Version: '2012-10-17',
          Statement: [
            {
              Sid: 'Write',
              Effect: 'Allow',
              Action: ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
              Resource: [group.attrArn],
            },
          ],
        },
      },
    ],
  });
  new CfnFlowLog(stack, 'FlowLog', {
    resourceType: 'VPC',
    resourceId: vpcId,
    trafficType: 'REJECT',
    logDestinationType: 'cloud-watch-logs',
    logGroupName: group.ref,
    deliverLogsPermissionArn: role.attrArn,
    tags: nameTag(stack, 'flow'),
  });
}
