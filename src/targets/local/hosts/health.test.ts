import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { certificateOfAnotherHost, testKey } from '../../../../test/certificates.js';
import { probe } from './health.js';

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

const http = { kind: 'http', path: '/up', timeoutMs: 1_000 } as const;

test.each([
  ['2xx', 204, {}, true],
  ['3xx', 302, {}, true],
  ['4xx', 401, {}, false],
  ['a status that is named', 401, { status: [200, 401] }, true],
  ['one that is not named', 204, { status: [200, 401] }, false],
])('%s: healthy or not', async (_, status, check, ok) => {
  const port = await serve(false, (_request, response) => response.writeHead(status, { location: '/' }).end());
  const url = `http://127.0.0.1:${port}/up`;
  expect(await probe({ ...http, ...check }, '127.0.0.1', port)).toEqual({
    ok,
    detail: `GET ${url} answered ${status}`,
  });
});

test('asks with the headers that the check names, by https with whatever certificate', async () => {
  const port = await serve(true, ({ headers }, response) =>
    response.writeHead(headers.host === 'shop.example' && headers['x-try'] === '1' ? 200 : 400).end(),
  );
  const check = { ...http, secure: true, headers: { Host: 'shop.example', 'X-Try': '1' } } as const;
  expect(await probe(check, '127.0.0.1', port)).toEqual({
    ok: true,
    detail: `GET https://127.0.0.1:${port}/up answered 200`,
  });
  expect(await probe({ ...http, secure: true }, '127.0.0.1', port)).toMatchObject({ ok: false });
  expect(await probe(http, '127.0.0.1', port)).toMatchObject({ ok: false });
});
