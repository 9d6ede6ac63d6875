import { DescribeAddressesCommand, DescribeVpcsCommand, type Tag } from '@aws-sdk/client-ec2';
import {
  GetAWSDefaultServiceQuotaCommand,
  GetServiceQuotaCommand,
  ServiceQuotasClient,
} from '@aws-sdk/client-service-quotas';
import { PrestageError } from '../../../core/errors.js';
import { failed, ok, type Verdict, warning } from '../../checks/finding.js';
import { asAws } from '../api/aws-failure.js';
import { TAGS } from '../environment/names.js';
import { awsCommand, type Examined } from './examined.js';

interface Quota {
  service: 'ec2' | 'vpc';
  code: string;
  /** What is counted. */
  things: string;
}

/** How much of a quota is used, how much more this environment would take at once, and how that comes. */
interface Use {
  used: number;
  more: number;
  /** Why more, in a few words. */
  for: string;
}

const VPCS: Quota = { service: 'vpc', code: 'L-F678F1CE', things: 'VPCs' };
const ADDRESSES: Quota = { service: 'ec2', code: 'L-0263D0A3', things: 'Elastic IPs' };
export const STANDARD_VCPUS: Quota = { service: 'ec2', code: 'L-1216C47A', things: 'vCPUs of standard instances' };

/** Whether the account may have one more VPC, where the environment has none yet. */
export async function checkVpcQuota(examined: Examined, signal: AbortSignal): Promise<Verdict> {
  return checkQuota(examined, VPCS, signal, async () => {
    const { Vpcs = [] } = await asAws({ action: 'ec2:DescribeVpcs' }, () =>
      examined.session.ec2.send(new DescribeVpcsCommand({ MaxResults: 1000 }), { abortSignal: signal }),
    );
    const own = Vpcs.filter(({ Tags }) => isOurs(examined, Tags)).length;
    return { used: Vpcs.length, more: own > 0 ? 0 : 1, for: 'this environment' };
  });
}

/** Whether the account may have as many addresses as there will be NAT gateways. */
export async function checkAddressQuota(examined: Examined, gateways: number, signal: AbortSignal): Promise<Verdict> {
  return checkQuota(examined, ADDRESSES, signal, async () => {
    const { Addresses = [] } = await asAws({ action: 'ec2:DescribeAddresses' }, () =>
      examined.session.ec2.send(new DescribeAddressesCommand({}), { abortSignal: signal }),
    );
    const own = Addresses.filter(({ Tags }) => isOurs(examined, Tags)).length;
    return { used: Addresses.length, more: Math.max(gateways - own, 0), for: 'NAT gateways' };
  });
}

/** Compares a quota with its use. Who may not look at quotas is told the use, and that the rest is not known. */
export async function checkQuota(
  examined: Examined,
  quota: Quota,
  signal: AbortSignal,
  use: () => Promise<Use>,
): Promise<Verdict> {
  const [{ used, more, for: reason }, limit] = await Promise.all([use(), limitOf(examined, quota, signal)]);
  const needs = more === 0 ? 'no more are needed' : `${more} more ${more === 1 ? 'is' : 'are'} needed for ${reason}`;
  const { service, code, things } = quota;
  if (limit === undefined)
    return warning(
      `${used} ${things} are in use, and ${needs}. How many there may be is not known: servicequotas:GetServiceQuota is not allowed.`,
      'Look it up in the console, under Service Quotas.',
    );
  const found = `${used} of ${limit} ${things} are in use, and ${needs}.`;
  if (used + more <= limit) return ok(found);
  const request = `service-quotas request-service-quota-increase --service-code ${service} --quota-code ${code} --desired-value ${used + more}`;
  return failed(found, `Have the quota raised (${awsCommand(examined, request)}), or free some.`);
}

/** Undefined where it may not be looked at. */
async function limitOf(
  { session }: Examined,
  { service: ServiceCode, code: QuotaCode }: Quota,
  abortSignal: AbortSignal,
): Promise<number | undefined> {
  const client = new ServiceQuotasClient(session.client);
  const asked = { ServiceCode, QuotaCode };
  const found = await asAws({ action: 'servicequotas:GetServiceQuota', resource: QuotaCode }, () =>
    client.send(new GetServiceQuotaCommand(asked), { abortSignal }).catch((error: unknown) => {
      // What was never raised may be known by its default alone.
      if (!(error instanceof Error && error.name === 'NoSuchResourceException')) throw error;
      return client.send(new GetAWSDefaultServiceQuotaCommand(asked), { abortSignal });
    }),
  ).catch((error: unknown) => {
    if (error instanceof PrestageError && /AccessDenied/.test(String(error.context.awsCode))) return undefined;
    throw error;
  });
  return found?.Quota?.Value;
}

function isOurs({ project, environment }: Examined, tags: Tag[] | undefined): boolean {
  const has = (key: string, value: string) => tags?.some(({ Key, Value }) => Key === key && Value === value) ?? false;
  return has(TAGS.project, project) && has(TAGS.environment, environment.name);
}
