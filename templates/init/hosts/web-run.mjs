#!/usr/bin/env node
// The program of the web service: serves the prepared files, which are read-only, and what boot left in the host's folder.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';

const { PRESTAGE_ROOT = '', PRESTAGE_HOST, PRESTAGE_PORT, PRESTAGE_RELEASE } = process.env;
const pages = {
  '/': () => readFile(join(PRESTAGE_ROOT, 'opt/product/www/index.html'), 'utf8'),
  '/greeting': () => readFile('greeting.txt', 'utf8'),
  '/health': async () => `ok, release ${PRESTAGE_RELEASE}\n`,
};

createServer(async (request, response) => {
  const page = pages[request.url ?? ''];
  if (!page) return response.writeHead(404).end('not found\n');
  const type = request.url === '/' ? 'text/html' : 'text/plain';
  response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(await page());
}).listen(Number(PRESTAGE_PORT), PRESTAGE_HOST, () => console.log(`listening on ${PRESTAGE_HOST}:${PRESTAGE_PORT}`));
