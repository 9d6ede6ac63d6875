// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references are written like that
import { afterEach, describe, expect, test, vi } from 'vitest';
import { folderWith } from '../../test/folder-with.js';
import { PrestageError } from '../core/errors.js';
import { loadConfig, loadPlace } from './load-config.js';

const YAML = `name: portal
values: { title: Portal, replicas: 2 }
inputs:
  BUILD: {}
  WORKERS: { default: 4 }
packages:
  app:
    source: files/app-\${values.version}.tar
    steps:
      - set: { file: a.yaml, values: { title: '\${values.title}', many: '\${values.replicas}', all: '\${values.title} \${values.replicas}' } }
  tool: { source: tool.tar }
services:
  api:
    run: api.sh
    count: \${values.replicas}
    port: 8080
    health: { http: /health, timeout: 10s }
    environment: { LOG: info, WORKERS: '\${env.WORKERS}' }
environments:
  dev: { target: local, values: { version: 2 } }
  prod:
    target: local
    values: { version: 1, title: 'Portal \${env.BUILD}' }
    services:
      api: { count: 5, port: 9090, health: tcp, environment: { LOG: warn } }
`;

afterEach(() => vi.unstubAllEnvs());

const load = async (text: string, environment: string, name = 'prestage.config.yaml') =>
  loadConfig(await folderWith({ [name]: text }), { environment });

async function failure(loading: Promise<unknown>): Promise<PrestageError> {
  const error = await loading.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof PrestageError)) throw new Error(`expected a PrestageError, got ${error}`);
  return error;
}

const messageOf = async (loading: Promise<unknown>) =>
  (await failure(loading)).message.replaceAll(/\S*prestage\.config\./g, '');

describe('an environment', () => {
  test('has its own way of running a service, in place of what is general', async () => {
    const text =
      'name: p\npackages: { tool: { source: tool.tar } }\nservices: { api: { run: a, stop: { signal: SIGINT, timeout: 5s }, logs: [a.log], restart: never } }\nenvironments:\n  dev: { target: local, services: { api: { stop: { timeout: 1m }, restart: always, files: { conf: tool/conf } } } }\n  prod: { target: aws, region: eu-west-1, services: { api: { user: tomcat, logs: [b.log] } } }\n';
    const of = async (environment: string) => (await load(text, environment)).services.services[0];
    const general = { stop: { signal: 'SIGINT', timeoutMs: 5000 }, restart: 'never' };
    expect(await of('dev')).toMatchObject({
      ...{ stop: { signal: 'SIGTERM', timeoutMs: 60_000 }, logs: ['a.log'], files: { conf: 'tool/conf' } },
    });
    expect(await of('dev')).not.toHaveProperty('restart');
    expect(await of('prod')).toMatchObject({ ...general, user: 'tomcat', logs: ['b.log'] });
    const wrong = text.replace('tool/conf', 'toll/conf');
    await expect(load(wrong, 'dev')).rejects.toThrow(
      /:5: environments\.dev\.services\.api\.files\.conf: expected a path in a package/,
    );
  });

  test('has its own values and services, and what is general where it says nothing', async () => {
    const { packages, services, environment } = await load(YAML, 'dev');
    expect(environment.name).toBe('dev');
    expect(packages).toMatchObject([
      {
        source: { written: 'files/app-2.tar' },
        // Text that is a reference alone is the value itself, a number here.
        steps: [{ set: { values: { title: 'Portal', many: 2, all: 'Portal 2' } } }],
      },
      { source: { written: 'tool.tar' } },
    ]);
    expect(services.services).toMatchObject([
      {
        count: 2,
        port: 8080,
        health: { kind: 'http', path: '/health', timeoutMs: 10_000 },
        environment: { LOG: 'info', WORKERS: '4' },
      },
    ]);
  });

  test('takes the place of what is general; variables are merged by name', async () => {
    vi.stubEnv('BUILD', '417');
    vi.stubEnv('WORKERS', '8');
    const { packages, services } = await load(YAML, 'prod');
    expect(packages).toMatchObject([
      { source: { written: 'files/app-1.tar' }, steps: [{ set: { values: { title: 'Portal 417' } } }] },
      {},
    ]);
    expect(services.services).toMatchObject([
      {
        count: 5,
        port: 9090,
        health: { kind: 'tcp' },
        environment: { LOG: 'warn', WORKERS: '8' },
      },
    ]);
  });

  test('names the type of machine of a service on AWS', async () => {
    const text =
      'name: p\npackages: {}\nservices: { api: { run: a, port: 80 } }\nenvironments:\n  prod: { target: aws, region: eu-west-1, services: { api: { instanceType: m7i.xlarge } } }\n';
    expect((await load(text, 'prod')).environment).toMatchObject({
      instanceTypes: { services: { api: 'm7i.xlarge' } },
    });
    const both = text.replace('services: { api: { inst', 'instanceTypes: { services: { api: t3.nano } }, $&');
    expect(await messageOf(load(both, 'prod'))).toMatch(
      'environments.prod.services.api.instanceType: expected either instanceType or instanceTypes.services.api, found both',
    );
  });

  test('keeps the locked sources of the others, and all of them where their inputs are not known', async () => {
    vi.stubEnv('BUILD', '1');
    const { isElsewhere } = await load(YAML, 'dev');
    expect(['files/app-1.tar', 'files/app-2.tar', 'tool.tar', 'gone.tar'].map(isElsewhere)).toEqual([
      true,
      false,
      true,
      false,
    ]);
    vi.unstubAllEnvs();
    expect((await load(YAML, 'dev')).isElsewhere('gone.tar')).toBe(true);
  });
});

