import * as z from 'zod';
import { flag } from '../plan/index.js';
import { ownAwsServices } from './schema-services.js';
import { id, instanceType, OWN_VALUES, values } from './schema-values.js';

const AN_ACCOUNT = 'an account number of 12 digits, in quotes';

/** What AWS calls a thing: `vpc-0a1b2c3d4e5f60718`. */
const awsId = (prefix: string) => {
  const error = `an id such as ${prefix}-0a1b2c3d4e5f60718`;
  return z.string({ error }).regex(new RegExp(`^${prefix}-[0-9a-f]{8}([0-9a-f]{9})?$`), { error });
};

const A_DATABASE_TYPE = 'a class of database instances such as db.t4g.medium';
const databaseType = z.string({ error: A_DATABASE_TYPE }).regex(/^db\.[a-z][a-z0-9-]*\.[a-z0-9]+$/, {
  error: A_DATABASE_TYPE,
});

const subnets = (expected: string) =>
  z
    .array(awsId('subnet'), { error: expected })
    .min(1, { error: expected })
    .refine((ids) => new Set(ids).size === ids.length, { error: 'each subnet once' });

const A_ROLE = 'the ARN of a role, such as arn:aws:iam::123456789012:role/deployer';

const vpc = z
  .strictObject({
    id: awsId('vpc').describe('The VPC.'),
    workerSubnets: subnets('the ids of one or two subnets, each in another zone')
      .max(2, { error: 'one or two subnets' })
      .describe(
        'Where the worker runs, and the mount targets and the database are: subnets from which S3 is reached, each in another zone. A database needs two.',
      ),
    hostSubnets: subnets('the ids of one or more subnets, each in another zone')
      .describe('Where hosts run. Default: the same.')
      .optional(),
  })
  .describe('A VPC that is there already, instead of one that Prestage makes.');

const storage = z
  .strictObject({ fileSystemId: awsId('fs').describe('The EFS file system.') })
  .describe('A file system that is there already, instead of one that Prestage makes.');

const instanceTypes = z
  .strictObject({
    worker: instanceType.describe('Instance type of the temporary worker. Default: m7i.large.').optional(),
    hosts: instanceType.describe('Of hosts. Default: t3.medium.').optional(),
    database: databaseType.describe('Instance class of the database. Default: db.t4g.medium.').optional(),
    services: z.record(id, instanceType).describe('Instance type of the hosts of a service, by its name.').optional(),
  })
  .describe('Sizes of machines.');

/** `{target: aws, …}`: an environment on AWS. What may not stand together is in rules.ts. */
export const awsEnvironment = z.strictObject({
  target: z.literal('aws'),
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, { error: 'a region such as eu-west-1' })
    .describe('The region, such as eu-west-1.'),
  account: z
    .string({ error: AN_ACCOUNT })
    .regex(/^\d{12}$/, { error: AN_ACCOUNT })
    .describe('The account; deployments to any other are refused.')
    .optional(),
  profile: z
    .string()
    .min(1, { error: 'the name of a profile' })
    .describe('The profile of the shared AWS configuration. Default: what AWS_PROFILE says, or default.')
    .optional(),
  assumeRole: z
    .string({ error: A_ROLE })
    .regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/, { error: A_ROLE })
    .describe('A role to assume for everything that is done in this environment.')
    .optional(),
  vpcCidr: z
    .string()
    .refine(isVpcCidr, { error: 'an IPv4 network from /16 to /24, such as 10.20.0.0/16' })
    .describe('The address range of the VPC that Prestage makes. Default: 10.20.0.0/16.')
    .optional(),
  vpc: vpc.optional(),
  storage: storage.optional(),
  nat: z
    .enum(['none', 'one', 'per-zone'])
    .describe(
      'NAT gateways, by which hosts reach the internet. none: they reach AWS by endpoints only. Default: one; with ha: per-zone.',
    )
    .optional(),
  ha: flag
    .describe('High availability: a standby of the database in another zone, and a load balancer before each service.')
    .optional(),
  instanceTypes: instanceTypes.optional(),
  services: ownAwsServices.optional(),
  values: values.describe(OWN_VALUES).optional(),
});

function isVpcCidr(value: string): boolean {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(value);
  if (!match) return false;
  const [a, b, c, d, bits] = match.slice(1).map(Number) as [number, number, number, number, number];
  const address = a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;
  return [a, b, c, d].every((byte) => byte <= 255) && bits >= 16 && bits <= 24 && address % 2 ** (32 - bits) === 0;
}
