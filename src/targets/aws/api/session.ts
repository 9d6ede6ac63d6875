import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { EC2Client } from '@aws-sdk/client-ec2';
import { EFSClient } from '@aws-sdk/client-efs';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { RDSClient } from '@aws-sdk/client-rds';
import { S3Client } from '@aws-sdk/client-s3';
import { SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { fromNodeProviderChain, fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import { PrestageError } from '../../../core/errors.js';
import type { AwsEnvironment } from '../../../plan/index.js';
import { TunnelAgent } from '../../../remote/index.js';
import { asAws } from './aws-failure.js';

export type Credentials = ReturnType<typeof fromNodeProviderChain>;

/** AWS as one environment of the configuration sees it: who asks, where, and in which account that is. */
export interface Session {
  environment: AwsEnvironment;
  credentials: Credentials;
  /** What every client is made with; through the proxies of the environment. */
  client: ClientSettings;
  balancers: ElasticLoadBalancingV2Client;
  cloudFormation: CloudFormationClient;
  ec2: EC2Client;
  efs: EFSClient;
  rds: RDSClient;
  s3: S3Client;
  ssm: SSMClient;
  /**
   * The account that the credentials are of, found out once: from the ARN of something in it that they could read, or by asking.
   * @throws AWS_SETTINGS where the credentials are missing or expired; AWS_ACCOUNT where the configuration names another
   */
  account(arn?: string): Promise<string>;
}

// The SDK else tells users of Node 20 when it will end to support that: this project chooses its Node and its SDK together.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

/** Attempts at a request that is throttled or gets no answer; the SDK waits longer before each. */
const MAX_ATTEMPTS = 8;
/** To one server at once; as many as the SDK itself has. */
const MAX_SOCKETS = 50;

export interface ClientSettings {
  region: string;
  credentials: Credentials;
  maxAttempts: number;
  requestHandler: { httpsAgent: TunnelAgent };
}

/** Asks nobody for anything until a client is used. */
export function openSession(environment: AwsEnvironment): Session {
  const requestHandler = { httpsAgent: new TunnelAgent({ keepAlive: true, maxSockets: MAX_SOCKETS }) };
  const credentials = credentialsOf(environment, requestHandler);
  const client = { region: environment.region, credentials, maxAttempts: MAX_ATTEMPTS, requestHandler };
  const sts = new STSClient(client);
  let account: Promise<string> | undefined;
  return {
    environment,
    credentials,
    client,
    balancers: new ElasticLoadBalancingV2Client(client),
    cloudFormation: new CloudFormationClient(client),
    ec2: new EC2Client(client),
    efs: new EFSClient(client),
    rds: new RDSClient(client),
    s3: new S3Client({ ...client, forcePathStyle: hasOwnEndpoint() }),
    ssm: new SSMClient(client),
    account(arn) {
      const known = arn?.split(':')[4];
      account ??=
        known !== undefined && isWanted(known, environment) ? Promise.resolve(known) : askAccount(sts, environment);
      return account;
    },
  };
}

/** The chain that all AWS tools share, with the profile and the role that the environment names. */
function credentialsOf(
  { region, profile, assumeRole }: AwsEnvironment,
  requestHandler: ClientSettings['requestHandler'],
): Credentials {
  const clientConfig = { region, requestHandler };
  const own = fromNodeProviderChain({
    ...(profile === undefined ? {} : { profile }),
    clientConfig,
    // Clients of SSO, whose region is another.
    parentClientConfig: { requestHandler },
  });
  if (assumeRole === undefined) return own;
  return fromTemporaryCredentials({
    masterCredentials: own,
    params: { RoleArn: assumeRole, RoleSessionName: 'prestage' },
    clientConfig,
  });
}

/** Servers that only speak like S3 are mostly one host, so the bucket is in the path there. */
function hasOwnEndpoint(): boolean {
  return Boolean(process.env.AWS_ENDPOINT_URL_S3 || process.env.AWS_ENDPOINT_URL);
}

function isWanted(found: string, { account: wanted = found }: AwsEnvironment): boolean {
  return /^\d{12}$/.test(found) && found === wanted;
}

async function askAccount(sts: STSClient, environment: AwsEnvironment): Promise<string> {
  const { name, account: wanted, profile } = environment;
  const { Account: found = '', Arn } = await asAws(
    { action: 'sts:GetCallerIdentity', ...(profile === undefined ? {} : { profile }) },
    () => sts.send(new GetCallerIdentityCommand({})),
  );
  if (wanted === undefined || found === wanted) return found;
  throw new PrestageError(
    'AWS_ACCOUNT',
    `These credentials are of account ${found}, and environment ${name} is pinned to account ${wanted}.`,
    {
      hint: `Use credentials of account ${wanted} (AWS_PROFILE, or \`profile\` or \`assumeRole\` of the environment). Nothing was changed.`,
      context: {
        key: `environments.${name}.account`,
        expected: wanted,
        found,
        ...(Arn === undefined ? {} : { caller: Arn }),
      },
    },
  );
}
