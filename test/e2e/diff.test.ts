import { describe, expect, test } from 'vitest';
import { sampleProject } from '../sample-project.js';

/** Two releases of one project: of the second, a file came, one went, and one has another line. */
async function twoReleases() {
  const sample = await sampleProject();
  const deploy = async () => (await sample.run('deploy --prepare-files-only --json')).result.release;
  sample.config.packages.extras = {
    source: 'files/extras.tar.gz',
    extract: { strip: 1 },
    steps: [{ set: { file: 'conf/x.properties', values: { port: 1 } } }],
  };
  await sample.archive('extras', { 'conf/x.properties': 'a=1\nport=0\n', 'old.txt': 'old\n' });
  await sample.save();
  const first = await deploy();
  sample.config.packages.extras = {
    source: 'files/extras.tar.gz',
    extract: { strip: 1 },
    steps: [{ set: { file: 'conf/x.properties', values: { port: 2 } } }],
  };
  await sample.archive('extras', { 'conf/x.properties': 'a=1\nport=0\n', 'new.txt': 'new\n', 'blob.bin': '\u0000' });
  await sample.save();
  return { sample, first, second: await deploy() };
}

describe('two releases', () => {
  test('differ in sources, settings, files and lines, and only there', async () => {
    const { sample, first, second } = await twoReleases();
    const { result } = await sample.run(`diff ${first} ${second} --json`);
    expect(result).toMatchObject({
      from: first,
      to: second,
      packages: [
        {
          id: 'extras',
          files: { added: ['blob.bin', 'new.txt'], removed: ['old.txt'], changed: ['conf/x.properties'] },
          diffs: [{ path: 'conf/x.properties', diff: ['@@ -1,2 +1,2 @@', ' a=1', '-port=1', '+port=2'] }],
        },
      ],
    });
    const { stdout } = await sample.run(`diff ${first} ${second}`);
    expect(stdout).toMatch(/extras +step 1 \(set\) values\.port +1 +2\n/);
    expect(stdout).toContain(
      'extras: 2 added, 1 removed, 1 changed\n+ blob.bin\n+ new.txt\n- old.txt\n~ conf/x.properties\n',
    );
    expect((await sample.run(`diff ${first} ${first}`)).stdout).toBe(`Releases ${first} and ${first} do not differ.\n`);

    // Releases are named, or the error says which there are.
    expect(await sample.run(`diff ${first}`)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('NOTHING_DEPLOYED'),
    });
    const unknown = await sample.run(`diff 0123456789abcdef ${second}`);
    expect(unknown).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(new RegExp(`RELEASE_UNKNOWN(.|\\n)*${first}`)),
    });
  });
});

test('what two releases differ in has no secret, in whatever form a file has it', async () => {
  const sample = await sampleProject();
  const deploy = async (secret: string) => {
    sample.config.packages.extras = {
      source: 'files/extras.tar.gz',
      extract: { strip: 1 },
      steps: [{ template: { files: '*.tmpl', values: { password: secret } } }],
    };
    await sample.archive('extras', {
      'login.yaml': `user: ${secret.slice(0, 3)}\npassword: ${secret}\n`,
      'key.pem': `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----\n`,
      'url.txt.tmpl': 'say {{password}}\n',
    });
    await sample.save();
    return (await sample.run('deploy --prepare-files-only --json')).result.release;
  };
  const [first, second] = [await deploy('one-sesame'), await deploy('two-sesame')];
  const { stdout } = await sample.run(`diff ${first} ${second}`);
  expect(stdout).toContain('-password: ***\n+user: two\n+password: ***\n');
  expect(stdout).toContain('-say ***\n+say ***\n');
  for (const output of [stdout, (await sample.run(`diff ${first} ${second} --json`)).stdout])
    expect(output).not.toContain('sesame');
});

describe('a file of a release', () => {
  test('is explained by its source and by the step that changed it', async () => {
    const { sample, second } = await twoReleases();
    const { result } = await sample.run('explain extras/conf/x.properties --json');
    const explained = result as unknown as { path: string };
    expect(explained.path).toMatch(/extras\/conf\/x\.properties$/);
    expect(result).toMatchObject({
      release: second,
      package: 'extras',
      entry: { type: 'file', mode: '644', size: 11 },
      source: { name: 'extras.tar.gz' },
      steps: [{ step: 1, kind: 'set', change: 'changed', diff: expect.arrayContaining(['-port=0', '+port=2']) }],
    });
    const { stdout } = await sample.run(`explain ${sample.root}/current/${explained.path}`);
    expect(stdout).toContain('+port=2');

    // One that is not there has near ones.
    const { status, stderr } = await sample.run('explain extras/conf/x.propertes');
    expect([status, stderr]).toEqual([2, expect.stringMatching(/PATH_UNKNOWN[\s\S]*Near: [^ ]*conf\/x\.properties/)]);
  });
});
