// The ledger's HTTP interface: GET /health, GET /entries, POST /entries {text}.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import postgres from '../lib/postgres.mjs';
import { readProperties } from './properties.mjs';

export async function start({ home, port, address }) {
  const settings = readProperties(join(home, 'conf', 'ledger.properties'));
  const url = process.env[settings['db.url.variable']];
  if (!url) throw new Error(`conf/ledger.properties: db.url.variable=${settings['db.url.variable']}: no such variable`);
  const sql = postgres(url, { max: Number(settings['db.pool.size']), onnotice: () => {} });
  await sql.begin(async (transaction) => {
    await transaction`select pg_advisory_xact_lock(3200)`; // several hosts start at once
    await transaction`create table if not exists entries (id serial primary key, text text not null, host text not null, at timestamptz default now())`;
  });

  createServer(async (request, response) => {
    const answer = (status, body) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(`${JSON.stringify(body)}\n`);
    };
    try {
      if (request.url === '/health') return answer(200, await health());
      if (request.url === '/entries' && request.method === 'POST') return answer(201, await add(await bodyOf(request)));
      if (request.url === '/entries') return answer(200, await sql`select id, text, host, at from entries order by id desc limit 20`);
      answer(404, { error: 'not found' });
    } catch (error) {
      answer(503, { error: error.message });
    }
  }).listen(port, address, () => console.log(`ledger api: listening on ${address}:${port}, home ${home}`));

  async function health() {
    if (settings.edition !== 'production') throw new Error(`conf/ledger.properties: edition=${settings.edition} is not for serving`);
    const [row] = await sql`select count(*)::int as entries, current_setting('server_version') as version from entries`;
    return {
      edition: settings.edition,
      home,
      poolSize: Number(settings['db.pool.size']),
      packageManager: /\bdnf\b/.test(readFileSync(join(home, 'bin', 'os-packages.sh'), 'utf8')) ? 'dnf' : 'yum',
      reports: JSON.parse(readFileSync(join(home, 'reports', 'reports.json'), 'utf8')).reports,
      entries: row.entries,
      database: `PostgreSQL ${row.version.split(' ')[0]}`,
      release: process.env.PRESTAGE_RELEASE,
      host: `${process.env.PRESTAGE_SERVICE}-${process.env.PRESTAGE_INDEX}`,
    };
  }

  async function add(body) {
    const { text } = JSON.parse(body);
    const host = `${process.env.PRESTAGE_SERVICE}-${process.env.PRESTAGE_INDEX}`;
    const [entry] = await sql`insert into entries ${sql({ text: String(text), host })} returning id, text, host, at`;
    return entry;
  }
}

async function bodyOf(request) {
  let body = '';
  for await (const chunk of request) body += chunk;
  return body;
}
