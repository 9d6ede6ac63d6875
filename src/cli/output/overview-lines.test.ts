import { expect, test } from 'vitest';
import type { EnvironmentOverview, StatusResult } from '../../deploy/index.js';
import { overviewLines } from './overview-lines.js';
import { plainStyle } from './text/style.js';

const host = { service: 'api', index: 0, address: '127.0.0.1', port: 80, release: 'r1', state: 'healthy' as const };
const status: StatusResult = {
  environment: 'local',
  root: '/r',
  release: 'r1',
  releases: ['r1'],
  hosts: [host, { ...host, index: 1 }],
  database: undefined,
  temporary: [],
};
const local: EnvironmentOverview = { name: 'local', target: 'local', isDefault: true, status };

function lines(...environments: EnvironmentOverview[]): string {
  const overview = { project: 'shop', file: '/shop/prestage.config.yaml', environments };
  return overviewLines(overview, { style: plainStyle, commandLine: (rest) => `prestage ${rest}` }).join('\n');
}

test('what is deployed, and what is not asked', () => {
  expect(lines(local, { name: 'production', target: 'aws', isDefault: false })).toBe(`shop  /shop/prestage.config.yaml

  local       release r1, 2 of 2 hosts healthy
  production  aws, not asked

Next:
  prestage plan    what a deployment would change
  prestage logs    what the hosts say
  prestage --help  all commands`);
});

test.each<[string, EnvironmentOverview, string, string]>([
  [
    'before the first deployment',
    { ...local, status: { ...status, release: null, releases: [] } },
    'nothing is prepared',
    'deploy',
  ],
  [
    'between the phases',
    { ...local, status: { ...status, release: null } },
    'files are prepared, and nothing is deployed',
    'deploy',
  ],
  [
    'where a host failed',
    { ...local, status: { ...status, hosts: [host, { ...host, index: 1, state: 'failed' }] } },
    'release r1, 1 of 2 hosts healthy, api-1 failed',
    'logs api-1',
  ],
  ['on AWS', { name: 'dev', target: 'aws', isDefault: false }, 'aws, not asked', 'doctor --env dev'],
  [
    'where it cannot be asked',
    { name: 'dev', target: 'aws', isDefault: true, problem: 'No credentials.' },
    'No credentials.',
    'doctor',
  ],
])('%s', (_, environment, state, command) => {
  expect(lines(environment)).toContain(`  ${state}\n`);
  expect(lines(environment)).toContain(`  prestage ${command} `);
});