test.each<[string, string, unknown]>([
  ['what a shell has', '${HOME} ${x:-y} ${value.x} ${prestage.host}', undefined],
  ['a literal', '$${values.a} $${env.HOME}', '${values.a} ${env.HOME}'],
  ['a value after a dollar sign that is escaped', '$$${values.a}', '$${values.a}'],
  ['false', '${values.off}', false],
  ['a value between others', 'a${values.a}${values.off}b', 'atextfalseb'],
])('a text stands for %s', async (_, written, expected) => {
  const config = {
    name: 'portal',
    packages: { app: { source: 'a', steps: [{ set: { file: 'f', values: { key: written } } }] } },
    values: { a: 'text', off: false },
  };
  const { packages } = await load(JSON.stringify(config), 'local', 'prestage.config.json');
  expect(packages[0]?.steps).toMatchObject([{ set: { values: { key: expected ?? written } } }]);
});

test('what a value is may have references of other programs, which stay', async () => {
  const config = {
    name: 'p',
    values: { a: '${values.b} $${values.b} ${HOME}' },
    packages: { a: { source: '${values.a}' } },
  };
  expect(await messageOf(load(JSON.stringify(config), 'local', 'prestage.config.json'))).toMatch(
    'values.a: expected a text without other values',
  );
  config.values.a = '$${values.b} ${HOME}';
  expect((await load(JSON.stringify(config), 'local', 'prestage.config.json')).packages).toMatchObject([
    { source: { written: '${values.b} ${HOME}' } },
  ]);
});

