import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createJiti } from 'jiti';

const { goTool } = await createJiti(import.meta.url).import('../../test/requirements.ts');

/**
 * Does work with an S3 server (versitygw over a folder) that has these archives in the bucket `inputs`, by s5cmd. `line`: behind one
 * that gives each connection, and all together, so many bytes a second.
 */
export async function* withS3(archives, work, { line } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'prestage-bench-s3-'));
  await mkdir(join(folder, 'data'));
  const port = await freePort();
  const throttle = line && (await openThrottle(port, line));
  const endpoint = `http://127.0.0.1:${throttle?.port ?? port}`;
  const [key, secret] = ['bench', 'bench-secret'];
  const server = spawn(goTool('versitygw'), ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', join(folder, 'data')], {
    stdio: 'ignore',
    env: { ...process.env, ROOT_ACCESS_KEY: key, ROOT_SECRET_KEY: secret },
  });
  const environment = {
    AWS_ACCESS_KEY_ID: key,
    AWS_SECRET_ACCESS_KEY: secret,
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL: endpoint,
    S3_ENDPOINT_URL: endpoint,
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  const s5cmd = (...args) => execFileSync(goTool('s5cmd'), args, { env: { ...process.env, ...environment } });
  try {
    for (let tries = 0; !(await fetch(endpoint).catch(() => undefined)); tries++) {
      if (tries > 100) throw new Error('versitygw does not answer');
      await sleep(100);
    }
    s5cmd('mb', 's3://inputs');
    for (const { path, name } of archives) s5cmd('cp', path, `s3://inputs/${name}`);
    yield* work(environment);
  } finally {
    throttle?.close();
    server.kill();
    await once(server, 'exit');
    await rm(folder, { recursive: true, force: true });
  }
}

async function openThrottle(port, { each, all }) {
  const script = fileURLToPath(new URL('throttle.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, port, each, all], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [text] = await once(child.stdout.setEncoding('utf8'), 'data');
  return { port: Number(text), close: () => child.kill() };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}
