import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { sha256 } from '../src/core/digest.js';
import type { PrestageEvent } from '../src/core/events.js';
import type { ReleasePlan, ServicePlan, ServicesPlan } from '../src/plan/index.js';
import { planPackage, planRelease } from '../src/plan/index.js';
import { createFlusher, newRunId, openStaging, publishRelease, publishTree } from '../src/store/index.js';
import type { Deployment, PrepareJob, Target } from '../src/targets/index.js';
import { openLocalTarget } from '../src/targets/local/index.js';

/** The local target in a root of its own, with releases that are published without a worker. */
export interface LocalTargetKit {
  root: string;
  target: Target;
  events: PrestageEvent[];
  /** Publishes a release of scripts and packages, each a file `value.txt` with that content. */
  publish(contents: { scripts?: Record<string, string>; packages?: Record<string, string> }): Promise<ReleasePlan>;
  /** The same release as a job for a worker, with its sources in files. */
  job(contents: { scripts?: Record<string, string>; packages?: Record<string, string> }): Promise<PrepareJob>;
  plan(contents: { scripts?: Record<string, string>; packages?: Record<string, string> }): ReleasePlan;
  deploy(
    plan: ReleasePlan,
    services: ServicePlan[],
    more?: Partial<ServicesPlan> & Pick<Deployment, 'fallback' | 'keep'>,
  ): Promise<'applied' | 'unchanged'>;
  deployment(
    plan: ReleasePlan,
    services: ServicePlan[],
    more?: Partial<ServicesPlan> & Pick<Deployment, 'fallback' | 'keep'>,
  ): Deployment;
  /** The target in another root: a copy of this one, or where it was moved to. */
  openAt(root: string): Target;
  follow(): { emit: (event: PrestageEvent) => void; signal: AbortSignal; wait: boolean };
  close(): Promise<void>;
}

/** With `agent`, the real one; else phase 1 cannot be run. */
export async function openLocalTargetKit({ agent = false } = {}): Promise<LocalTargetKit> {
  const folder = await mkdtemp(join(tmpdir(), 'prestage-local-'));
  const root = join(folder, 'root');
  const events: PrestageEvent[] = [];
  const programs = {
    supervisor: await bundled('targets/local/supervisor/main.ts'),
    agent: agent ? await bundled('agent/main.ts') : join(folder, 'no-agent.mjs'),
  };
  const openAt = (root: string) =>
    openLocalTarget({
      environment: 'local',
      project: 'test-project',
      configFolder: fileURLToPath(new URL('..', import.meta.url)),
      root,
      programs,
    });
  const target = openAt(root);
  const kit: LocalTargetKit = {
    root,
    target,
    openAt,
    events,
    plan: planContents,
    async job(contents) {
      const files = [...Object.values(contents.scripts ?? {}), ...Object.values(contents.packages ?? {})];
      const inputs: PrepareJob['inputs'] = {};
      for (const content of files) {
        const path = join(folder, `source-${sha256(content).slice(0, 16)}`);
        await writeFile(path, content);
        inputs[sha256(content)] = { kind: 'file', path, size: Buffer.byteLength(content) };
      }
      return { plan: planContents(contents), inputs };
    },
    async publish(contents) {
      const plan = planContents(contents);
      await publishPlan(root, plan, contents);
      return plan;
    },
    deployment: (plan, services, { fallback, keep = false, ...more } = {}) => ({
      environment: 'local',
      release: {
        release: plan.release,
        packages: plan.packages.map(({ id, destination, digest }) => ({ id, destination, recipe: digest })),
        scripts: plan.scripts,
      },
      services: { services, ...more },
      keep,
      ...(fallback ? { fallback } : {}),
    }),
    deploy: (plan, services, more) => target.look().applyServices(kit.deployment(plan, services, more), kit.follow()),
    follow: () => ({ emit: (event) => events.push(event), signal: new AbortController().signal, wait: false }),
    async close() {
      await target.destroy({ purge: true, ...kit.follow() });
      await rm(folder, { recursive: true, force: true });
    },
  };
  return kit;
}