const NAMED = 'name: p\nvalues: { title: x, n: three }\n';
test.each<[string, string, string]>([
  [
    'a value that is not there, with the nearest, its line and its column',
    `${NAMED}packages:\n  app:\n    source: files/\${values.titel}.tar\n`,
    'yaml:5:19: packages.app.source: expected a value, under `values` or those of the environment (title, n), or $${values.titel} for this text itself, found ${values.titel}; did you mean ${values.title}?',
  ],
  [
    'an input that is not listed',
    'name: p\npackages: { app: { source: "${env.HOME}" } }\n',
    'yaml:2:29: packages.app.source: expected an input, listed under `inputs` (there is none), or $${env.HOME} for this text itself, found ${env.HOME}',
  ],
  [
    'a blank inside',
    `${NAMED}packages: { app: { source: '\${ values.title }' } }\n`,
    'yaml:3:29: packages.app.source: expected ${values.name}, closed and without blanks, or $${ values.title } for this text itself, found ${ values.title }',
  ],
  [
    'one that is not closed',
    `${NAMED}packages: { app: { source: '\${values.title' } }\n`,
    'yaml:3:29: packages.app.source: expected ${values.name}, closed and without blanks, or $${values.title for this text itself, found ${values.title',
  ],
  [
    'a value in a key',
    `${NAMED}packages:\n  '\${values.title}': { source: a }\n`,
    'yaml:4:4: packages["${values.title}"]: expected a key without it, or $${values.title} for this text itself, found ${values.title}',
  ],
  [
    'a value in the name of the project',
    'name: ${values.title}\nvalues: { title: x }\npackages: {}\n',
    'yaml:1:7: name: expected a text of its own, the same in every environment, found ${values.title}',
  ],
  [
    'a value in the settings of an environment',
    `${NAMED}packages: {}\nenvironments:\n  dev: { target: local, root: '\${values.title}' }\n`,
    'yaml:5:32: environments.dev.root: expected a text without values, which an environment gives; an input may be in it, found ${values.title}',
  ],
  [
    'a value of the wrong type, with where it comes from',
    `${NAMED}packages: {}\nservices: { api: { run: a, count: '\${values.n}' } }\nenvironments: { dev: { target: local } }\n`,
    'yaml:4:36: services.api.count: expected a whole number, found "three", from ${values.n} in dev',
  ],
  [
    'a value of an environment that nothing uses',
    `${NAMED}packages: { app: { source: '\${values.title}' } }\nenvironments:\n  dev:\n    target: local\n    values: { titel: x }\n`,
    'yaml:7: environments.dev.values.titel: expected a value that a text uses, as in ${values.titel}, found none that does; did you mean title?',
  ],
  [
    'a service that is not there',
    'name: p\npackages: {}\nservices: { api: { run: a } }\nenvironments: { dev: { target: local, services: { apo: { count: 2 } } } }\n',
    'yaml:4: environments.dev.services.apo: expected a service (api), found "apo"; did you mean api?',
  ],
  [
    'a wrong setting of a service, once',
    'name: p\npackages: {}\nservices: { api: { run: a } }\nenvironments:\n  dev:\n    target: local\n    services:\n      api:\n        count: 0\n',
    'yaml:9: environments.dev.services.api.count: expected a whole number from 1, found the number 0',
  ],
  [
    'what an environment cannot say of a service',
    'name: p\npackages: {}\nservices: { api: { run: a } }\nenvironments:\n  dev: { target: local, services: { api: { run: b } } }\n',
    'yaml:5: environments.dev.services.api.run: expected one of count, port, health, environment, user, bootUser, stop, restart, logs, files, found the unknown key run',
  ],
  [
    'a rule that what an environment says breaks, where it says it',
    'name: p\npackages: {}\nservices: { jump: { role: jump, run: a } }\nenvironments:\n  dev: { target: local, services: { jump: { count: 2 } } }\n',
    'yaml:5: environments.dev.services.jump.count: expected 1 for a jump service, found 2',
  ],
])('refuses %s', async (_, text, message) => {
  const error = await failure(loadConfig(await folderWith({ 'prestage.config.yaml': text }), { orFirst: true }));
  expect(error.message.replace(/\S*prestage\.config\./, '')).toBe(message);
  expect(error.code).toBe('CONFIG_INVALID');
});

