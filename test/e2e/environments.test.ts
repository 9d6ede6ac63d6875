// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references are written like that
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Run } from '../prestage.js';
import { type Sample, sampleProject } from '../sample-project.js';

/** Two environments on this machine: what is prepared for `prod` has another colour, and its service more hosts. */
async function twoEnvironments(): Promise<Sample> {
  const sample = await sampleProject(({ packages, services, ...config }) => {
    const port = services.web?.port;
    delete services.jump;
    delete services.web;
    Object.assign(services.api ?? {}, { after: [], count: '${values.hosts}' });
    Object.assign(packages.app ?? {}, {
      steps: [{ set: { file: 'conf/app.properties', values: { color: '${values.color}', mode: 'prepared' } } }],
    });
    Object.assign(config.environments as object, {
      local: { target: 'local', root: 'root', values: { color: 'green', hosts: 1 } },
      prod: {
        target: 'local',
        root: 'prod',
        values: { color: '${env.SAMPLE_COLOR}', hosts: 1 },
        services: { api: { count: 3, port } },
      },
    });
  });
  sample.config.inputs = { SAMPLE_COLOR: {} };
  await sample.save();
  onTestFinished(async () => void (await sample.run('destroy --purge --yes --env prod')));
  return sample;
}

function treeOf({ result }: Run, wanted: string): { tree: string; digest: string } {
  const { tree = '', digest = '' } = result.packages.find(({ id }) => id === wanted) ?? {};
  return { tree, digest };
}

const hostsOf = async (sample: Sample, env: string) =>
  (await sample.run(`status --json --env ${env}`)).result.hosts.map(({ port, state }) => ({ port, state }));

test('environments share each tree that no value touches, and have their own hosts', async () => {
  const sample = await twoEnvironments();
  const local = await sample.run('deploy --json');
  const prod = await sample.run('deploy --json --env prod', { env: { SAMPLE_COLOR: 'violet' } });
  expect([local.result.ok, prod.result.ok], prod.stdout).toEqual([true, true]);

  expect(treeOf(prod, 'extras')).toEqual(treeOf(local, 'extras'));
  expect(treeOf(prod, 'app').tree).not.toBe(treeOf(local, 'app').tree);
  const color = (root: string, run: Run) =>
    readFile(join(sample.folder, root, 'trees', treeOf(run, 'app').tree, 'conf/app.properties'), 'utf8');
  expect(await color('root', local)).toContain('color=green');
  expect(await color('prod', prod)).toContain('color=violet');

  expect(await hostsOf(sample, 'local')).toHaveLength(1);
  const hosts = await hostsOf(sample, 'prod');
  const { port } = (sample.config.environments as { prod: { services: { api: { port: number } } } }).prod.services.api;
  expect(hosts).toHaveLength(3);
  expect(hosts).toMatchObject([{ port, state: 'healthy' }, { state: 'healthy' }, { state: 'healthy' }]);

  // Another value is another release; back is the former one, with as many hosts as before.
  const second = await sample.run('deploy --json --env prod', { env: { SAMPLE_COLOR: 'white' } });
  expect(treeOf(second, 'extras')).toEqual(treeOf(local, 'extras'));
  const back = await sample.run('rollback --json --env prod');
  expect(back.result).toMatchObject({ ok: true, release: prod.result.release });
  expect(await hostsOf(sample, 'prod')).toEqual(hosts);
});

test('prestage config shows what an environment comes to, each value with where it is from, and no secret', async () => {
  const sample = await twoEnvironments();
  Object.assign(sample.config.services.api ?? {}, {
    environment: { URL: 'db://${env.SAMPLE_PASSWORD}@db', LEVEL: 'info' },
  });
  sample.config.inputs = { SAMPLE_COLOR: { default: 'violet' }, SAMPLE_PASSWORD: {} };
  await sample.save();
  const env = { SAMPLE_PASSWORD: 'hunter2-hunter2' };
  const text = await readFile(join(sample.folder, 'prestage.config.json'), 'utf8');
  const lineOf = (part: string) => text.slice(0, text.indexOf(part)).split('\n').length;

  const { stdout, status } = await sample.run('config --env prod', { env });
  expect(status, stdout).toBe(0);
  expect(stdout).not.toContain('hunter2');
  const lines = stdout.split('\n').map((line) => line.trim());
  expect(lines).toEqual(
    expect.arrayContaining([
      `name: sample # line 2`,
      'mode: two-phase # default',
      `color: violet # line ${lineOf('"color": "${values')}; values.color of the environment, line ${lineOf('"color": "${env')}`,
      `count: 3 # environment, line ${lineOf('"count": 3')}`,
      `LEVEL: info # line ${lineOf('"LEVEL"')}`,
      `URL: "***" # line ${lineOf('"URL"')}; env.SAMPLE_PASSWORD as it is set`,
    ]),
  );
  const { result } = await sample.run('config --env prod --json', { env });
  expect(JSON.stringify(result)).not.toContain('hunter2');
  expect(result).toMatchObject({
    environment: 'prod',
    config: { services: { api: { count: 3 } }, values: { hosts: 1 } },
  });
  // Without what was chosen from, it is a configuration.
  await sample.write('alone/prestage.config.yaml', stdout);
  const alone = await sample.run('config --json --config alone');
  expect(alone.result).toMatchObject({ ok: true, config: { services: { api: { count: 3 } } } });
});

