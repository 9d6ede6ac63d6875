import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';

/**
 * `<from>=<to>`: connections to an address go to another; an address is `host:port` or the path of a socket. `<from>=@<file>`: to
 * those that the file lists now, one a line, in turn. Where one does not answer the connection ends. Resolves when it listens.
 */
export async function forward(rule) {
  const [from, to = ''] = rule.split('=');
  let turn = 0;
  const server = createServer({ allowHalfOpen: true }, (client) => {
    client.on('error', () => client.destroy());
    const targets = to.startsWith('@') ? readFileSync(to.slice(1), 'utf8').split('\n').filter(Boolean) : [to];
    turn += 1;
    pass(client, targets[turn % targets.length]);
  });
  await new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(addressOf(from), resolve);
  });
}

function pass(client, target) {
  if (target === undefined) {
    client.resetAndDestroy();
    return;
  }
  const server = connect({ allowHalfOpen: true, ...addressOf(target) });
  server.on('error', () => client.resetAndDestroy());
  client.on('close', () => server.destroy());
  client.pipe(server);
  server.pipe(client);
}

function addressOf(text) {
  const [host, port] = text.split(':');
  return port === undefined ? { path: text } : { host, port: Number(port) };
}
