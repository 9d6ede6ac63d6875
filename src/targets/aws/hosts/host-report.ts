import * as z from 'zod';
import type { Bucket } from '../bucket/bucket.js';
import { hostKeys } from '../bucket/layout.js';

/** What a host's script says of its host, in the bucket: the latest state replaces the one before. */
const hostReport = z.object({
  state: z.enum(['starting', 'preparing', 'waiting', 'healthy', 'unhealthy', 'failed']),
  detail: z.string().optional(),
  release: z.string(),
  /** ISO 8601, UTC, by the host's clock. */
  time: z.string(),
  address: z.string().optional(),
});

export type HostReport = z.infer<typeof hostReport>;

/** Undefined where the host has said nothing yet. */
export async function readHostReport(bucket: Bucket, host: string, instance: string): Promise<HostReport | undefined> {
  return (await bucket.getJson(hostKeys(host, instance).state, hostReport))?.value;
}

/** The last lines that it wrote. */
export async function hostLogTail(bucket: Bucket, host: string, instance: string, lines = 20): Promise<string[]> {
  const text = (await bucket.getText(hostKeys(host, instance).log)) ?? '';
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-lines);
}
