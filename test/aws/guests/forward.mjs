import { connect, createServer } from 'node:net';

/**
 * `<from>=<to>[,<to>]…`: connections to an address go to the others in turn, past those that do not answer. An address is
 * `host:port` or the path of a socket. Resolves when it listens.
 */
export async function forward(rule) {
  const [from, to = ''] = rule.split('=');
  const targets = to === '' ? [] : to.split(',');
  let turn = 0;
  const server = createServer({ allowHalfOpen: true }, (client) => {
    client.on('error', () => client.destroy());
    turn += 1;
    attempt(client, [...targets.slice(turn % targets.length), ...targets.slice(0, turn % targets.length)]);
  });
  await new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(addressOf(from), resolve);
  });
}

function attempt(client, [target, ...others]) {
  if (target === undefined) {
    client.resetAndDestroy();
    return;
  }
  const server = connect({ allowHalfOpen: true, ...addressOf(target) });
  const next = () => attempt(client, others);
  server.once('error', next);
  server.once('connect', () => {
    server.off('error', next);
    server.on('error', () => client.destroy());
    client.on('close', () => server.destroy());
    client.pipe(server);
    server.pipe(client);
  });
}

function addressOf(text) {
  const [host, port] = text.split(':');
  return port === undefined ? { path: text } : { host, port: Number(port) };
}
