// The ledger's page. Asks the api hosts of LEDGER_API (comma-separated address:port) in turn.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { readProperties } from './properties.mjs';

export async function start({ home, port, address }) {
  const settings = readProperties(join(home, 'conf', 'ledger.properties'));
  const theme = process.env.LEDGER_THEMES;
  const page = readFileSync(join(theme, settings['web.theme'], 'page.html'), 'utf8');
  const branding = readProperties(join(home, 'branding', 'branding.properties'));
  const hosts = process.env.LEDGER_API.split(',');
  let turn = 0;

  const ask = async (path, options) => {
    const response = await fetch(`http://${hosts[turn++ % hosts.length]}${path}`, options);
    if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${await response.text()}`);
    return response.json();
  };

  createServer(async (request, response) => {
    try {
      if (request.url === '/health') {
        const answers = await Promise.all(hosts.map(() => ask('/health')));
        response.writeHead(200, { 'content-type': 'application/json' });
        return response.end(`${JSON.stringify({ title: branding.title, theme: settings['web.theme'], api: answers })}\n`);
      }
      const [health, entries] = await Promise.all([ask('/health'), ask('/entries')]);
      const rows = entries.map((entry) => `<tr><td>${entry.id}</td><td>${escape(entry.text)}</td><td>${entry.host}</td></tr>`).join('\n');
      const values = { title: branding.title, motto: branding.motto, release: health.release, database: health.database, host: health.host, rows };
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
      response.end(page.replace(/\$\{(\w+)\}/g, (_, name) => values[name] ?? ''));
    } catch (error) {
      response.writeHead(503, { 'content-type': 'text/plain' });
      response.end(`${error.message}\n`);
    }
  }).listen(port, address, () => console.log(`ledger web: listening on ${address}:${port}`));
}

const escape = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
