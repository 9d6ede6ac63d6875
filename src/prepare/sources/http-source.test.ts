import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { fetched } from '../../../test/fetched.js';
import { listen, serve } from '../../../test/http-server.js';
import { sha256 } from '../../core/digest.js';
import { type RemoteFile, readRemoteFile } from './http-source.js';
import { Remotes } from './remotes.js';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const content = Buffer.from(Array.from({ length: 1_000_003 }, (_, i) => (i * 31 + (i >> 8)) % 251));

const fetchAll = (url: string, pinned: Partial<RemoteFile> = {}, signal = new AbortController().signal) =>
  fetched(url, content, { pinned, stallTimeoutMs: 300, signal });

/** Answers as a good server does: whole, or the range that is asked for if the validator still holds. */
function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { etag = '"v1"', body = content } = {},
): { from: number } {
  const start = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
  const current = request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
  const from = start !== undefined && current ? Number(start) : 0;
  if (start !== undefined && current) {
    response.writeHead(206, {
      etag,
      'content-length': body.length - from,
      'content-range': `bytes ${from}-${body.length - 1}/${body.length}`,
    });
  } else response.writeHead(200, { etag, 'content-length': body.length });
  return { from };
}

/** Sends some bytes and then cuts the connection. */
function sendAndDrop(response: ServerResponse, bytes: Buffer): void {
  response.write(bytes, () => response.destroy());
}

