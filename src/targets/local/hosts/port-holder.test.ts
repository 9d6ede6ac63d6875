import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { freePort } from '../../../../test/local-target.js';
import { until } from '../../../../test/until.js';
import { isLingering } from './port-holder.js';

test.skipIf(process.platform !== 'linux')(
  'a port lingers when its listener has gone and had closed a connection first',
  async () => {
    const port = await freePort();
    expect(isLingering(port)).toBe(false);
    const server = createServer((socket) => socket.end()).listen(port, '127.0.0.1');
    await once(server, 'listening');
    const client = connect(port, '127.0.0.1').resume();
    await once(client, 'close');
    expect(isLingering(port)).toBe(false);
    server.close();
    await until('the listener to be gone', () => isLingering(port));
  },
);
