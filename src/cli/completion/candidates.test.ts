import { expect, test } from 'vitest';
import { captured } from '../../../test/captured.js';
import { createProgram } from '../program.js';
import { candidates, type Place, type ProjectNames } from './candidates.js';

const asked: Place[] = [];
const names = (...values: string[]) => {
  return async (place: Place) => {
    asked.push(place);
    return values.map((value) => ({ value, description: '' }));
  };
};
const project: ProjectNames = {
  environments: names('dev', 'demo', 'prod'),
  parts: names('api', 'web', 'product'),
  speakers: names('api', 'api-0', 'worker'),
  releases: names('bbbb', 'aaaa'),
};

/** The last word is the one under the cursor. */
async function offered(line: string) {
  const words = line.split(' ');
  const word = words.pop() ?? '';
  const program = createProgram({ run: async () => {}, surroundings: captured() });
  const found = await candidates(program, { before: words, word }, project);
  return typeof found === 'string' ? found : found.map(({ value }) => value).join(' ');
}

test.each([
  ['de', 'deploy destroy'],
  ['--env dev ro', 'rollback'],
  ['deploi ', ''],
  ['help ver', 'verify'],
  ['he', 'help'],
  ['deploy --si', '--single-phase'],
  ['deploy --j', '--json'],
  ['--j', '--json'],
  ['deploy --json --j', ''],
  ['deploy -- --j', ''],
  ['deploy --env d', 'dev demo'],
  ['deploy --env=d', '--env=dev --env=demo'],
  ['deploy --env=', '--env=dev --env=demo --env=prod'],
  ['deploy --only a', 'api'],
  ['deploy --only api ', 'api web product'],
  ['deploy --only api --o', '--only'],
  ['deploy --tail ', ''],
  ['logs --tail 5 api', 'api api-0'],
  ['logs api ', ''],
  ['rollback ', 'bbbb aaaa'],
  ['report b', 'bbbb'],
  ['verify --deep a', 'aaaa'],
  ['status ', ''],
  ['plan --config ', 'files'],
  ['plan --out ', 'folders'],
  ['init ', 'folders'],
  ['completion po', 'powershell'],
])('%j may go on with %j', async (line, expected) => {
  expect(await offered(line)).toBe(expected);
});

test('names are those of the configuration and the environment on the line', async () => {
  asked.length = 0;
  await offered('--config shop --env=prod rollback ');
  expect(asked).toEqual([{ config: 'shop', env: 'prod' }]);
});
