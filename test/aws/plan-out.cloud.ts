import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { normalizeAwsEnvironment } from '../../src/config/aws-environment.js';
import { openContext } from '../../src/targets/aws/environment/context.js';
import { lookAt } from '../../src/targets/aws/look.js';
import { reviewFiles } from '../../src/targets/aws/review-files.js';
import type { Deployment } from '../../src/targets/target.js';
import { lacks } from '../requirements.js';
import { type Region, startRegion } from './region.js';
import { someInfrastructure } from './template-inputs.js';

describe.skipIf(lacks('moto', 'dash'))('what `plan --out` writes of an environment on AWS', () => {
  let region: Region;
  beforeAll(async () => {
    region = await startRegion();
    for (const [key, value] of Object.entries(region.env)) vi.stubEnv(key, value);
  }, 60_000);
  afterAll(async () => {
    vi.unstubAllEnvs();
    await region?.stop();
  });

  test('is each template, the policy of each role, and each script in clear, and nothing is made for it', async () => {
    const context = openContext('sample', normalizeAwsEnvironment('dev', { target: 'aws', region: region.name }));
    const { release, services } = someInfrastructure();
    const deployment: Deployment = { environment: 'dev', release, services };
    const vendor = { kind: 's3', url: 's3://vendor/it.jar', size: 1, pinnedBy: 'integrity' } as const;
    const files = await reviewFiles(lookAt(context), deployment, { inputs: { [`${'a'.repeat(64)}`]: vendor } });
    const found = new Map(files.map(({ path, content }) => [path.replace(/-[0-9a-f]{8}-/, '-DIGEST-'), content]));
    expect([...found.keys()].sort()).toEqual([
      'data.json',
      'foundation.json',
      'hosts/jump-0.sh',
      'hosts/order-api-0.sh',
      'hosts/order-api-1.sh',
      'hosts/web-0.sh',
      'infrastructure.json',
      'roles/prestage-sample-dev-DIGEST-flow-log.json',
      'roles/prestage-sample-dev-DIGEST-host-order-api.json',
      'roles/prestage-sample-dev-DIGEST-host-web.json',
      'roles/prestage-sample-dev-DIGEST-jump.json',
      'roles/prestage-sample-dev-DIGEST-worker.json',
      'worker.sh',
    ]);
    const read = (path: string) => found.get(path) ?? '';
    expect(JSON.parse(read('foundation.json')).Resources.Bucket.Type).toBe('AWS::S3::Bucket');
    expect(JSON.parse(read('data.json')).Resources.Database.Type).toBe('AWS::RDS::DBInstance');
    expect(read('roles/prestage-sample-dev-DIGEST-worker.json')).toMatch(/ec2\.amazonaws\.com.*:s3:::vendor\/\*/s);
    expect(read('hosts/order-api-1.sh')).toContain("export LOG_LEVEL='info'");
    for (const path of ['worker.sh', 'hosts/jump-0.sh', 'hosts/web-0.sh']) {
      expect(read(path)).toContain('mount_store() {');
      expect(read(path)).not.toContain('base64 -d');
      execFileSync('dash', ['-n'], { input: read(path) });
    }
    const changes = (await region.calls()).filter(({ action }) => /^(Create|Put|Run|Update|Delete)/.test(action));
    expect(changes).toEqual([]);
  });
});
