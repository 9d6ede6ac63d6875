import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folderWith } from '../../test/folder-with.js';
import { loadConfig, loadPlace } from './load-config.js';
import type { ConfigInput } from './schema.js';

const minimal = { name: 'portal', packages: { app: { source: 'app.tar' } } };

async function load(config: ConfigInput, environment?: string) {
  return loadConfig(await folderWith({ 'prestage.config.json': JSON.stringify(config) }), { environment });
}

const asObject = JSON.stringify(minimal);
const formats: [string, string][] = [
  ['prestage.config.json', `\uFEFF${asObject}`],
  ['prestage.config.yaml', 'name: portal\npackages:\n  app: {source: app.tar}\n'],
  ['prestage.config.yml', 'name: portal\npackages: &all\n  app:\n    source: app.tar\n'],
  ['prestage.config.js', `module.exports = ${asObject};`],
  ['prestage.config.mjs', `export default ${asObject};`],
  ['prestage.config.ts', `const config: { name: string } = ${asObject};\nexport default config;`],
  ['prestage.config.ts', `import { defineConfig } from 'prestage';\nexport default defineConfig(${asObject});`],
];

describe('a configuration is found', () => {
  test.each(formats)('in %s', async (name, text) => {
    const folder = await folderWith({ [name]: text });
    const config = await loadConfig(folder);
    expect(config).toMatchObject({ file: join(folder, name), folder, name: 'portal', mode: 'two-phase' });
    expect(config.packages).toEqual([
      {
        id: 'app',
        source: { kind: 'local', written: 'app.tar' },
        integrity: undefined,
        extract: 'auto',
        destination: 'app',
        steps: [],
      },
    ]);
  });

  test.each([
    ['files/app.jar', 'single'],
    ['https://repo.example.com/a/App.WAR?version=1.jar#x', 'single'],
    ['s3://bucket/app.nupkg', 'single'],
    ['https://repo.example.com/get?name=app.jar', 'auto'],
    ['app.tar.gz', 'auto'],
  ])('with the source %s and no extract, which is then %s', async (source, extract) => {
    const folder = await folderWith({
      'prestage.config.json': JSON.stringify({ ...minimal, packages: { app: { source } } }),
    });
    expect((await loadConfig(folder)).packages).toMatchObject([{ extract }]);
  });

  test('by the path of its file, whatever its name', async () => {
    const folder = await folderWith({ 'other.yaml': 'name: other\npackages: {}\n', 'prestage.config.json': asObject });
    expect((await loadConfig(join(folder, 'other.yaml'))).name).toBe('other');
  });

  test('with a $schema for editors', async () => {
    expect((await load({ $schema: './schema.json', ...minimal })).name).toBe('portal');
  });
});

