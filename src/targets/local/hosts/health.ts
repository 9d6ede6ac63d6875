import { pause } from '../../../core/pause.js';
import type { HealthCheck } from '../../../plan/index.js';
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
  return ask(`${health.secure ? 'https' : 'http'}://${address}:${port}${health.path}`, health);
}

type HttpCheck = Extract<HealthCheck, { kind: 'http' }>;

async function ask(
  url: string,
  { secure, status: well, headers }: HttpCheck,
): Promise<{ ok: boolean; detail: string }> {
  const { get } = await (secure ? import('node:https') : import('node:http'));
  const options = {
    agent: false,
    timeout: ATTEMPT_MS,
    // Who closes a connection first keeps the port in TIME_WAIT: let that be us.
    headers: { connection: 'keep-alive', ...headers },
    // A certificate is for the service's name, if for anybody's; this asks for an address.
    rejectUnauthorized: false,
  };
  return new Promise((resolve) => {
    const request = get(url, options, (response) => {
      const status = response.statusCode ?? 0;
      // Only the status counts; a body that never ends must not keep us.
      response.destroy();
      const ok = well ? well.includes(status) : status >= 200 && status < 400;
      resolve({ ok, detail: `GET ${url} answered ${status}` });
    });
    request.once('timeout', () => request.destroy(new Error(`no answer within ${ATTEMPT_MS / 1000} s`)));
    request.once('error', (error: NodeJS.ErrnoException) =>
      resolve({ ok: false, detail: `GET ${url}: ${error.code ?? error.message}` }),
    );
  });
}

/** Pauses between looks at a starting host: short at first, because most answer soon. */
export async function pauseBeforeLook(signal: AbortSignal, attempt: number): Promise<void> {
  await pause(Math.min(20 + attempt * 10, 250), signal);
}
