import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

/**
 * The instance metadata service, version 2 alone: a GET needs a token that a PUT has given. Its answers are those of a JSON file:
 * path to text, read anew for each request, because credentials are replaced before they expire.
 */
export async function serveMetadata(file) {
  const tokens = new Set();
  const server = createServer((request, response) => {
    const { status, text } = answer(request, tokens, JSON.parse(readFileSync(file, 'utf8')));
    response.writeHead(status, { 'content-type': 'text/plain', 'x-aws-ec2-metadata-token-ttl-seconds': '21600' });
    response.end(text);
  });
  await new Promise((resolve) => server.listen(80, '169.254.169.254', resolve));
}

function answer({ method, url, headers }, tokens, values) {
  const path = url.replace(/^\/(latest|\d{4}-\d\d-\d\d)\//, '').replace(/\/$/, '');
  if (method === 'PUT' && path === 'api/token') {
    if (!headers['x-aws-ec2-metadata-token-ttl-seconds']) return { status: 400, text: '' };
    const token = randomBytes(32).toString('base64');
    tokens.add(token);
    return { status: 200, text: token };
  }
  if (!tokens.has(headers['x-aws-ec2-metadata-token'])) return { status: 401, text: '' };
  if (values[path] !== undefined) return { status: 200, text: values[path] };
  const below = Object.keys(values).filter((key) => key.startsWith(`${path}/`));
  if (below.length === 0) return { status: 404, text: '' };
  const names = below.map((key) => key.slice(path.length + 1)).map((key) => key.replace(/\/.*/, '/'));
  return { status: 200, text: [...new Set(names)].join('\n') };
}
