import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** Answers at `http://127.0.0.1:<a free port>`, which it gives, until the test ends. */
export async function serve(answer: RequestListener): Promise<string> {
  return `http://${await listen(createServer(answer))}`;
}

/** Lets a server of any kind listen until the test ends; gives its `address:port`. */
export async function listen(
  server: Pick<Server, 'listen' | 'address' | 'close' | 'closeAllConnections'>,
): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