describe('a configuration is not found', () => {
  test.each<[string, Record<string, string>, string, string, string]>([
    ['in an empty folder', {}, '.', 'CONFIG_NOT_FOUND', 'no prestage.config.{ts,js,mjs,json,yaml,yml}'],
    ['at a path without a file', {}, 'x.yaml', 'CONFIG_NOT_FOUND', 'There is nothing at'],
    ['in a file of another kind', { 'a.toml': '' }, 'a.toml', 'CONFIG_NOT_FOUND', 'its name must end in .ts, .js'],
    [
      'where there are two',
      { 'prestage.config.ts': '', 'prestage.config.yaml': '' },
      '.',
      'CONFIG_AMBIGUOUS',
      'prestage.config.ts, prestage.config.yaml',
    ],
  ])('%s', async (_, files, path, code, message) => {
    const folder = await folderWith(files);
    await expect(loadConfig(join(folder, path))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  test('through a link that leads nowhere', async () => {
    const folder = await folderWith();
    await symlink('gone', join(folder, 'prestage.config.yaml'));
    await expect(loadConfig(folder)).rejects.toMatchObject({ code: 'CONFIG_NOT_FOUND' });
  });

  test('in a JavaScript file that imports prestage where it is not installed, with what to do', async () => {
    const folder = await folderWith({
      'prestage.config.mjs': "import { defineConfig } from 'prestage';\nexport default defineConfig({});\n",
    });
    await expect(loadConfig(folder)).rejects.toMatchObject({
      code: 'CONFIG_SYNTAX',
      hint: expect.stringContaining('npm install --save-dev <that file>'),
    });
  });
});

describe('short forms are written out', () => {
  test.each<[string, NonNullable<ConfigInput['packages'][string]['extract']>, unknown]>([
    ['true', true, { strip: 0 }],
    ['false', false, false],
    ['a pattern', { include: 'bin/**', strip: 1 }, { strip: 1, include: ['bin/**'] }],
    ['patterns', { exclude: ['a', 'b'] }, { strip: 0, exclude: ['a', 'b'] }],
  ])('extract: %s', async (_, extract, expected) => {
    const { packages } = await load({ name: 'portal', packages: { app: { source: 'a', extract } } });
    expect(packages[0]?.extract).toEqual(expected);
  });

  test.each<[string | number, number]>([
    [1, 1],
    [1_700_000_000, 1_700_000_000],
    ['1KiB', 1024],
    ['512MiB', 512 * 1024 ** 2],
    ['80GiB', 80 * 1024 ** 3],
    ['8191TiB', 8191 * 1024 ** 4],
  ])('limits.size: %s', async (size, bytes) => {
    const limits = { size, count: 5 };
    const { packages } = await load({ name: 'portal', packages: { app: { source: 'a', limits }, b: { source: 'b' } } });
    expect(packages.map((item) => item.limits)).toEqual([{ size: bytes, count: 5 }, undefined]);
  });

  test.each<[string, NonNullable<ConfigInput['services']>[string], unknown]>([
    ['a port alone', { run: 'a', port: 80 }, { kind: 'tcp', timeoutMs: 60_000 }],
    ['tcp', { run: 'a', port: 80, health: 'tcp' }, { kind: 'tcp', timeoutMs: 60_000 }],
    [
      'tcp with a limit',
      { run: 'a', port: 80, health: { tcp: true, timeout: '500ms' } },
      { kind: 'tcp', timeoutMs: 500 },
    ],
    [
      'http',
      { run: 'a', port: 80, health: { http: '/up?x=1', timeout: '2m' } },
      { kind: 'http', path: '/up?x=1', timeoutMs: 120_000 },
    ],
    [
      'https with a status and headers',
      { run: 'a', port: 80, health: { https: '/up', status: 401, headers: { Host: 'shop.example', 'X-Try': 1 } } },
      {
        kind: 'http',
        path: '/up',
        secure: true,
        status: [401],
        headers: { Host: 'shop.example', 'X-Try': '1' },
        timeoutMs: 60_000,
      },
    ],
    ['no port', { run: 'a' }, undefined],
  ])('health: %s', async (_, service, expected) => {
    const { services } = await load({ ...minimal, services: { api: service } });
    expect(services.services[0]?.health).toEqual(expected);
  });

  test('of a service: defaults, variables as text, scripts without ./', async () => {
    const { services } = await load({
      ...minimal,
      services: { api: { boot: './boot/a.sh', environment: { N: 3, ON: true, T: 'x' } } },
    });
    expect(services.services).toEqual([
      {
        name: 'api',
        role: 'service',
        boot: 'boot/a.sh',
        after: [],
        count: 1,
        environment: { N: '3', ON: 'true', T: 'x' },
      },
    ]);
  });

  test('of the database and the zone', async () => {
    const { services } = await load({ ...minimal, database: { engine: 'postgres' }, dns: { zone: 'portal.internal' } });
    expect(services).toEqual({
      services: [],
      database: { engine: 'postgres', version: '16' },
      dnsZone: 'portal.internal',
    });
  });
});

test('services start after those that they wait for, and else in the order of the configuration', async () => {
  const run = 'a';
  const { services } = await load({
    ...minimal,
    services: {
      web: { run, after: ['api', 'jump'] },
      other: { run },
      api: { run, after: ['jump'] },
      jump: { role: 'jump' },
      last: { run },
    },
  });
  expect(services.services.map((service) => service.name)).toEqual(['other', 'jump', 'api', 'web', 'last']);
});

test('hosts on AWS, each with an address of its own, may share a port', async () => {
  const services = { a: { run: 'a', port: 80 }, b: { run: 'b', port: 80 } };
  const environments = { dev: { target: 'aws' as const, region: 'eu-west-1' } };
  expect((await load({ ...minimal, services, environments })).services.services).toHaveLength(2);
});

describe('the environment', () => {
  const environments = {
    dev: { target: 'aws' as const, region: 'eu-west-1', vpcCidr: '10.20.0.0/16' },
    local: { target: 'local' as const },
  };

  test('is local, under .prestage, where none is configured', async () => {
    const config = await load(minimal);
    expect(config.environment).toEqual({
      name: 'local',
      target: 'local',
      root: join(config.folder, '.prestage/local'),
    });
  });

  test('is the only one there is, whatever its name', async () => {
    const config = await load({ ...minimal, environments: { here: { target: 'local', root: 'store' } } });
    expect(config.environment).toEqual({ name: 'here', target: 'local', root: join(config.folder, 'store') });
  });

  test('is local where there are several and none is named', async () => {
    expect((await load({ ...minimal, environments })).environment.name).toBe('local');
    expect((await load({ ...minimal, environments }, 'dev')).environment).toEqual({
      name: 'dev',
      target: 'aws',
      region: 'eu-west-1',
      network: { kind: 'own', cidr: '10.20.0.0/16', nat: 'one' },
      ha: false,
      instanceTypes: { worker: 'm7i.large', hosts: 't3.medium', database: 'db.t4g.medium', services: {} },
    });
  });

  test('is an error where its name is not there, with the nearest', async () => {
    await expect(load({ ...minimal, environments }, 'deb')).rejects.toMatchObject({
      code: 'ENVIRONMENT_UNKNOWN',
      message: 'There is no environment deb; there are: dev, local.',
      hint: 'Did you mean --env dev?',
    });
  });

  test('is an error where there are several, none is local, and none is named', async () => {
    const { dev } = environments;
    await expect(load({ ...minimal, environments: { dev, prod: dev } })).rejects.toMatchObject({
      code: 'ENVIRONMENT_UNKNOWN',
      hint: 'Name one: --env NAME.',
    });
  });
});

describe('for a command that needs the environment alone', () => {
  const place = async (config: unknown, environment?: string) =>
    loadPlace(await folderWith({ 'prestage.config.json': JSON.stringify(config) }), environment);
  const environments = { local: { target: 'local', root: 'here' }, dev: { target: 'aws', region: 'eu-west-1' } };
  const whole = { ...minimal, environments };

  test('a configuration without mistakes has no fault', async () => {
    expect(await place(whole)).toMatchObject({ name: 'portal', environment: { name: 'local' }, fault: undefined });
  });

  test.each([
    ['an unknown key', { ...whole, pakages: {} }, /pakages/],
    ['a wrong package', { ...whole, packages: { app: { sourc: 'x' } } }, /packages\.app\.sourc/],
    ['no packages', { name: 'portal', environments }, /packages/],
    ['services in a circle', { ...whole, services: { a: { run: 'a', after: ['a'] } } }, /circle/],
    [
      'another environment',
      { ...whole, environments: { ...environments, dev: { target: 'aws' } } },
      /environments\.dev/,
    ],
  ])('%s is a fault that does not matter', async (_, config, fault) => {
    const found = await place(config);
    expect(found).toMatchObject({ name: 'portal', environment: { name: 'local', root: join(found.folder, 'here') } });
    expect(found.fault?.message).toMatch(fault);
  });

  test.each([
    ['the environment', { ...whole, environments: { local: { target: 'local', roots: 'here' } } }, 'CONFIG_INVALID'],
    ['environments, misspelt', { ...minimal, enviroments: environments }, 'CONFIG_INVALID'],
    ['environments', { ...minimal, environments: [] }, 'CONFIG_INVALID'],
    ['the name', { ...whole, name: 'Portal' }, 'CONFIG_INVALID'],
    ['the name, misspelt', { ...whole, name: undefined, nmae: 'portal' }, 'CONFIG_INVALID'],
    ['what is no map', [], 'CONFIG_INVALID'],
    ['a choice without a name', { ...minimal, environments: { a: environments.dev, b: 7 } }, 'ENVIRONMENT_UNKNOWN'],
  ])('a mistake in %s is an error', async (_, config, code) => {
    await expect(place(config)).rejects.toMatchObject({ code });
  });
});
