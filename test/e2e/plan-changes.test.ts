import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sampleProject } from '../sample-project.js';

test('plan says what is done with each source, and which source, step or setting changed', async () => {
  const sample = await sampleProject((config) => {
    config.services = { jump: config.services.jump ?? {} };
    config.packages.notes = { source: 'notes.txt' };
    config.packages.theme = { source: 'theme' };
    config.packages.extras = { source: 'files/extras.tar.gz', extract: false };
  });
  await sample.write('notes.txt', 'notes\n');
  await sample.write('theme/page.html', '<p>theme</p>\n');
  const sources = async () => {
    const { packages } = (await sample.run('plan --json')).result.phase1 as never as {
      packages: { id: string; source: string }[];
    };
    return packages.map(({ id, source }) => `${id}: ${source}`);
  };
  expect(await sources()).toEqual([
    'app: unpack as tar.gz, strip 1',
    'extras: keep as a file',
    'notes: keep as a file',
    'theme: copy the folder',
  ]);

  const { release } = (await sample.run('deploy --json')).result;
  await sample.archive('extras', { 'readme.txt': 'other\n' });
  Object.assign(sample.config.packages.app ?? {}, {
    steps: [
      { patch: 'patches/10-color.patch' },
      { set: { file: 'conf/app.properties', values: { mode: 'changed' } } },
      { remove: ['bin/**'] },
    ],
  });
  await sample.save();
  await sample.write('hosts/jump.mjs', '#!/usr/bin/env node\n', 0o755);

  const { phase1 } = (await sample.run('plan --json')).result as never as {
    phase1: { packages: { id: string; reason: string; changes: object[] }[]; scripts: object[] };
  };
  const [app, extras, notes] = phase1.packages;
  expect(app?.reason).toBe(`step 2 (set) and step 3 (remove) changed since release ${release}`);
  expect(app?.changes).toEqual([
    { what: 'step 2 (set)', key: 'values.mode', before: '"prepared"', after: '"changed"' },
    { what: 'step 3 (remove)', after: 'added' },
  ]);
  expect(extras?.reason).toBe(`its source changed since release ${release}`);
  expect(notes?.changes).toEqual([]);
  expect(phase1.scripts).toMatchObject([{ what: 'hosts/jump.mjs', before: expect.stringMatching(/^sha256:/) }]);
  const { stdout } = await sample.run('plan');
  expect(stdout).toMatch(/^app +step 2 \(set\) values\.mode +"prepared" +"changed"$/m);

  expect((phase1.scripts[0] as { diff: string[] }).diff.slice(0, 4)).toEqual([
    '@@ -1,2 +1,1 @@',
    ' #!/usr/bin/env node',
    "-console.log('jump on', process.env.PRESTAGE_RELEASE);",
  ]);
  expect(stdout).toContain(
    '\n--- hosts/jump.mjs\n+++ hosts/jump.mjs\n@@ -1,2 +1,1 @@\n #!/usr/bin/env node\n-console.log',
  );

  // A record of 0.1.0 does not say what its recipes were.
  const path = join(sample.root, 'releases', release, 'release.json');
  const record = JSON.parse(await readFile(path, 'utf8')) as { packages: { recipeContent?: object }[] };
  for (const item of record.packages) delete item.recipeContent;
  await writeFile(path, JSON.stringify(record));
  const old = (await sample.run('plan --json')).result.phase1.packages[0];
  expect(old?.reason).toBe(`its source, steps or settings changed since release ${release}`);
});

test('plan says which settings of services changed, with what they were', async () => {
  const sample = await sampleProject((config) => {
    config.services = { job: { boot: 'hosts/jump.mjs', environment: { LEVEL: 'info', DB_PASSWORD: 'one' } } };
  });
  await sample.write('hosts/jump.mjs', `#!/usr/bin/env node\nconst password = "sesame";\n`, 0o755);
  expect((await sample.run('deploy --json')).result).toMatchObject({ ok: true });
  const unchanged = (await sample.run('plan --json')).result;
  expect(unchanged.phase2).toMatchObject({ action: 'unchanged', changes: [] });

  sample.config.services = {
    job: { boot: 'hosts/jump.mjs', needs: ['app'], environment: { LEVEL: 'debug', DB_PASSWORD: 'two' } },
  };
  await sample.write('hosts/jump.mjs', `#!/usr/bin/env node\nconst password = "different";\n`, 0o755);
  await sample.save();
  const { phase2 } = (await sample.run('plan --json')).result;
  expect(phase2?.changes).toEqual([
    { what: 'service job', key: 'environment.LEVEL', before: '"info"', after: '"debug"' },
    { what: 'service job', key: 'environment.DB_PASSWORD', before: '***', after: '***' },
    { what: 'service job', key: 'needs', after: '["app"]' },
  ]);
  const { stdout } = await sample.run('plan');
  expect(stdout).toMatch(/^service job +environment\.LEVEL +"info" +"debug"$/m);
  expect(stdout).toContain('-const password = ***\n+const password = ***\n');
  expect(stdout).not.toMatch(/sesame|different/);
});
