import { appendFile, mkdir, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../../../test/until.js';
import { openLocalTarget } from './index.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'prestage-logs-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const open = () =>
  openLocalTarget({
    environment: 'local',
    project: 'p',
    configFolder: root,
    root,
    programs: { supervisor: '', agent: '' },
  });

async function makeHost(service: string, index: number, log: string): Promise<string> {
  const host = `${service}-${index}`;
  const folder = join(root, 'hosts', host);
  await mkdir(folder, { recursive: true });
  const spec = {
    format: 1,
    host,
    service,
    index,
    address: '127.0.0.1',
    release: 'r',
    root,
    environment: {},
    ingredients: {},
  };
  await writeFile(join(folder, 'host.json'), JSON.stringify(spec));
  await writeFile(join(folder, 'host.log'), log);
  return join(folder, 'host.log');
}

test.each([
  ['api', ['api-0 a', 'api-1 b', 'api-1 last']],
  ['api-1', ['api-1 b', 'api-1 last']],
  ['web', ['web-0 c']],
  [undefined, ['api-0 a', 'api-1 b', 'api-1 last', 'web-0 c']],
])('logs of %s are the lines of its hosts, without credentials', async (source, expected) => {
  await makeHost('api', 0, 'a\n');
  await makeHost('api', 1, 'b\r\nlast');
  await makeHost('web', 0, 'c\n');
  const lines: string[] = [];
  await open().logs(source, {
    follow: false,
    wait: false,
    signal: new AbortController().signal,
    emit: (event) => event.type === 'log' && lines.push(`${event.source} ${event.line}`),
  });
  expect(lines).toEqual(expected);
});

test.each([
  [{ tail: 1 }, ['api-0 3', 'api-1 6']],
  [{ tail: 0 }, []],
  [
    { since: Date.parse('2026-11-24T10:00:00Z') },
    ['api-0 2026-11-24T11:00:00Z 2', 'api-0 3', 'api-1 4', 'api-1 5', 'api-1 6'],
  ],
  [{ since: Date.now() + 60_000 }, []],
])('of what is there already, %j shows %j', async (window, expected) => {
  await makeHost('api', 0, '1\n2026-11-24T09:00:00Z old\n2026-11-24T11:00:00Z 2\n3\n');
  await makeHost('api', 1, '4\n5\n6');
  const lines: string[] = [];
  await open().logs('api', {
    ...window,
    follow: false,
    wait: false,
    signal: new AbortController().signal,
    emit: (event) => event.type === 'log' && lines.push(`${event.source} ${event.line}`),
  });
  expect(lines).toEqual(expected);
});

test('following with --tail 0 shows what comes, and nothing of what was there', async () => {
  const log = await makeHost('api', 0, 'old\n');
  const lines: string[] = [];
  const stop = new AbortController();
  const following = open().logs('api', {
    tail: 0,
    follow: true,
    wait: false,
    signal: stop.signal,
    emit: (event) => event.type === 'log' && lines.push(event.line),
  });
  // The first look at the log is what must not show the line that is there.
  await until('a line that came later', async () => {
    await appendFile(log, 'new\n');
    return lines.length > 0;
  });
  stop.abort();
  await following;
  expect(new Set(lines)).toEqual(new Set(['new']));
});

test('logs show what was rotated first, and say where there is no log', async () => {
  const log = await makeHost('api', 0, 'four\n');
  await writeFile(`${log}.1`, 'two\nthree\n');
  await writeFile(`${log}.2`, 'one\n');
  await rm(await makeHost('web', 0, ''));
  const shown: string[] = [];
  await open().logs(undefined, {
    follow: false,
    wait: false,
    signal: new AbortController().signal,
    emit: (event) => shown.push(event.type === 'log' ? event.line : event.type === 'notice' ? event.message : ''),
  });
  expect(shown).toEqual(['one', 'two', 'three', 'four', expect.stringMatching(/^web-0 has no log/)]);
});

test('following goes on in the next file when the log is rotated, and when it is removed', async () => {
  const log = await makeHost('api', 0, 'one\n');
  const lines: string[] = [];
  const stop = new AbortController();
  const following = open().logs('api', {
    follow: true,
    wait: false,
    signal: stop.signal,
    emit: (event) => event.type === 'log' && lines.push(event.line),
  });
  await until('the first line', () => lines.length === 1);
  await appendFile(log, 'two\n');
  await rename(log, `${log}.1`);
  await writeFile(log, 'three\n');
  await until('the third line', () => lines.length === 3);
  await rm(log);
  await writeFile(log, 'four\n');
  await until('the fourth line', () => lines.length === 4);
  stop.abort();
  await following;
  expect(lines).toEqual(['one', 'two', 'three', 'four']);
});

test('following shows whole lines as they are completed, also after the log was emptied', async () => {
  const log = await makeHost('api', 0, 'first\nhal');
  const lines: string[] = [];
  const stop = new AbortController();
  const following = open().logs('api', {
    follow: true,
    wait: false,
    signal: stop.signal,
    emit: (event) => event.type === 'log' && lines.push(event.line),
  });
  await until('the first line', () => lines.length === 1);
  await appendFile(log, 'f done\n');
  await until('the second line', () => lines.length === 2);
  await truncate(log, 0);
  await appendFile(log, 'new\n');
  await until('the third line', () => lines.length === 3);
  stop.abort();
  await following;
  expect(lines).toEqual(['first', 'half done', 'new']);
});

test('a reader that cannot keep up says that it missed a part, and joins no two lines that are not one', async () => {
  const path = await makeHost('api', 0, 'first\ncut he');
  const shown: string[] = [];
  const stop = new AbortController();
  const following = open().logs('api', {
    follow: true,
    wait: false,
    signal: stop.signal,
    emit: (event) => {
      if (event.type === 'log') shown.push(event.line);
      if (event.type === 'notice') shown.push(`(${event.message})`);
    },
  });
  await until('the first line', () => shown.includes('first'));
  // Rotated more often than files are kept, between two looks: put aside whole, so that no look finds it half done.
  const folder = dirname(path);
  const rotated = `${folder}.rotated`;
  await mkdir(rotated);
  for (const name of ['host.json', ...Array.from({ length: 5 }, (_, n) => (n === 0 ? 'host.log' : `host.log.${n}`))])
    await writeFile(join(rotated, name), name === 'host.json' ? '{}' : `${name}, line\n`);
  await rename(folder, `${folder}.gone`);
  await rename(rotated, folder);
  await until('the last line', () => shown.includes('host.log, line'));
  stop.abort();
  await following;
  expect(shown).toEqual([
    'first',
    'cut he',
    ...['host.log.4, line', 'host.log.3, line', 'host.log.2, line', 'host.log.1, line', 'host.log, line'],
    '(A part of the log of api-0 is not shown: it was rotated away before it could be read.)',
  ]);
});