describe('a transfer that works', () => {
  test('gives the bytes in one request that asks for no encoding', async () => {
    const requests: IncomingMessage[] = [];
    const url = await serve((request, response) => {
      requests.push(request);
      answer(request, response);
      response.end(content);
    });
    const { bytes, error, retries } = await fetchAll(`${url}/a`);
    expect(error).toBeUndefined();
    expect(bytes.equals(content)).toBe(true);
    expect(retries).toEqual([]);
    expect(requests.map((request) => request.headers['accept-encoding'])).toEqual(['identity']);
  });

  test('takes a slow one for what it is: only silence is a stall', async () => {
    const url = await serve(async (request, response) => {
      answer(request, response);
      // Ten pauses, each well below the 300 ms after which a silent connection counts for dropped, and longer together.
      for (let part = 0; part < 10; part += 1) {
        response.write(content.subarray(part * 100_000, (part + 1) * 100_000));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      response.end(content.subarray(1_000_000));
    });
    const { bytes, error } = await fetchAll(url);
    expect([bytes.equals(content), error]).toEqual([true, undefined]);
  });

  test('takes an empty file', async () => {
    const url = await serve((_, response) => response.writeHead(200, { 'content-length': 0 }).end());
    const { bytes, error } = await fetchAll(url, { sha256: sha256(''), size: 0 });
    expect([bytes.length, error]).toEqual([0, undefined]);
  });

  test('takes a file without a length that is pinned or announced', async () => {
    const url = await serve((_, response) => response.writeHead(200).end(content));
    const { bytes, error } = await fetchAll(url, { size: undefined });
    expect([bytes.equals(content), error]).toEqual([true, undefined]);
  });
});

describe('a connection that breaks', () => {
  test('is resumed where it ended, at every tenth of the file', async () => {
    const starts: number[] = [];
    const url = await serve((request, response) => {
      const { from } = answer(request, response);
      starts.push(from);
      const to = Math.min(content.length, from + Math.ceil(content.length / 10));
      if (to === content.length) response.end(content.subarray(from));
      else sendAndDrop(response, content.subarray(from, to));
    });
    const { bytes, error, retries } = await fetchAll(url);
    expect(error).toBeUndefined();
    expect(bytes.equals(content)).toBe(true);
    expect(starts[0]).toBe(0);
    expect(new Set(starts).size).toBe(starts.length);
    expect(retries.length).toBeGreaterThanOrEqual(9);
    expect(retries.every(({ attempt }) => attempt === 1)).toBe(true);
  });

  test('is resumed without a pinned size too', async () => {
    let first = true;
    const url = await serve((request, response) => {
      const { from } = answer(request, response);
      if (first) sendAndDrop(response, content.subarray(0, 400_000));
      else response.end(content.subarray(from));
      first = false;
    });
    const { bytes, error } = await fetchAll(url, { size: undefined });
    expect([bytes.equals(content), error]).toEqual([true, undefined]);
  });

  test('is begun again, skipping what was seen, where the server knows no ranges', async () => {
    let requests = 0;
    const url = await serve((_, response) => {
      requests += 1;
      response.writeHead(200, { 'content-length': content.length });
      if (requests < 3) sendAndDrop(response, content.subarray(0, 300_000 * requests));
      else response.end(content);
    });
    const { bytes, error } = await fetchAll(url);
    expect([bytes.equals(content), error, requests]).toEqual([true, undefined, 3]);
  });

  test('is resumed when it stalls', async () => {
    let requests = 0;
    const url = await serve((request, response) => {
      requests += 1;
      const { from } = answer(request, response);
      if (requests === 1) response.write(content.subarray(0, 500_000));
      else response.end(content.subarray(from));
    });
    const { bytes, error, retries } = await fetchAll(url);
    expect([bytes.equals(content), error]).toEqual([true, undefined]);
    expect(retries[0]?.reason).toContain('stalled');
  });

  test('is asked to continue only the same version: a strong ETag, never a weak one', async () => {
    const asked: (string | undefined)[] = [];
    const respond = (validators: Record<string, string>) => (request: IncomingMessage, response: ServerResponse) => {
      if (request.headers.range !== undefined) asked.push(request.headers['if-range']?.toString());
      response.writeHead(200, { ...validators, 'content-length': content.length });
      if (request.headers.range === undefined) sendAndDrop(response, content.subarray(0, 1000));
      else response.end(content);
    };
    const date = 'Tue, 10 Nov 2026 10:00:00 GMT';
    await fetchAll(await serve(respond({ etag: '"strong"', 'last-modified': date })));
    await fetchAll(await serve(respond({ etag: 'W/"weak"', 'last-modified': date })));
    await fetchAll(await serve(respond({ etag: 'W/"weak"' })));
    expect(asked).toEqual(['"strong"', date, undefined]);
  });

  test('is an error when the file changed before it was resumed', async () => {
    let requests = 0;
    const url = await serve((request, response) => {
      requests += 1;
      answer(request, response, { etag: `"v${requests}"` });
      if (requests === 1) sendAndDrop(response, content.subarray(0, 1000));
      else response.end(content);
    });
    const { error } = await fetchAll(url);
    expect(error).toMatchObject({ code: 'SOURCE_MOVED', retryable: true });
    expect(error?.message).toContain('changed while it was being fetched');
    // Whether the lockfile or `integrity` is to be changed is told when the new file is whole.
    expect(error?.hint).not.toContain('--update-lock');
  });

  test('is given up when no attempt makes progress', async () => {
    const url = await serve((_, response) => response.destroy());
    const { error, retries } = await fetchAll(url);
    expect(error).toMatchObject({ code: 'SOURCE_UNREACHABLE' });
    expect(retries.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('is complete where the server says that nothing is beyond it (416)', async () => {
    const url = await serve((request, response) => {
      if (request.headers.range === undefined) {
        response.writeHead(200);
        sendAndDrop(response, content);
      } else response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
    });
    const { bytes, error } = await fetchAll(url);
    expect([bytes.equals(content), error]).toEqual([true, undefined]);
  });
});

describe('an answer other than the file', () => {
  test.each([400, 401, 403, 404, 407, 410, 451, 501])('%i is a refusal, asked for once', async (status) => {
    let requests = 0;
    const url = await serve((_, response) => {
      requests += 1;
      response.writeHead(status).end('no');
    });
    const { error, retries } = await fetchAll(url);
    expect(error).toMatchObject({ code: 'SOURCE_REFUSED', context: { status } });
    expect(retries).toEqual([]);
    expect(requests).toBe(1);
  });

  test.each([408, 429, 500, 502, 503, 504])('%i is asked for again', async (status) => {
    let requests = 0;
    const url = await serve((request, response) => {
      requests += 1;
      if (requests < 3) return response.writeHead(status).end('later');
      answer(request, response);
      return response.end(content);
    });
    const { bytes, error, retries } = await fetchAll(url);
    expect([bytes.equals(content), error, retries.length]).toEqual([true, undefined, 2]);
  });

  test('with Retry-After is asked for again no sooner', async () => {
    let requests = 0;
    const url = await serve((request, response) => {
      requests += 1;
      if (requests === 1) return response.writeHead(429, { 'retry-after': '1' }).end();
      answer(request, response);
      return response.end(content);
    });
    const { error, retries } = await fetchAll(url);
    expect(error).toBeUndefined();
    expect(retries.map(({ delayMs }) => delayMs)).toEqual([1000]);
  });

  test('with a Retry-After that is a date is asked for again not before it', async () => {
    let until = 0;
    let askedAgainAt = 0;
    const url = await serve((request, response) => {
      if (until === 0) {
        until = Math.ceil(Date.now() / 1000 + 1) * 1000; // such a date has no fractions of a second
        return response.writeHead(429, { 'retry-after': new Date(until).toUTCString() }).end();
      }
      askedAgainAt = Date.now();
      answer(request, response);
      return response.end(content);
    });
    const { error, retries } = await fetchAll(url);
    expect([error, retries.length]).toEqual([undefined, 1]);
    expect(askedAgainAt).toBeGreaterThanOrEqual(until - 5); // a timer may end a little early
  });

  test('with a Retry-After of an hour is not waited for', async () => {
    const url = await serve((_, response) => response.writeHead(503, { 'retry-after': '3600' }).end());
    const { error, retries } = await fetchAll(url);
    expect(error).toMatchObject({ code: 'SOURCE_UNREACHABLE' });
    expect(error?.message).toContain('asks to wait 60 minutes');
    expect(retries).toEqual([]);
  });

  test('in a compressed encoding is refused', async () => {
    const url = await serve((_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(content)),
    );
    const { error } = await fetchAll(url);
    expect(error).toMatchObject({ code: 'SOURCE_REFUSED', context: { found: 'gzip' } });
  });

  test('from nobody is an error that says so', async () => {
    const server = createServer();
    const url = `http://${await listen(server)}`;
    await new Promise((resolve) => server.close(resolve));
    const { error } = await fetchAll(url);
    expect(error).toMatchObject({ code: 'SOURCE_UNREACHABLE', context: { errno: 'ECONNREFUSED' } });
    expect(error?.message).toContain('the connection was refused');
  });
});

describe('a server that lies', () => {
  test('with other bytes is found out, and both digests are shown', async () => {
    const other = Buffer.from(content).fill(1, 500, 501);
    const url = await serve((_, response) => response.writeHead(200, { 'content-length': other.length }).end(other));
    const { error } = await fetchAll(url);
    expect(error).toMatchObject({
      code: 'SOURCE_MOVED',
      retryable: true,
      context: { expected: sha256(content), found: sha256(other) },
    });
    expect(error?.message).toContain(sha256(content));
    expect(error?.message).toContain(sha256(other));
    expect(error?.hint).toContain('--update-lock');
  });

  test('about a file that `integrity` pins is told what to correct: no lockfile would help', async () => {
    const other = Buffer.from(content).fill(1, 500, 501);
    const url = await serve((_, response) => response.writeHead(200, { 'content-length': other.length }).end(other));
    const { error } = await fetchAll(`${url}/a`, { pinnedBy: 'integrity' });
    expect(error).toMatchObject({ code: 'SOURCE_MOVED', context: { expected: sha256(content), found: sha256(other) } });
    expect(error?.message).toBe(
      `${url}/a is no longer what its integrity says: expected ${sha256(content)}, found ${sha256(other)}.`,
    );
    expect(error?.hint).toContain('correct `integrity` in the configuration');
    expect(error?.hint).not.toContain('--update-lock');
  });

  test.each([
    ['longer, as announced', Buffer.concat([content, Buffer.from('more')]), true, 0],
    ['longer, unannounced', Buffer.concat([content, Buffer.from('more')]), false, content.length],
    ['shorter, as announced', content.subarray(0, 1234), true, 0],
    ['shorter, unannounced', content.subarray(0, 1234), false, 1234],
  ])(
    'about its length (%s) is found out, and no byte beyond the pinned size is let through',
    async (_, body, announced, mostLetThrough) => {
      const url = await serve((_, response) =>
        response.writeHead(200, announced ? { 'content-length': body.length } : {}).end(body),
      );
      const { bytes, error } = await fetchAll(url);
      expect(error).toMatchObject({ code: 'SOURCE_MOVED', context: { found: sha256(body) } });
      expect(error?.message).toContain(`${body.length} bytes instead of ${content.length}`);
      expect(bytes.length).toBeLessThanOrEqual(mostLetThrough);
    },
  );

  test('without end is cut off', async () => {
    let sent = 0;
    const block = Buffer.alloc(1024 * 1024);
    const url = await serve((_, response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write(block)) sent += block.length;
      };
      response.on('drain', more);
      more();
    });
    const { error } = await fetchAll(url);
    expect(error).toMatchObject({ code: 'SOURCE_MOVED' });
    expect(error?.context.found).toMatch(/^more than \d+ bytes$/);
    expect(sent).toBeLessThan(200 * 1024 * 1024);
  });

  test('that ends early is asked for the rest', async () => {
    const url = await serve((request, response) => {
      const { from } = answer(request, response);
      if (from === 0) {
        response.write(content.subarray(0, 700_000));
        response.socket?.end();
      } else response.end(content.subarray(from));
    });
    const { bytes, error } = await fetchAll(url);
    expect([bytes.equals(content), error]).toEqual([true, undefined]);
  });
});

describe('redirects', () => {
  const redirecting =
    (status: number): Handler =>
    (request, response) => {
      if (request.url === '/end') {
        answer(request, response);
        response.end(content);
      } else response.writeHead(status, { location: '/end' }).end();
    };

  test.each([301, 302, 303, 307, 308])('%i is followed', async (status) => {
    const url = await serve(redirecting(status));
    const { bytes, error } = await fetchAll(`${url}/start`);
    expect([bytes.equals(content), error]).toEqual([true, undefined]);
  });

  test.each([
    ['in a loop', (path: string) => (path === '/a' ? '/b' : '/a'), 'a loop'],
    ['without end', (path: string) => `${path}x`, 'after 10 redirects'],
    ['to another scheme', () => 'file:///etc/passwd', 'not an http or https URL'],
    ['to nonsense', () => 'http://[', 'not an http or https URL'],
  ])('%s are refused', async (_, next, reason) => {
    const url = await serve((request, response) =>
      response.writeHead(302, { location: next(request.url ?? '') }).end(),
    );
    const { error } = await fetchAll(`${url}/a`);
    expect(error).toMatchObject({ code: 'SOURCE_REFUSED' });
    expect(error?.message).toContain(reason);
  });

  test('to another server leave the credentials behind', async () => {
    const seen: (string | undefined)[] = [];
    const second = await serve((request, response) => {
      seen.push(request.headers.authorization);
      answer(request, response);
      response.end(content);
    });
    const first = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(302, { location: request.url === '/a' ? '/b' : `${second}/c` }).end();
    });
    const { error } = await fetchAll(`${first.replace('://', '://user:p%40ss@')}/a`);
    const basic = `Basic ${Buffer.from('user:p@ss').toString('base64')}`;
    expect([error, seen]).toEqual([undefined, [basic, basic, undefined]]);
  });
});

