import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { zip } from '../archives/zip-builder.js';
import { type Sample, sampleProject } from '../sample-project.js';

/** Limits decide whether there is a release, never which one it is. */

const deep = (levels: number) => `${'d/'.repeat(levels - 1)}file`;
const app = (config: Sample['config']) => config.packages.app as { [key: string]: unknown; steps: unknown[] };
const line = 'deploy --prepare-files-only --json';

async function preparedWith(sample: Sample, limits: object | undefined) {
  if (limits === undefined) delete app(sample.config).limits;
  else app(sample.config).limits = limits;
  await sample.save();
  return sample.run(line);
}

async function expectRefusal(sample: Sample, limits: object | undefined, context: object) {
  const run = await preparedWith(sample, limits);
  expect(run.status).toBe(1);
  expect(run.result).toMatchObject({ ok: false, error: { code: 'ARCHIVE_LIMIT', context: { package: 'app' } } });
  expect(run.result.error.context).toMatchObject(context);
  expect(run.result.error.hint).toContain(`raise \`${run.result.error.context.key}\``);
}

const identity = ({ result }: Awaited<ReturnType<typeof preparedWith>>) => ({
  release: result.release,
  digests: result.packages.map(({ id, digest }) => [id, digest]),
});

test('an archive beyond a limit is refused, and prepared as the same release where the limit is raised', async () => {
  const sample = await sampleProject();
  const elsewhere = await preparedWith(sample, undefined);
  expect(elsewhere.status).toBe(0);
  sample.config.environments = { local: { target: 'local', root: 'another-root' } };

  await expectRefusal(sample, { count: 1 }, { key: 'limits.count', expected: '1', found: '2' });
  await expectRefusal(sample, { size: '1KiB', depth: 1 }, { key: 'limits.depth', expected: '1', found: '2' });
  await expectRefusal(sample, { nameLength: 5 }, { key: 'limits.nameLength', expected: '5' });
  await expectRefusal(sample, { size: 10 }, { key: 'limits.size', expected: '10' });
  const raised = await preparedWith(sample, { count: 20, size: '1KiB', depth: 2, nameLength: 20, ratio: 2 });
  expect(raised.status).toBe(0);
  expect(identity(raised)).toEqual(identity(elsewhere));
  // What is prepared stays, whatever its limits are now.
  const again = await preparedWith(sample, { count: 1 });
  expect(again.result).toMatchObject({ ok: true, phase1: 'ready', release: elsewhere.result.release });
});

test('an archive inside one is held to the same limits, of which the defaults can be raised too', async () => {
  const sample = await sampleProject((config) => {
    app(config).source = 'files/app.zip';
    app(config).extract = true;
    app(config).steps = [{ extract: { file: 'inner.zip' } }];
    config.services = {};
  });
  const inner = zip([{ name: deep(70), content: 'deep' }]);
  await sample.write('files/app.zip', zip([{ name: 'inner.zip', content: inner, crc: crc32(inner) }]));

  await expectRefusal(sample, undefined, { key: 'limits.depth', expected: '64', found: '70', step: 1, path: deep(70) });
  const raised = await preparedWith(sample, { depth: 70 });
  expect(raised.status).toBe(0);
  expect(raised.result.packages.find(({ id }) => id === 'app')).toMatchObject({ files: 1, bytes: 4 });
});
