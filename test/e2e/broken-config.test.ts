import { expect, test } from 'vitest';
import { sampleProject } from '../sample-project.js';

test('what is deployed can be looked at, put back and removed while the configuration has mistakes', async () => {
  const sample = await sampleProject((config) => {
    // No packages of services that run: this is about commands, and starts no more than one host.
    config.services = { jump: config.services.jump ?? {} };
  });
  const first = (await sample.run('deploy --json')).result.release;
  await sample.archive('extras', { 'readme.txt': 'other\n' });
  const second = (await sample.run('deploy --json')).result.release;
  Object.assign(sample.config.packages.app ?? {}, { sourc: 'files/app.tar.gz', source: undefined });
  await sample.save();

  const runs = [];
  for (const line of ['status', 'logs jump', 'verify', 'releases', 'prune --dry-run', 'rollback', 'destroy --yes'])
    runs.push([line, await sample.run(`${line} --json`)] as const);
  for (const [line, run] of runs) {
    expect(run.result, line).toMatchObject({ ok: true });
    const warnings = run.events.filter(({ type }) => type === 'warning');
    expect(warnings, line).toMatchObject([{ message: expect.stringContaining('packages.app.sourc') }]);
  }
  expect(runs.find(([line]) => line === 'status')?.[1].result.release).toBe(second);
  expect(runs.find(([line]) => line === 'rollback')?.[1].result.release).toBe(first);
  expect((await sample.run('deploy --json')).result.error.code).toBe('CONFIG_INVALID');
  expect((await sample.run('plan --json')).result.error.code).toBe('CONFIG_INVALID');
});
