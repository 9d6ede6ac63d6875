import { discard, HttpClient } from '../../../remote/index.js';
import { failed, ok, skipped, type Verdict, warning } from '../../checks/finding.js';
import { awsFailure } from '../api/aws-failure.js';
import type { Examined } from './examined.js';
import { formatSeconds } from './seconds.js';

/** AWS refuses a signature whose time is this far from its own. */
const REFUSED_MS = 5 * 60_000;
const NOTICED_MS = 60_000;

/** This machine's clock beside the time that AWS writes on each answer; nothing has to be signed for that. */
export async function checkClock(
  { session }: Examined,
  { signal, now = Date.now }: { signal: AbortSignal; now?: () => number },
): Promise<Verdict> {
  const before = now();
  const endpoint = await endpointOf(session);
  const written = await dateBy(endpoint, signal).catch((error: unknown) => {
    throw awsFailure(error, { action: 'A look at the clock', resource: endpoint.host });
  });
  const there = Date.parse(written ?? '');
  if (Number.isNaN(there)) return skipped('AWS answered without saying what time it is.');
  // The header has whole seconds, and was written somewhere between the question and the answer.
  const skewMs = (before + now()) / 2 - (there + 500);
  const size = Math.abs(skewMs);
  if (size < NOTICED_MS) return ok('The clock agrees with that of AWS.');
  const found = `The clock of this machine is ${formatSeconds(size / 1000)} ${skewMs > 0 ? 'ahead of' : 'behind'} that of AWS.`;
  const remedy = 'Correct it: `timedatectl set-ntp true` on Linux, `w32tm /resync` on Windows.';
  if (size < REFUSED_MS) return warning(`${found} From 5 minutes on, requests are refused.`, remedy);
  return failed(`${found} AWS refuses requests that are signed with it.`, remedy);
}

/** What a server writes as `Date`; through the proxies of the environment. */
async function dateBy({ origin, pathname }: URL, signal: AbortSignal): Promise<string | undefined> {
  const client = new HttpClient();
  try {
    const { header, body } = await client.send({ method: 'HEAD', origin, path: pathname, headers: {} }, signal);
    await discard(body);
    return header('date');
  } finally {
    await client.close();
  }
}

async function endpointOf({ ssm }: Examined['session']): Promise<URL> {
  const { config } = ssm;
  if (process.env.AWS_ENDPOINT_URL) return new URL(process.env.AWS_ENDPOINT_URL);
  return config.endpointProvider({ Region: await config.region() }).url;
}