function planContents({
  scripts = {},
  packages = {},
}: {
  scripts?: Record<string, string>;
  packages?: Record<string, string>;
}): ReleasePlan {
  const plans = Object.entries(packages).map(([id, content]) =>
    planPackage(id, `opt/${id}`, {
      format: 1,
      package: id,
      source: { kind: 'file', name: 'value.txt', sha256: sha256(content) },
      extract: false,
      steps: [],
    }),
  );
  return planRelease(
    'test-project',
    plans,
    Object.entries(scripts).map(([path, content]) => ({ path, sha256: sha256(content) })),
  );
}

async function publishPlan(
  root: string,
  plan: ReleasePlan,
  { scripts = {}, packages = {} }: { scripts?: Record<string, string>; packages?: Record<string, string> },
): Promise<void> {
  const run = newRunId();
  const flusher = createFlusher(root);
  const staging = await openStaging(root, run);
  const trees = await Promise.all(
    plan.packages.map(async ({ id, destination, tree, digest: recipe }) => {
      const content = packages[id] ?? '';
      const folder = join(staging.folder, tree);
      await mkdir(folder, { mode: 0o755 });
      await writeFile(join(folder, 'value.txt'), content, { mode: 0o644 });
      const entries = new Map([
        [
          'value.txt',
          { type: 'file', mode: 0o644, size: Buffer.byteLength(content), sha256: sha256(content) } as const,
        ],
      ]);
      const { digest, files, bytes } = await publishTree({ root, run, name: tree, folder, entries, flusher });
      return { id, destination, tree, recipe, digest, files, bytes };
    }),
  );
  const record = {
    format: 1 as const,
    release: plan.release,
    digest: plan.digest,
    name: plan.name,
    createdAt: new Date().toISOString(),
    createdBy: 'prestage 0.0.0',
    packages: trees,
    scripts: plan.scripts,
  };
  await publishRelease({
    root,
    run,
    record,
    scripts: Object.entries(scripts).map(([path, content]) => ({ path, content: Buffer.from(content) })),
    flusher,
  });
  await staging.close();
}

/** A service with what a test does not care about left out. */
export function service(name: string, settings: Partial<ServicePlan> = {}): ServicePlan {
  return { name, role: 'service', after: [], count: 1, environment: {}, ...settings };
}

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  // Below the ephemeral range, where other tests' connections come and go.
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server
      .once('error', () => resolve(false))
      .listen({ host: '127.0.0.1', port }, () => server.close(() => resolve(true)));
  });
}

/** A server as a service's `run`: `/health` answers 200, `/` its variables, `/pid` its process and its working folder. */
export const SERVER = `#!/usr/bin/env node
const { createServer } = require('node:http');
const { PRESTAGE_HOST, PRESTAGE_PORT } = process.env;
console.log('serving on ' + PRESTAGE_PORT);
createServer((request, response) => {
  const answers = { '/health': 'ok', '/': JSON.stringify(process.env), '/pid': JSON.stringify({ pid: process.pid, cwd: process.cwd() }) };
  response.statusCode = request.url in answers ? 200 : 404;
  response.end(answers[request.url]);
}).listen(PRESTAGE_PORT, PRESTAGE_HOST);
`;

export const HEALTH = { kind: 'http', path: '/health', timeoutMs: 20_000 } as const;

/** What a host of SERVER answers. */
export async function askJson(port: number, path: string): Promise<Record<string, string>> {
  return (await (await fetch(`http://127.0.0.1:${port}${path}`)).json()) as Record<string, string>;
}

const bundles = new Map<string, Promise<string>>();

/** A program as it ships, built once for a test file: these tests do not depend on dist/. */
function bundled(entry: string): Promise<string> {
  const bundle = bundles.get(entry) ?? buildBundle(entry);
  bundles.set(entry, bundle);
  return bundle;
}

async function buildBundle(entry: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'prestage-program-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, 'program.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL(`../src/${entry}`, import.meta.url))],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    mainFields: ['module', 'main'],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  return outfile;
}