describe('an input that is not set', () => {
  test('is an error for the environment that uses it alone, where it is used', async () => {
    await expect(load(YAML, 'dev')).resolves.toBeDefined();
    const error = await failure(load(YAML, 'prod'));
    expect(error).toMatchObject({ code: 'CONFIG_INPUT', context: { line: 10, column: 48 } });
    expect(error.exitStatus).toBe(2);
    expect(error.message).toMatch(/expected the variable BUILD in the environment of this command, or a default/);
  });

  test('does not matter to who looks at what is deployed', async () => {
    const place = await loadPlace(await folderWith({ 'prestage.config.yaml': YAML }), 'prod');
    expect(place).toMatchObject({ environment: { name: 'prod' }, fault: { code: 'CONFIG_INPUT' } });
  });

  test('is of the type of its default', async () => {
    vi.stubEnv('WORKERS', 'many');
    expect(await messageOf(load(YAML, 'dev'))).toMatch(/expected a number in the variable WORKERS, found "many"$/);
  });
});

test('what has a secret name is shown in no error', async () => {
  vi.stubEnv('DB_PASSWORD', 'hunter2-hunter2');
  const text =
    "name: p\ninputs: { DB_PASSWORD: {} }\nvalues: { n: '${env.DB_PASSWORD}' }\npackages: {}\nservices: { api: { run: a, count: '${values.n}' } }\n";
  const error = await failure(load(text, 'local'));
  expect(error.message).toMatch(/found \*\*\*, from \$\{values\.n} in local$/);
  expect(JSON.stringify(error.serialize())).not.toContain('hunter2');
  const used = text.replace("count: '${values.n}'", "environment: { URL: 'x://${values.n}' }");
  expect((await load(used, 'local')).secrets).toEqual(['hunter2-hunter2']);
});

describe('a configuration that is a function', () => {
  const FUNCTION = `import { defineConfig } from 'prestage';
export default defineConfig<{ title: string; replicas: number }>(({ environment, values }) => ({
  name: 'portal',
  values: { replicas: 1 },
  packages: { app: { source: 'app.tar', steps: [{ template: { files: 'a.tmpl', values: { title: values.title.toUpperCase() } } }] } },
  services: {
    api: { run: 'api.sh', count: values.replicas * 2, environment: { WHERE: environment, TITLE: '\${values.title}' } },
  },
  environments: {
    dev: { target: 'local', values: { title: 'Dev' } },
    prod: { target: 'local', values: { title: 'Prod', replicas: 3 } },
  },
}));
`;

  test('is given the environment and its values', async () => {
    const { packages, services } = await load(FUNCTION, 'prod', 'prestage.config.ts');
    expect(packages[0]?.steps).toMatchObject([{ template: { values: { title: 'PROD' } } }]);
    expect(services.services).toMatchObject([{ count: 6, environment: { WHERE: 'prod', TITLE: 'Prod' } }]);
    expect((await load(FUNCTION, 'dev', 'prestage.config.ts')).services.services[0]?.count).toBe(2);
  });

  test.each<[string, string, string, string]>([
    [
      'asks for a value that is not there',
      'values.title.',
      'values.titel.',
      'ts:5: there is no value titel; did you mean title?',
    ],
    [
      'makes a value of values',
      "title: 'Prod'",
      'title: `${values.replicas}`',
      'ts:4: values: expected values and inputs that do not depend on values, found some that do',
    ],
    [
      'makes what is wrong',
      'values.replicas * 2',
      'values.title',
      'ts:7: services.api.count: expected a whole number, found "Dev"',
    ],
    [
      'throws while no value is known',
      "name: 'portal'",
      "name: values.title.startsWith('P') ? 'portal' : (() => { throw new Error('no') })()",
      '',
    ],
    [
      'throws at once',
      "name: 'portal'",
      "name: (() => { throw new Error('no') })()",
      'ts:3: the function threw while no value was known: no',
    ],
  ])('that %s', async (_, from, to, message) => {
    const loading = load(FUNCTION.replace(from, to), 'prod', 'prestage.config.ts');
    if (message === '') await expect(loading).resolves.toBeDefined();
    else expect((await messageOf(loading)).split('\n')).toContain(message);
  });
});
