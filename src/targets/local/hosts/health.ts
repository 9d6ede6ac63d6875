import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HealthCheck } from '../../../config/index.js';
import { accepts } from './port-holder.js';

const ATTEMPT_MS = 5_000;

/** Whether a host answers its check now; if not, what came instead. */
export async function probe(
  health: HealthCheck,
  address: string,
  port: number,
): Promise<{ ok: boolean; detail: string }> {
  if (health.kind === 'tcp') {
    const ok = await accepts(port, ATTEMPT_MS);
    return { ok, detail: ok ? 'accepts connections' : `no connection to port ${port}` };
  }
  return getStatus(`http://${address}:${port}${health.path}`);
}

function getStatus(url: string): Promise<{ ok: boolean; detail: string }> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: ATTEMPT_MS }, (response) => {
      const status = response.statusCode ?? 0;
      // Only the status counts; a body that never ends must not keep us.
      response.destroy();
      resolve({ ok: status >= 200 && status < 400, detail: `GET ${url} answered ${status}` });
    });
    request.once('timeout', () => request.destroy(new Error(`no answer within ${ATTEMPT_MS / 1000} s`)));
    request.once('error', (error: NodeJS.ErrnoException) =>
      resolve({ ok: false, detail: `GET ${url}: ${error.code ?? error.message}` }),
    );
  });
}

/** Pauses between looks at a starting host: short at first, because most answer soon. */
export async function pause(signal: AbortSignal, attempt: number): Promise<void> {
  await sleep(Math.min(20 + attempt * 10, 250), undefined, { signal });
}
