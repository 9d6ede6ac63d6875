import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import { onTestFinished } from 'vitest';
import { listen } from './http-server.js';
import { goTool } from './requirements.js';
import { freePorts } from './sample-project.js';

const credentials = { accessKeyId: 'AKIATESTKEY', secretAccessKey: 'a-secret-of-tests' };

/** The environment in which a program is that server's user. */
export function awsEnvironment(endpoint: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/nonexistent',
    AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
  };
}

export interface S3Server {
  endpoint: string;
  /** Writes `bucket/key`; with `versionId` where the bucket keeps versions. */
  put(path: string, content: Buffer | string, headers?: Record<string, string>): Promise<void>;
  remove(path: string, query?: Record<string, string>): Promise<void>;
}

/** versitygw, a real S3 server over a folder, with the bucket `files`, until the test ends. */
export async function s3Server({ versioned = false } = {}): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), 'prestage-s3-'));
  for (const each of ['data', 'versions']) await mkdir(join(folder, each));
  const [port = 0] = await freePorts(1);
  const server = spawn(
    goTool('versitygw'),
    [
      ...['--port', `127.0.0.1:${port}`, '--quiet', 'posix'],
      ...(versioned ? ['--versioning-dir', join(folder, 'versions')] : []),
      join(folder, 'data'),
    ],
    {
      stdio: 'ignore',
      env: {
        ...process.env,
        ROOT_ACCESS_KEY: credentials.accessKeyId,
        ROOT_SECRET_KEY: credentials.secretAccessKey,
      },
    },
  );
  onTestFinished(async () => {
    server.kill();
    if (server.exitCode === null) await once(server, 'exit');
    await rm(folder, { recursive: true, force: true });
  });
  await answering(port);
  const endpoint = `http://127.0.0.1:${port}`;
  await send(endpoint, { method: 'PUT', path: '/files' });
  if (versioned) {
    const body = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
    await send(endpoint, { method: 'PUT', path: '/files', query: { versioning: '' }, body });
  }
  return {
    endpoint,
    put: (path, body, headers = {}) => send(endpoint, { method: 'PUT', path: `/${path}`, body, headers }),
    remove: (path, query = {}) => send(endpoint, { method: 'DELETE', path: `/${path}`, query }),
  };
}

interface Sent {
  method: string;
  /** Encoded. */
  path: string;
  query?: Record<string, string>;
  body?: Buffer | string;
  headers?: Record<string, string>;
}

async function send(endpoint: string, { method, path, query = {}, body = '', headers = {} }: Sent): Promise<void> {
  const { host, hostname, port } = new URL(endpoint);
  const signer = new SignatureV4({
    service: 's3',
    region: 'us-east-1',
    credentials,
    sha256: Sha256,
    uriEscapePath: false,
  });
  const signed = await signer.sign({
    method,
    protocol: 'http:',
    hostname,
    port: Number(port),
    path,
    query,
    headers: { host, ...headers },
    body,
  });
  const answer = await fetch(`${endpoint}${path}?${new URLSearchParams(query)}`, {
    method,
    headers: signed.headers,
    ...(method === 'PUT' ? { body } : {}),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
}

async function answering(port: number): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch (error) {
      if (attempt > 600) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      socket.destroy();
    }
  }
}

/** Does something other than passing a request on; undefined lets it pass. `count` is its number, from 1. */
export type Fault = (seen: {
  method: string;
  range: string | undefined;
  count: number;
}) =>
  | undefined
  | ((request: IncomingMessage, response: ServerResponse) => void)
  | { /** What is passed on of the body; then `end`. */ bytes: number; end: 'reset' | 'stall' };

/** A server in front of an S3 server, with faults of its own. The host that was signed is passed on as it is. */
export async function faultyProxy(endpoint: string, fault: Fault): Promise<{ endpoint: string; seen: string[] }> {
  const seen: string[] = [];
  const proxy = createServer((asked, response) => {
    const { method = '', headers } = asked;
    seen.push(headers.range === undefined ? method : `${method} ${headers.range}`);
    const what = fault({ method, range: headers.range, count: seen.length });
    if (typeof what === 'function') return what(asked, response);
    const passed = request(`${endpoint}${asked.url}`, { method, headers }, async (answer) => {
      // versitygw ends each connection; this one stays, as on AWS.
      const { connection: _, ...kept } = answer.headers;
      response.writeHead(answer.statusCode ?? 500, kept);
      response.flushHeaders();
      let left = what?.bytes ?? Number.POSITIVE_INFINITY;
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        const part = chunk.subarray(0, left);
        left -= part.length;
        await new Promise<void>((resolve) => response.write(part, () => resolve()));
        if (left > 0) continue;
        if (what?.end === 'reset') response.destroy();
        return;
      }
      response.end();
    });
    passed.on('error', () => response.destroy());
    asked.pipe(passed);
  });
  return { endpoint: `http://${await listen(proxy)}`, seen };
}
