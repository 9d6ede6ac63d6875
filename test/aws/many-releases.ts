import { releaseRecord } from '../../src/store/index.js';
import { readDeployments } from '../../src/targets/aws/bucket/deployments.js';
import { deploymentKey, indexKeys } from '../../src/targets/aws/bucket/layout.js';
import { bucketOf } from './bucket.js';
import type { Call, Region } from './region.js';

interface Environment {
  region: Region;
  bucket: string;
  fileSystem: string;
}

/**
 * Makes an environment look as if this many releases had been prepared and deployed before its own: copies of that one's records, under
 * other names. @returns what takes them away again
 */
export async function addEarlierReleases(
  { region, bucket: name, fileSystem }: Environment,
  release: string,
  count: number,
): Promise<() => Promise<void>> {
  const bucket = bucketOf(region, name);
  const keys = indexKeys(fileSystem);
  const record = (await bucket.getJson(keys.release(release), releaseRecord))?.value;
  const deployed = (await readDeployments(bucket)).at(-1);
  if (record === undefined || deployed === undefined) throw new Error(`release ${release} is not deployed`);
  const added: string[] = [];
  const put = async (key: string, value: unknown) => {
    await bucket.putJson(key, value);
    added.push(key);
  };
  for (let number = 1; number <= count; number += 1) {
    const earlier = String(number).padStart(16, '0');
    await put(keys.release(earlier), { ...record, release: earlier, createdAt: '2020-01-01T00:00:00.000Z' });
    await put(deploymentKey(1000 + number), { ...deployed, release: earlier });
  }
  await put(deploymentKey(1001 + count), deployed);
  return () => bucket.delete(...added);
}

/** How often what was asked for: `3 DescribeStacks`, and so on. */
export function byAction(calls: readonly Call[]): string[] {
  const counts = new Map<string, number>();
  for (const { action } of calls) counts.set(action, (counts.get(action) ?? 0) + 1);
  return [...counts].map(([action, count]) => `${count} ${action}`).sort();
}
