import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { afterAll, beforeAll } from 'vitest';
import { prestage, type Run, type RunOptions, start } from '../prestage.js';
import { lacks } from '../requirements.js';
import { type Sample, sampleProject } from '../sample-project.js';
import { type Guests, startGuests } from './guests/guests.js';
import { type Region, startRegion } from './region.js';

/** Whether tests with machines of the emulated region cannot run here. */
export const withoutCloud = lacks('moto', 'awscli', 'namespaces');

/** An emulated region with machines, for the tests of a file: each test has environments of its own names in it. */
export interface Cloud {
  region: Region;
  guests: Guests;
  /** The sample project, with an environment `name` on AWS beside the local one. */
  project(name: string, change?: (config: Sample['config']) => void): Promise<CloudProject>;
}

export interface CloudProject extends Sample {
  name: string;
  /** `prestage <line> --env <name>` against the region. */
  aws(line: string, options?: Partial<RunOptions>): Promise<Run>;
  startAws(line: string, options?: Partial<RunOptions>): ChildProcess;
  /** Where the bucket and the file system are. */
  outputs(): Promise<{ bucket: string; fileSystem: string }>;
  /** Where the store is, as files of this machine. */
  store(): Promise<string>;
  /** Instances of this environment that are not gone, by the value of a tag. */
  instances(): Promise<{ id: string; state: string; tags: Record<string, string>; address: string }[]>;
  /** What runs only for a while and is not gone. */
  workers(): Promise<string[]>;
}

export function useCloud(): Cloud {
  const cloud = {} as Cloud;
  let folder = '';
  beforeAll(async () => {
    if (withoutCloud) return;
    folder = await mkdtemp(join(tmpdir(), 'prestage-cloud-'));
    cloud.region = await startRegion();
    cloud.guests = await startGuests(cloud.region);
  }, 60_000);
  afterAll(async () => {
    await cloud.guests?.stop();
    await cloud.region?.stop();
    if (folder !== '') await rm(folder, { recursive: true, force: true });
  }, 60_000);
  cloud.project = (name, change = () => {}) => project(cloud, name, change);
  return cloud;
}

async function project(cloud: Cloud, name: string, change: (config: Sample['config']) => void): Promise<CloudProject> {
  const sample = await sampleProject((config) => {
    for (const [index, service] of Object.values(config.services).entries()) {
      if ('port' in service) service.port = 8080 + index;
      for (const script of ['boot', 'run'] as const)
        if (typeof service[script] === 'string') service[script] = service[script].replace('.mjs', '.py');
    }
    config.environments = { ...(config.environments as object), [name]: { target: 'aws', region: cloud.region.name } };
    change(config);
  });
  await sample.write('hosts/jump.py', JUMP, 0o755);
  await sample.write('hosts/server.py', SERVER, 0o755);
  const { region, guests } = cloud;
  const { env } = region;
  const outputs = async () => {
    const { BucketName = '', FileSystemId = '' } = await outputsOf(region, `prestage-sample-${name}-foundation`);
    return { bucket: BucketName, fileSystem: FileSystemId };
  };
  const instances = async () =>
    (await region.machines()).instances.filter(
      ({ state, tags }) => state !== 'terminated' && tags?.['prestage:environment'] === name,
    );
  return {
    ...sample,
    name,
    aws: (line, options) =>
      prestage(`${line} --env ${name}`, { cwd: sample.folder, ...options, env: { ...env, ...options?.env } }),
    startAws: (line, options) =>
      start(`${line} --env ${name}`, { cwd: sample.folder, ...options, env: { ...env, ...options?.env } }),
    outputs,
    store: async () => guests.fileSystem((await outputs()).fileSystem),
    instances,
    workers: async () =>
      (await instances()).filter(({ tags }) => tags['prestage:temporary'] === 'true').map(({ id }) => id),
  };
}

async function outputsOf({ name, endpoint }: Region, StackName: string): Promise<Record<string, string>> {
  const client = new CloudFormationClient({
    region: name,
    endpoint,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const { Stacks } = await client.send(new DescribeStacksCommand({ StackName }));
  client.destroy();
  return Object.fromEntries(
    (Stacks?.[0]?.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]),
  );
}

/** A run that must have succeeded, else all that it said. */
export function succeeded(run: Run): Run {
  if (run.status !== 0) throw new Error(`${run.stdout}\n${run.stderr}`);
  return run;
}

/** Machines of AWS have Python, and no Node. */
const JUMP = `#!/usr/bin/env python3
import os
print('jump on', os.environ['PRESTAGE_RELEASE'], flush=True)
`;

/** Answers with what it finds in the release, and is healthy only where the files are prepared. */
const SERVER = `#!/usr/bin/env python3
import json, os, re
from http.server import BaseHTTPRequestHandler, HTTPServer

env = os.environ

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        with open(env['PRESTAGE_ROOT'] + '/opt/app/conf/app.properties') as file:
            properties = file.read()
        prepared = 'mode=prepared' in properties and 'color=red' not in properties
        self.send_response(200 if prepared else 500)
        self.end_headers()
        host = env['PRESTAGE_SERVICE'] + '-' + env['PRESTAGE_INDEX']
        color = re.search('color=(.*)', properties).group(1)
        self.wfile.write(json.dumps({'release': env['PRESTAGE_RELEASE'], 'host': host, 'color': color}).encode())
    def log_message(self, *args):
        pass

print('listening on', env['PRESTAGE_PORT'], flush=True)
HTTPServer(('0.0.0.0', int(env['PRESTAGE_PORT'])), Handler).serve_forever()
`;
