// A line in front of a server of this machine: so many bytes a second for each connection, and so many for all together, of what
// the server answers. `node throttle.mjs PORT EACH ALL` prints the port that it listens at. One connection to S3 gives some 90 MB/s.
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const [port, each, all] = process.argv.slice(2).map(Number);
/** Timers are of a millisecond: shorter waits are saved up, in ms. */
const LEAST_WAIT_MS = 4;

/** Time as it is used by bytes at a rate. */
class Line {
  constructor(bytesPerSecond) {
    this.msPerByte = 1000 / bytesPerSecond;
    this.until = 0;
  }

  /** @returns how long to wait for these bytes, ms */
  take(bytes) {
    const now = performance.now();
    // Not used for a while, it gives no more than at its rate.
    this.until = Math.max(this.until, now - LEAST_WAIT_MS) + bytes * this.msPerByte;
    return this.until - now;
  }
}

const shared = new Line(all);
const server = createServer({ noDelay: true }, async (client) => {
  const upstream = connect({ port, host: '127.0.0.1', noDelay: true });
  const own = new Line(each);
  for (const [socket, other] of [
    [client, upstream],
    [upstream, client],
  ])
    socket.on('error', () => other.destroy());
  client.pipe(upstream);
  try {
    for await (const chunk of upstream) {
      const wait = Math.max(own.take(chunk.length), shared.take(chunk.length));
      if (wait > LEAST_WAIT_MS) await sleep(wait);
      if (!client.write(chunk)) await new Promise((resolve) => client.once('drain', resolve).once('close', resolve));
    }
    client.end();
  } catch {
    client.destroy();
  }
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
