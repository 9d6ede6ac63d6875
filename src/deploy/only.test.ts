import { describe, expect, test } from 'vitest';
import { sha256 } from '../core/digest.js';
import { planPackage, planRelease, type ServicePlan } from '../plan/index.js';
import type { Resolved } from '../resolve/index.js';
import type { Target, TargetLook } from '../targets/index.js';
import { onlyThese } from './only.js';

const part = (id: string, content: string, destination = id) =>
  planPackage(id, destination, {
    format: 1,
    package: id,
    source: { kind: 'file', name: id, sha256: sha256(content) },
    extract: false,
    steps: [],
  });
const service = (name: string, more: Partial<ServicePlan> = {}): ServicePlan => ({
  name,
  role: 'service',
  run: `${name}.sh`,
  after: [],
  count: 1,
  environment: {},
  ...more,
});
const script = (path: string, content: string) => ({ path, sha256: sha256(content) });

const resolved = (packages: ReturnType<typeof part>[], services: ServicePlan[], version: string) =>
  ({
    environment: { name: 'dev' },
    plan: planRelease(
      'shop',
      packages,
      services.flatMap(({ run }) => (run === undefined ? [] : [script(run, `${run} ${version}`)])),
    ),
    services: { services },
    inputs: {},
  }) as unknown as Resolved;

/** On which that is deployed. */
function targetWith({ plan, services }: Resolved, kind: Target['kind'], keepsRecipes = true) {
  const packages = plan.packages.map(({ recipe, digest, ...item }) => ({
    ...item,
    recipe: digest,
    ...(keepsRecipes ? { recipeContent: recipe } : {}),
  }));
  const look = {
    currentRelease: async () => plan.release,
    releases: async () => [{ ...plan, packages }],
    history: async () => [{ release: plan.release, deployedAt: '', services }],
  } as unknown as TargetLook;
  return { kind, look };
}

const before = resolved([part('app', '1'), part('lib', '1')], [service('api'), service('web')], '1');
const after = resolved([part('app', '2'), part('lib', '2')], [service('api'), service('web', { count: 3 })], '2');
const settings = resolved([part('app', '2'), part('lib', '2')], [service('api'), service('web', { count: 3 })], '1');

describe('--only', () => {
  test('gives the release that the same configuration with that change alone would have', async () => {
    const wanted = resolved([part('app', '2'), part('lib', '1')], [service('api'), service('web')], '1');
    const only = await onlyThese(targetWith(before, 'local'), after, ['app']);
    expect(only.plan).toEqual(wanted.plan);
    expect(only.services).toEqual(wanted.services);
    const all = await onlyThese(targetWith(before, 'local'), after, ['app', 'lib', 'api', 'web']);
    expect(all.plan).toEqual(after.plan);
    expect(all.services).toEqual(after.services);
  });

  test('of a service is refused on AWS where it would replace every host, and not where its settings changed alone', async () => {
    await expect(onlyThese(targetWith(before, 'aws'), after, ['web'])).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('would replace every host'),
    });
    const only = await onlyThese(targetWith(before, 'aws'), settings, ['web']);
    expect(only.plan.release).toBe(before.plan.release);
    expect(only.services.services.map(({ count }) => count)).toEqual([1, 3]);
    await expect(onlyThese(targetWith(before, 'aws'), after, ['app'])).resolves.toBeDefined();
  });

  test.each<[string, Resolved, string[], string]>([
    ['a port of another', resolved([], [service('web', { port: 80 })], '1'), ['web'], '`--only web api`'],
    ['a place inside another', resolved([part('app', '2', 'lib/app')], [], '1'), ['app'], '`--only app lib`'],
    ['a circle', resolved([], [service('web', { after: ['api'] })], '1'), ['web'], 'wait for each other'],
    [
      'one to start after that is not deployed',
      resolved([], [service('web', { after: ['x'] })], '1'),
      ['web'],
      'web x',
    ],
  ])('refuses %s', async (_, wanted, names, text) => {
    const deployed = resolved(
      [part('app', '1'), part('lib', '1')],
      [service('web'), service('api', { port: 80, after: ['web'] })],
      '1',
    );
    const error = await onlyThese(targetWith(deployed, 'local'), wanted, names).catch((each) => each);
    expect(error).toMatchObject({ code: 'USAGE' });
    expect(`${error.message} ${error.hint}`).toContain(text);
  });

  test('says so where the release was made by a version that kept no recipes', async () => {
    await expect(onlyThese(targetWith(before, 'local', false), after, ['app'])).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(`from release ${before.plan.release}`),
    });
  });
});
