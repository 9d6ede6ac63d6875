import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Sample, sampleProject } from '../sample-project.js';

/** The same packages for an environment on AWS, on a machine that has neither credentials nor a way to AWS. */
async function onAws(change: (config: Sample['config']) => void = () => {}): Promise<Sample> {
  return sampleProject((config) => {
    config.services = {};
    config.environments = {
      local: { target: 'local', root: 'root' },
      dev: { target: 'aws', region: 'eu-west-1' },
    };
    change(config);
  });
}

const nobody = ({ folder }: Sample) => ({
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_CONFIG_FILE: join(folder, 'none'),
  AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none'),
  AWS_ACCESS_KEY_ID: '',
  AWS_SECRET_ACCESS_KEY: '',
  AWS_PROFILE: '',
});

describe('prestage plan --env dev without credentials', () => {
  test.each(['--offline ', ''])('%ssays the release and its packages, and what was not asked', async (flag) => {
    const sample = await onAws();
    const { release, packages } = (await sample.run('deploy --env local --json')).result;
    const { status, result, events } = await sample.run(`plan --env dev ${flag}--json`, { env: nobody(sample) });
    expect([status, result.ok]).toEqual([0, true]);
    expect(result).toMatchObject({
      environment: 'dev',
      release,
      notAsked: ['what is prepared in dev', 'what is deployed and runs there'],
      phase1: { needed: null, scripts: [] },
      phase2: null,
    });
    expect(result.phase1.packages.map(({ id, action, tree }) => ({ id, action, tree }))).toEqual(
      packages.map(({ id, tree }) => ({ id, action: 'unknown', tree })),
    );
    const warnings = events.filter(({ type }) => type === 'warning');
    expect(warnings).toHaveLength(flag === '' ? 1 : 0);
    const { stdout } = await sample.run(`plan --env dev ${flag}`, { env: nobody(sample) });
    expect(stdout).toContain('Not asked: what is prepared in dev; what is deployed and runs there.');
  });
});

test('prestage plan --offline asks no server of a source, and says which one is not pinned', async () => {
  const sample = await onAws((config) => {
    config.packages.app = { source: 'https://127.0.0.1:9/app.tar.gz' };
  });
  const { status, result } = await sample.run('plan --env dev --offline --json', { env: nobody(sample) });
  expect([status, result.error.code, result.error.context.package]).toEqual([1, 'SOURCE_UNREACHABLE', 'app']);
  expect(result.error.message).toContain('is not in prestage.lock, and --offline asks no server');
});
