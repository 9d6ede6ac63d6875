import { mapBounded } from '../../../core/bounded.js';
import { type InputLocations, isReadByRole } from '../../../plan/index.js';
import { discard, HttpClient, S3Connection } from '../../../remote/index.js';

const IN_FLIGHT = 8;

/**
 * The buckets among the sources that are in another region than this one. An endpoint of S3 leads to its own region alone
 * ("Gateway endpoints for Amazon S3"), so machines without another way never reach those.
 */
export async function bucketsElsewhere(
  inputs: InputLocations,
  region: string,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const buckets = new Set(
    Object.values(inputs).flatMap((location) => (isReadByRole(location) ? [new URL(location.url).host] : [])),
  );
  if (buckets.size === 0) return buckets;
  const client = new HttpClient();
  try {
    const connection = new S3Connection(client, { region });
    const found = await mapBounded([...buckets], IN_FLIGHT, async (bucket) => {
      const its = await regionOf(connection, bucket, signal);
      return its === undefined || its === region ? [] : [bucket];
    });
    return new Set(found.flat());
  } finally {
    await client.close();
  }
}

/** S3 says it with every answer, also when it refuses; servers that only speak like S3 may not say it. */
async function regionOf(connection: S3Connection, bucket: string, signal: AbortSignal): Promise<string | undefined> {
  const asked = { method: 'HEAD', url: `s3://${bucket}/`, bucket, key: '', action: 's3:ListBucket' } as const;
  const answer = await connection.request(asked, signal);
  await discard(answer.body);
  return answer.header('x-amz-bucket-region');
}
