import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { prestage, repository } from '../prestage.js';
import { lacks } from '../requirements.js';
import { freePorts } from '../sample-project.js';

/** Sends STOMP frames and resolves with all that came back once it contains `expected`. STOMP 1.2: frames end in NUL. */
function stomp(port: number, frames: string[], expected: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(frames.map((frame) => `${frame}\0`).join('')));
    socket.setTimeout(20_000, () => socket.destroy(new Error(`no ${expected} in what the broker sent: ${received}`)));
    socket.on('error', reject);
    socket.on('data', (data) => {
      received += data;
      if (!received.includes(expected)) return;
      socket.destroy();
      resolve(received);
    });
  });
}

test.skipIf(lacks('java', 'maven'))(
  'examples/activemq: prestage deploy prepares and boots a broker that nobody here wrote (needs Java and Maven)',
  { timeout: 300_000 },
  async () => {
    execFileSync(join(repository, 'examples/activemq/fetch.sh'), { stdio: 'inherit', timeout: 240_000 });
    const folder = await mkdtemp(join(tmpdir(), 'prestage-activemq-'));
    await cp(join(repository, 'examples/activemq'), folder, {
      recursive: true,
      filter: (path) => !path.includes('.prestage'),
    });
    const [port = 0] = await freePorts(1);
    const config = await readFile(join(folder, 'prestage.config.yaml'), 'utf8');
    await writeFile(join(folder, 'prestage.config.yaml'), config.replace('port: 61613', `port: ${port}`));
    onTestFinished(async () => {
      await prestage('destroy --purge --yes', { cwd: folder });
      await rm(folder, { recursive: true, force: true });
    });

    const run = await prestage('deploy --json', { cwd: folder });
    expect(run.result, run.stdout).toMatchObject({ ok: true, phase1: 'prepared', phase2: 'applied' });

    const header = 'CONNECT\naccept-version:1.2\nhost:localhost\n\n';
    expect(await stomp(port, [header], 'CONNECTED')).toContain('server:ActiveMQ/5.18.3');
    const frames = [
      header,
      'SUBSCRIBE\nid:0\ndestination:/queue/prepared\nack:auto\n\n',
      'SEND\ndestination:/queue/prepared\ncontent-type:text/plain\n\nfiles first',
    ];
    expect(await stomp(port, frames, 'files first')).toContain('destination:/queue/prepared');

    // The broker wrote its data into its own folder, and nothing into the release.
    expect((await prestage('verify --deep --json', { cwd: folder })).result).toMatchObject({
      ok: true,
      differences: [],
    });
    expect((await prestage('deploy --json', { cwd: folder })).result).toMatchObject({
      phase1: 'ready',
      phase2: 'unchanged',
    });
  },
);