test('credentials and signatures never get into an error or an event', async () => {
  const url = await serve((_, response) => response.writeHead(503).end());
  const { error, retries } = await fetchAll(`${url.replace('://', '://user:sesame@')}/a?signature=abracadabra`);
  const told = JSON.stringify([error?.serialize(), retries]);
  expect(told).toContain('503');
  expect(told).not.toContain('sesame');
  expect(told).not.toContain('abracadabra');
});

test('a server that ends its connection before all is read does no harm (undici 5360)', async () => {
  const url = await serve((request, response) => {
    response.setHeader('connection', 'close');
    const { from } = answer(request, response);
    response.end(content.subarray(from));
  });
  const remotes = new Remotes({ stallTimeoutMs: 5000 });
  const hash = createHash('sha256');
  const policy = { signal: new AbortController().signal, baseDelayMs: 1, onRetry: () => {} };
  for await (const chunk of readRemoteFile(remotes, { url, sha256: sha256(content), size: content.length }, policy)) {
    hash.update(chunk);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await remotes.close();
  expect(hash.digest('hex')).toBe(sha256(content));
});

test('an abort ends a transfer with its reason', async () => {
  const life = new AbortController();
  const url = await serve((request, response) => {
    answer(request, response);
    response.write(content.subarray(0, 1000), () => life.abort(new Error('enough')));
  });
  const { error } = await fetchAll(url, {}, life.signal);
  expect(error?.message).toBe('enough');
});

describe('with a proxy in the environment', () => {
  const saved = { ...process.env };
  afterEach(() => {
    process.env = { ...saved };
  });

  test('goes through it, except for NO_PROXY', async () => {
    const proxied: string[] = [];
    const origin = await serve((request, response) => {
      answer(request, response);
      response.end(content);
    });
    const proxy = await serve((request, response) => {
      proxied.push(request.url ?? '');
      const { port, hostname } = new URL(origin);
      const upstream = connect(Number(port), hostname, () => {
        upstream.write(`GET /a HTTP/1.0\r\nhost: ${hostname}\r\n\r\n`);
      });
      upstream.pipe(response.socket ?? upstream);
    });
    process.env.http_proxy = proxy;
    process.env.NO_PROXY = '';
    const through = await fetchAll(`${origin}/a`);
    process.env.NO_PROXY = '127.0.0.1';
    const direct = await fetchAll(`${origin}/a`);
    expect([through.error, direct.error]).toEqual([undefined, undefined]);
    expect(through.bytes.equals(content)).toBe(true);
    expect(proxied).toEqual([`${origin}/a`]);
  });
});
