import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { serve } from '../http-server.js';
import { repository } from '../prestage.js';
import { freePorts } from '../sample-project.js';

const execute = promisify(execFile);

/** A project with the packed Prestage in it, and nothing else. */
let project = '';

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'prestage-parts-'));
  await execute('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', project], { cwd: repository });
  const [packed = ''] = await readdir(project);
  await writeFile(join(project, 'package.json'), '{}');
  await sh(`npm install --save-dev ./${packed}`);
});

afterAll(() => rm(project, { recursive: true, force: true }));

async function sh(line: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const npm = { npm_config_prefer_offline: 'true', npm_config_audit: 'false' };
  const { stdout } = await execute('sh', ['-c', line], { cwd: project, env: { ...process.env, ...npm, ...env } });
  return stdout;
}

/** The error of a command that fails, as `--json` writes it. */
async function errorOf(command: string, env: NodeJS.ProcessEnv = {}) {
  const { stdout } = await sh(`npx prestage ${command} --json`, env).then(
    () => expect.fail(`${command} succeeded`),
    (error: { stdout: string }) => error,
  );
  const { error } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  return { code: error.code, install: /`(npm install [^`]+)`/.exec(error.hint)?.[1] ?? '' };
}

test('Prestage brings two packages; the quickstart on local says how to install its database, and runs with it', async () => {
  const installed = await readdir(join(project, 'node_modules'));
  expect(installed.filter((name) => !name.startsWith('.'))).toEqual(['jiti', 'prestage', 'zod']);

  await cp(join(repository, 'examples/quickstart'), project, { recursive: true });
  const [web = 0, api = 0] = await freePorts(3);
  const config = join(project, 'prestage.config.yaml');
  const text = await readFile(config, 'utf8');
  await writeFile(config, text.replace('18081', `${api}`).replace('18080', `${web}`));

  const { code, install } = await errorOf('deploy --env dev');
  expect(code).toBe('DATABASE_UNSUPPORTED');
  await sh(install);
  onTestFinished(async () => void (await sh('npx prestage destroy --env dev --purge --yes').catch(() => {})));
  await sh('npx prestage deploy --env dev');
  expect((await fetch(`http://127.0.0.1:${web}/`)).status).toBe(200);
});

test('an AWS environment without the packages that deploy to it names the command that installs them', async () => {
  await writeFile(
    join(project, 'aws.yaml'),
    "name: portal\npackages: { app: { source: package.json } }\nenvironments: { dev: { target: aws, region: eu-west-1, account: '123456789012' } }\n",
  );
  const AWS_ENDPOINT_URL = await emptyAccount();
  const { code, install } = await errorOf('deploy --config aws.yaml', {
    AWS_ENDPOINT_URL,
    AWS_ACCESS_KEY_ID: 'key',
    AWS_SECRET_ACCESS_KEY: 'secret',
  });
  expect(code).toBe('AWS_PARTS_MISSING');
  // Installing them takes longer than a test may: that npm would find each, in the versions that this repository has, is enough.
  const { devDependencies } = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8'));
  const packages = install.split(' ').slice(3);
  expect(packages.map((each) => each.replace(/@[^@]+$/, ''))).toEqual([
    '@aws-cdk/toolkit-lib',
    'aws-cdk-lib',
    'constructs',
  ]);
  for (const each of packages) {
    const [, name = '', version] = /^(.+)@([^@]+)$/.exec(each) ?? [];
    expect(version).toBe(devDependencies[name].replace('^', ''));
  }
});

/** AWS, as far as a deployment comes without these packages: it says who asks, and that there is nothing yet. */
function emptyAccount(): Promise<string> {
  const identity =
    '<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>';
  return serve(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    if (body.includes('GetCallerIdentity')) response.end(identity);
    else if (body.startsWith('{')) response.end('{"Parameter":{"Value":"ami-1"}}');
    else if (body.includes('DescribeImages')) response.end('<DescribeImagesResponse/>');
    else {
      response.statusCode = 400;
      response.end(
        '<ErrorResponse><Error><Code>ValidationError</Code><Message>Stack with id s does not exist</Message></Error></ErrorResponse>',
      );
    }
  });
}
