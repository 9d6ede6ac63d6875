import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { prestage, type Run, type RunOptions } from './prestage.js';

type Json = { [key: string]: unknown };

export interface Sample {
  folder: string;
  root: string;
  config: Json & { packages: Record<string, Json>; services: Record<string, Json> };
  /** Writes `config` to prestage.config.json. */
  save(): Promise<void>;
  write(path: string, content: string | Uint8Array, mode?: number): Promise<void>;
  /** Makes `files/<name>.tar.gz` of these files, all below `<name>-1.0/`. */
  archive(name: string, files: Record<string, string>): Promise<void>;
  run(line: string, options?: Partial<RunOptions>): Promise<Run>;
  /** What the first host of `service` answers on /. */
  ask(service: string): Promise<{ release: string; color: string; host: string }>;
}

/**
 * A small project as a user would have it: an archive that a patch and properties change, a jump host, two api hosts
 * and a web host, on free ports. Everything is destroyed when the test ends.
 */
export async function sampleProject(change: (config: Sample['config']) => void = () => {}): Promise<Sample> {
  const folder = await mkdtemp(join(tmpdir(), 'prestage-e2e-'));
  const [api = 0, web = 0] = await freePorts(4);
  const sample: Sample = {
    folder,
    root: join(folder, 'root'),
    config: {
      name: 'sample',
      packages: {
        app: {
          source: 'files/app.tar.gz',
          extract: { strip: 1 },
          destination: 'opt/app',
          steps: [
            { patch: 'patches/10-color.patch' },
            { set: { file: 'conf/app.properties', values: { mode: 'prepared' } } },
          ],
        },
        extras: { source: 'files/extras.tar.gz', extract: { strip: 1 } },
      },
      services: {
        jump: { role: 'jump', boot: 'hosts/jump.mjs' },
        api: {
          run: 'hosts/server.mjs',
          after: ['jump'],
          needs: ['app'],
          count: 2,
          port: api,
          health: { http: '/health', timeout: '30s' },
        },
        web: { run: 'hosts/server.mjs', after: ['api'], port: web, health: { http: '/health', timeout: '30s' } },
      },
      environments: { local: { target: 'local', root: 'root' } },
    },
    save: () => writeFile(join(folder, 'prestage.config.json'), JSON.stringify(sample.config, null, 2)),
    async write(path, content, mode = 0o644) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content, { mode });
    },
    async archive(name, files) {
      for (const [path, content] of Object.entries(files)) await sample.write(`build/${name}-1.0/${path}`, content);
      await mkdir(join(folder, 'files'), { recursive: true });
      execFileSync('tar', [
        '-czf',
        join(folder, 'files', `${name}.tar.gz`),
        '-C',
        join(folder, 'build'),
        `${name}-1.0`,
      ]);
      await rm(join(folder, 'build'), { recursive: true });
    },
    run: (line, options) => prestage(line, { cwd: folder, ...options }),
    ask: async (service) => (await fetch(`http://127.0.0.1:${sample.config.services[service]?.port}/`)).json() as never,
  };

  await sample.archive('app', {
    'conf/app.properties': 'color=red\nmode=plain\n',
    'bin/run.sh': '#!/bin/sh\necho hello\n',
  });
  await sample.archive('extras', { 'readme.txt': 'extras\n', 'data/one.txt': '1\n' });
  await sample.write(
    'patches/10-color.patch',
    '--- a/conf/app.properties\n+++ b/conf/app.properties\n@@ -1,2 +1,2 @@\n-color=red\n+color=blue\n mode=plain\n',
  );
  await sample.write(
    'hosts/jump.mjs',
    "#!/usr/bin/env node\nconsole.log('jump on', process.env.PRESTAGE_RELEASE);\n",
    0o755,
  );
  await sample.write('hosts/server.mjs', server, 0o755);
  change(sample.config);
  await sample.save();
  onTestFinished(async () => {
    await sample.run('destroy --purge --yes');
    await rm(folder, { recursive: true, force: true });
  });
  return sample;
}

/** Answers with what it finds in the release, and is healthy only where the files are prepared. */
const server = `#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

const { PRESTAGE_ROOT, PRESTAGE_RELEASE, PRESTAGE_SERVICE, PRESTAGE_INDEX, PRESTAGE_HOST, PRESTAGE_PORT } = process.env;
createServer((request, response) => {
  const properties = readFileSync(join(PRESTAGE_ROOT, 'opt/app/conf/app.properties'), 'utf8');
  const prepared = properties.includes('mode=prepared') && !properties.includes('color=red');
  response.writeHead(prepared ? 200 : 500, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ release: PRESTAGE_RELEASE, host: PRESTAGE_SERVICE + '-' + PRESTAGE_INDEX, color: /color=(.*)/.exec(properties)?.[1] }));
}).listen(Number(PRESTAGE_PORT), PRESTAGE_HOST, () => console.log('listening on ' + PRESTAGE_PORT));
`;

/** The same project in another folder, as another clone of it would be; on the same ports. */
export async function cloneOf(sample: Sample): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'prestage-clone-'));
  await cp(sample.folder, folder, { recursive: true, filter: (path) => !path.startsWith(sample.root) });
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Ports of 127.0.0.1 that nobody listens on, in one stretch of `count` so that a service's other hosts fit behind. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
