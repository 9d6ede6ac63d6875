import { DescribeRegionsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { PrestageError } from '../../../core/errors.js';
import { failed, ok, skipped, type Verdict, warning } from '../../checks/finding.js';
import { asAws } from '../api/aws-failure.js';
import { awsCommand, type Examined } from './examined.js';
import { formatSeconds } from './seconds.js';

/** Less than this may end in the middle of a deployment; what can be renewed by itself is renewed before. */
const SOON_SECONDS = 15 * 60;

/** Who asks, that it is the account that the environment is pinned to, and for how long. */
export async function checkCredentials(
  { session, environment }: Examined,
  { signal, now = Date.now }: { signal: AbortSignal; now?: () => number },
): Promise<Verdict> {
  const account = await session.account();
  const sts = new STSClient(session.client);
  const { Arn = 'somebody' } = await asAws({ action: 'sts:GetCallerIdentity' }, () =>
    sts.send(new GetCallerIdentityCommand({}), { abortSignal: signal }),
  );
  const pinned = environment.account === undefined ? '' : ', to which the environment is pinned';
  const who = `${Arn} of account ${account}${pinned}.`;
  const { expiration } = await session.credentials();
  if (expiration === undefined) return ok(who);
  const left = (expiration.getTime() - now()) / 1000;
  if (left > SOON_SECONDS) return ok(`${who} For ${formatSeconds(left)} more.`);
  return warning(
    `${who} The credentials expire in ${formatSeconds(Math.max(left, 0))}, and a deployment may take longer.`,
    'Renew them first. If they expire during a deployment, run the same command to resume.',
  );
}

/** Whether the region exists and the account has enabled it: asked where every account is, since the region itself would not answer. */
export async function checkRegion(examined: Examined, signal: AbortSignal): Promise<Verdict> {
  const { session, environment } = examined;
  const { region, name } = environment;
  const ec2 = new EC2Client({ ...session.client, region: homeOf(region) });
  const asked = { action: 'ec2:DescribeRegions' };
  const found = await asAws(asked, () =>
    ec2.send(new DescribeRegionsCommand({ AllRegions: true }), { abortSignal: signal }),
  ).catch((error: unknown) => {
    if (error instanceof PrestageError && error.code === 'AWS_SETTINGS') return undefined;
    throw error;
  });
  if (found === undefined) return skipped('It needs: credentials.');
  const known = found.Regions?.find(({ RegionName }) => RegionName === region);
  if (known === undefined)
    return failed(`There is no region ${region}.`, `Correct \`environments.${name}.region\` in the configuration.`);
  if (known.OptInStatus !== 'not-opted-in') return ok(`Region ${region} is enabled.`);
  return failed(
    `Region ${region} is not enabled for this account.`,
    `Enable it (${awsCommand(examined, `account enable-region --region-name ${region}`)}, which takes minutes), or correct \`environments.${name}.region\`.`,
  );
}

/** The region of each partition that is always enabled. */
function homeOf(region: string): string {
  if (region.startsWith('cn-')) return 'cn-north-1';
  if (region.startsWith('us-gov-')) return 'us-gov-west-1';
  return 'us-east-1';
}
