import { DescribeStackResourceCommand } from '@aws-sdk/client-cloudformation';
import { DescribeInstanceStatusCommand, type EC2Client } from '@aws-sdk/client-ec2';
import { discard, HttpClient } from '../../../remote/index.js';
import { asAws } from '../api/aws-failure.js';
import type { Session } from '../api/session.js';
import { consoleTail, isGone, type Machine, saidByEc2 } from '../worker/machines.js';

/** A host reports as soon as it knows its own address, a minute or two after its launch. */
const SILENT_MS = 7 * 60_000;

/**
 * Why a host that has not come up never will, by what EC2 says of its instance; undefined where it still may. CloudFormation
 * itself would wait for hours. `sinceMs` is how long the instance has been seen, `reported` whether the host has ever reported.
 */
export async function lossOf(
  ec2: EC2Client,
  machine: Machine,
  { sinceMs, reported, silentMs = SILENT_MS }: { sinceMs: number; reported: boolean; silentMs?: number },
): Promise<string | undefined> {
  const { id, state, reason } = machine;
  if (isGone(machine) || state === 'stopped' || state === 'stopping')
    return `its instance ${id} is ${state}${saidByEc2(reason)}`;
  if (reported || sinceMs < silentMs) return undefined;
  const last = (await consoleTail(ec2, id)).at(-1);
  const minutes = Math.round(silentMs / 60_000);
  const checks = await failedChecks(ec2, id);
  return `its instance ${id} is ${state} and has said nothing for ${minutes} minutes${checks}${last === undefined ? '; it may have no way to S3' : `; its console ends with: ${last}`}`;
}

/** EC2's own checks of a machine, where they fail. */
async function failedChecks(ec2: EC2Client, id: string): Promise<string> {
  const found = await ec2.send(new DescribeInstanceStatusCommand({ InstanceIds: [id] })).catch(() => undefined);
  const status = found?.InstanceStatuses?.[0];
  const failed = [
    ...(status?.SystemStatus?.Status === 'impaired' ? ['of the system'] : []),
    ...(status?.InstanceStatus?.Status === 'impaired' ? ['of the instance'] : []),
  ];
  return failed.length === 0 ? '' : `, and EC2's status check ${failed.join(' and ')} fails`;
}

/**
 * Ends CloudFormation's wait for a host, as the host itself would: by the URL that is the physical id of its wait condition's
 * handle ("AWS::CloudFormation::WaitConditionHandle").
 */
export async function signalFailure(
  { cloudFormation }: Pick<Session, 'cloudFormation'>,
  { stack, handle, instance, reason }: { stack: string; handle: string; instance: string; reason: string },
): Promise<void> {
  const found = await asAws({ action: 'cloudformation:DescribeStackResource', resource: handle }, () =>
    cloudFormation.send(new DescribeStackResourceCommand({ StackName: stack, LogicalResourceId: handle })),
  );
  const url = new URL(found.StackResourceDetail?.PhysicalResourceId ?? '');
  const client = new HttpClient();
  try {
    const { status, body } = await client.send(
      {
        method: 'PUT',
        origin: url.origin,
        path: url.pathname + url.search,
        // The URL is signed for no content type.
        headers: { 'content-type': '' },
        body: Buffer.from(JSON.stringify({ Status: 'FAILURE', UniqueId: instance, Data: '', Reason: reason })),
      },
      AbortSignal.timeout(30_000),
    );
    await discard(body);
    if (status >= 300) throw new Error(`the wait condition's URL answered ${status}`);
  } finally {
    await client.close();
  }
}