test('a source of another environment stays in prestage.lock, and an input that is not set is an error where it is used', async () => {
  const sample = await twoEnvironments();
  Object.assign(sample.config.packages.extras ?? {}, { source: 'files/${values.extras}.tar.gz' });
  const environments = sample.config.environments as Record<string, { values: object }>;
  Object.assign(environments.local?.values ?? {}, { extras: 'extras' });
  Object.assign(environments.prod?.values ?? {}, { extras: 'extras-prod' });
  await sample.save();
  await writeFile(
    join(sample.folder, 'files/extras-prod.tar.gz'),
    await readFile(join(sample.folder, 'files/extras.tar.gz')),
  );
  const deploy = (env: string, SAMPLE_COLOR: string) =>
    sample.run(`deploy --prepare-files-only --json --env ${env}`, { env: { SAMPLE_COLOR } });
  expect([(await deploy('local', 'x')).status, (await deploy('prod', 'x')).status]).toEqual([0, 0]);
  expect((await deploy('local', 'x')).status).toBe(0);
  const lock = JSON.parse(await readFile(join(sample.folder, 'prestage.lock'), 'utf8'));
  expect(Object.keys(lock.sources)).toEqual(['files/app.tar.gz', 'files/extras-prod.tar.gz', 'files/extras.tar.gz']);

  const { status, result } = await sample.run('plan --json --env prod');
  expect([status, result.error.code]).toEqual([2, 'CONFIG_INPUT']);
  expect(result.error.context).toMatchObject({
    key: 'packages.app.steps[0].set.values.color',
    line: expect.any(Number),
  });
});

test('plan names the values and inputs from which a change comes, and shows nothing of a secret one', async () => {
  const sample = await twoEnvironments();
  const steps = (sample.config.packages.app as { steps: object[] }).steps;
  steps.push(
    { chmod: { files: 'conf/*', mode: '${values.mode}' } },
    { set: { file: 'conf/app.properties', values: { link: 'to ${values.color} by ${env.SAMPLE_TOKEN}' }, add: true } },
  );
  Object.assign(sample.config.services.api ?? {}, { environment: { LEVEL: '${values.level}' } });
  sample.config.values = { mode: '640', level: 'info' };
  sample.config.inputs = { SAMPLE_COLOR: { default: 'red' }, SAMPLE_TOKEN: { default: 'opensesame' } };
  await sample.save();
  const first = await sample.run('deploy --json');
  expect(first.result, first.stdout).toMatchObject({ ok: true });

  Object.assign((sample.config.environments as { local: { values: object } }).local.values, { color: 'blue' });
  sample.config.values = { mode: '600', level: 'debug' };
  await sample.save();
  const env = { SAMPLE_TOKEN: 'sesame-opens' };
  const { result, stdout } = await sample.run('plan --json', { env });
  const [app, extras] = result.phase1.packages;
  const release = first.result.release;
  expect(app?.reason).toBe(
    `step 1 (set), step 2 (chmod) and step 3 (set) changed since release ${release} (values.color: green → blue, values.mode: 640 → 600, env.SAMPLE_TOKEN)`,
  );
  const colour = { name: 'values.color', before: 'green', after: 'blue' };
  expect(app?.changes).toMatchObject([
    { what: 'step 1 (set)', key: 'values.color', before: '"green"', after: '"blue"', values: [colour] },
    { what: 'step 2 (chmod)', key: 'mode', values: [{ name: 'values.mode', before: '640', after: '600' }] },
    {
      what: 'step 3 (set)',
      key: 'values.link',
      before: '***',
      after: '***',
      values: [{ name: 'values.color' }, { name: 'env.SAMPLE_TOKEN' }],
    },
  ]);
  expect(extras?.changes).toEqual([]);
  expect(result.phase2?.changes).toMatchObject([
    { key: 'environment.LEVEL', values: [{ name: 'values.level', before: 'info', after: 'debug' }] },
  ]);
  const human = await sample.run('plan', { env });
  expect(human.stdout).toMatch(/^app +step 1 \(set\) values\.color \(values\.color\) +"green" +"blue"$/m);
  for (const text of [stdout, human.stdout, human.stderr]) expect(text).not.toMatch(/sesame/);
});
