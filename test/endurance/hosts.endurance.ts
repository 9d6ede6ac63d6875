import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hostFiles, hostFolder, layoutOf } from '../../src/targets/local/layout.js';
import { freePort, HEALTH, type LocalTargetKit, openLocalTargetKit, service } from '../local-target.js';
import { lacks } from '../requirements.js';
import { until } from '../until.js';

let kit: LocalTargetKit;
beforeEach(async () => {
  kit = await openLocalTargetKit();
});
afterEach(() => kit.close());

const SECONDS = 4;
const LINES_A_TICK = 25_000;
const TICKS = SECONDS * 10;
const LINES = LINES_A_TICK * TICKS;

/** 50 MB/s of numbered lines of 200 bytes: 5 MB every 100 ms. */
const WRITER = `#!/usr/bin/env node
const { existsSync, writeSync } = require('node:fs');
const rest = '.'.repeat(189) + '\\n';
const put = (bytes) => { for (let done = 0; done < bytes.length; ) done += writeSync(1, bytes, done); };
let line = 0;
const tick = () => {
  let text = '';
  for (let i = 0; i < ${LINES_A_TICK}; i++) text += String(++line).padStart(9, '0') + ' ' + rest;
  put(Buffer.from(text));
  if (line === ${LINES}) { put(Buffer.from('took ' + Math.round(performance.now() - began) + ' ms\\n')); clearInterval(timer); setInterval(() => {}, 1000); }
};
let began, timer;
const waiting = setInterval(() => {
  if (!existsSync('begin')) return;
  clearInterval(waiting);
  began = performance.now();
  timer = setInterval(tick, 100);
}, 20);
`;

/** Gives each file of a log a second name in `kept` before it is rotated away, so that all of them can be counted. */
function keepFiles(folder: string, kept: string): { stop(): void } {
  const look = () => {
    for (const name of readdirSync(folder).filter((each) => /^host\.log(\.\d)?$/.test(each))) {
      const next = join(kept, 'next');
      try {
        linkSync(join(folder, name), next);
        renameSync(next, join(kept, String(statSync(next).ino)));
        rmSync(next, { force: true }); // a rename to a name of the same file does nothing
      } catch {
        // It is being rotated: it has another name at the next look.
      }
    }
  };
  const timer = setInterval(look, 10);
  return {
    stop() {
      clearInterval(timer);
      look();
    },
  };
}

test.skipIf(process.platform !== 'linux')(
  `a log of 50 MB/s for ${SECONDS} s loses no line to rotation`,
  async () => {
    const plan = await kit.publish({ scripts: { 'run.js': WRITER } });
    await kit.deploy(plan, [service('api', { run: 'run.js' })]);
    const folder = hostFolder(layoutOf(kit.root), 'api-0');
    const kept = join(kit.root, 'kept');
    mkdirSync(kept);
    const keeper = keepFiles(folder, kept);
    writeFileSync(join(hostFiles(folder).work, 'begin'), '');
    const { log } = hostFiles(folder);
    const took = () => {
      try {
        return /^took .*$/m.exec(readFileSync(log, 'latin1').slice(-100))?.[0];
      } catch {
        return undefined; // it is being rotated
      }
    };
    console.log(`${(LINES * 200) / 1e6} MB, ${await until('the last line', took, 120_000)}`);
    keeper.stop();

    const numbers = readdirSync(kept).map((name) => numbersIn(join(kept, name)));
    numbers.sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
    let expected = 1;
    for (const number of numbers.flat()) {
      if (number !== expected) throw new Error(`after line ${expected - 1} comes ${number}`);
      expected += 1;
    }
    expect(expected - 1).toBe(LINES);
  },
  180_000,
);

function numbersIn(file: string): number[] {
  const lines = readFileSync(file, 'latin1').split('\n');
  return lines.filter((line) => /^\d{9} \.{189}$/.test(line)).map((line) => Number(line.slice(0, 9)));
}

/** It does not set SO_REUSEADDR, and closes each connection first. */
const WITHOUT_REUSE = `#!/usr/bin/env python3
import os, socket
value = open(os.environ['PRESTAGE_ROOT'] + '/opt/server/value.txt').read()
server = socket.socket()
server.bind((os.environ['PRESTAGE_HOST'], int(os.environ['PRESTAGE_PORT'])))
server.listen()
while True:
    connection, _ = server.accept()
    connection.recv(4096)
    status = '500 Broken' if value == 'broken' else '200 OK'
    connection.sendall(f'HTTP/1.0 {status}\\r\\n\\r\\n{value}'.encode())
    connection.shutdown(socket.SHUT_WR)
    connection.recv(4096)
    connection.close()
`;

describe.skipIf(process.platform !== 'linux' || lacks('python3'))('a program that does not set SO_REUSEADDR', () => {
  const answer = async (port: number) => (await fetch(`http://127.0.0.1:${port}/`)).text();
  const release = (value: string) => kit.publish({ scripts: { 'run.py': WITHOUT_REUSE }, packages: { server: value } });
  const services = (port: number, timeoutMs: number) => [
    service('api', { run: 'run.py', port, health: { ...HEALTH, timeoutMs } }),
  ];

  test('is replaced when its port is free again, and where the limit is shorter, it is back after that', async () => {
    const port = await freePort();
    await kit.deploy(await release('one'), services(port, 120_000));
    expect(await answer(port)).toBe('one');

    expect(await kit.deploy(await release('two'), services(port, 120_000))).toBe('applied');
    expect(await answer(port)).toBe('two');

    await expect(
      kit.deploy(
        await release('three'),
        services(port, 120_000).map((each) => ({ ...each, health: { ...HEALTH, timeoutMs: 5_000 } })),
      ),
    ).rejects.toMatchObject({
      code: 'HOST_FAILED',
      message: expect.stringMatching(
        /did not become healthy within 5 s \(connections of before still hold its port \d+ .*api-0 went back to what it was/s,
      ),
      context: { reverted: ['api-0'], notReverted: [] },
    });
    expect(await answer(port)).toBe('two');
    expect((await kit.target.look().status()).hosts).toMatchObject([{ state: 'healthy' }]);
  }, 300_000);
});
