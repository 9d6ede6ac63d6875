import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { SOME_HOST, unpacked } from '../../../../test/aws/some-host.js';
import { certificateOfAnotherHost, testKey } from '../../../../test/certificates.js';
import { lacks } from '../../../../test/requirements.js';
import { renderHostScript } from './host.js';
import type { HostInputs } from './inputs.js';

const execute = promisify(execFile);
let close = () => {};
afterEach(() => close());

async function serve(secure: boolean, answer: RequestListener): Promise<number> {
  const server = secure
    ? createHttpsServer({ key: testKey, cert: certificateOfAnotherHost }, answer)
    : createHttpServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  close = () => server.close();
  return (server.address() as AddressInfo).port;
}

/** What the script of a host with this check says of what answers on the port: `well`, or why not. */
async function probed(health: HostInputs['health'], port: number): Promise<string> {
  const script = unpacked(renderHostScript({ ...SOME_HOST, run: undefined, port, health }));
  const functions = script.slice(0, script.indexOf("\nPROBLEM=''\n"));
  const programs = fileURLToPath(new URL('host-programs.sh', import.meta.url));
  const probing = `${functions}\nADDRESS=127.0.0.1\n. ${programs}\nendings() { :; }\nprobe && echo well || echo "$DETAIL"`;
  return (await execute('dash', ['-c', probing])).stdout.trim();
}

const http = { kind: 'http', path: '/up', timeoutMs: 1_000 } as const;

describe.skipIf(lacks('dash', 'curl'))("a host's check on AWS is the one of the local target", () => {
  test.each([
    ['2xx', 204, {}, true],
    ['3xx', 302, {}, true],
    ['4xx', 401, {}, false],
    ['a status that is named', 401, { status: [200, 401] }, true],
    ['one that is not named', 204, { status: [200, 401] }, false],
  ])('%s', async (_, status, check, well) => {
    const port = await serve(false, (_request, response) => response.writeHead(status, { location: '/' }).end());
    const expected = well ? 'well' : `GET http://127.0.0.1:${port}/up answered ${status}`;
    expect(await probed({ ...http, ...check }, port)).toBe(expected);
  });

  test('headers, and https with whatever certificate', async () => {
    const port = await serve(true, ({ headers }, response) =>
      response.writeHead(headers.host === 'shop.example' && headers['x-try'] === `it's 1` ? 200 : 400).end(),
    );
    const check = { ...http, secure: true, headers: { Host: 'shop.example', 'X-Try': `it's 1` } } as const;
    expect(await probed(check, port)).toBe('well');
    expect(await probed({ ...http, secure: true }, port)).toMatch(/^GET https:\S+ answered 400$/);
    expect(await probed(http, port)).toMatch(/^GET http:\S+: no answer$/);
  });
});
