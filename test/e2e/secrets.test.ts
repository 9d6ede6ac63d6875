import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sha256 } from '../../src/core/digest.js';
import { filesBelow } from '../files-below.js';
import { listen } from '../http-server.js';
import { sampleProject } from '../sample-project.js';

test('a secret that a source, a script or a configuration tells is in no output and in no log of ours', async () => {
  const sample = await sampleProject();
  const server = createServer(({ method }, response) => {
    if (method === 'HEAD') return void response.writeHead(200, { 'content-length': 7, etag: '"1"' }).end();
    response
      .writeHead(403, { 'x-amz-request-id': 'r1' })
      .end('<Error><Message>Authorization: s3cret</Message></Error>');
  });
  const url = `http://${await listen(server)}/app.tar.gz?X-Amz-Security-Token=s3cret&X-Amz-Signature=s3cret`;
  sample.config.packages.app = { source: url, integrity: `sha256:${sha256('another')}` };
  await sample.save();

  // The worker fails, and says so in its folder and to the command.
  const runs = [
    await sample.run('deploy --json -v'),
    await sample.run('deploy -v'),
    await sample.run('logs'),
    await sample.run('plan --json'),
  ];
  expect(runs[0]?.result.error).toMatchObject({ code: 'SOURCE_REFUSED' });
  expect(runs[1]?.stderr).toMatch(/\n {2}at .*agent/);
  for (const { stdout, stderr } of runs) expect(stdout + stderr).not.toContain('s3cret');
  for (const [path, text] of Object.entries(await filesBelow(join(sample.root, 'runs'))))
    expect(text, path).not.toContain('s3cret');

  // A script says it, and fails.
  sample.config.packages.app = { source: 'files/app.tar.gz' };
  await sample.write(
    'hosts/jump.mjs',
    "#!/usr/bin/env node\nconsole.log('to https://user:s3cret@host/x?sig=s3cret');\nprocess.exit(1);\n",
    0o755,
  );
  await sample.save();
  for (const line of ['deploy --json -v', 'deploy -v', 'logs jump', 'status --json']) {
    const { stdout, stderr } = await sample.run(line);
    expect(stdout + stderr).not.toContain('s3cret');
  }

  // A configuration throws it, with a cause that has it too.
  await sample.write(
    'bad/prestage.config.mjs',
    "throw new Error('https://user:s3cret@host/x', { cause: new Error('Authorization: Basic s3cret') });\n",
  );
  for (const line of ['plan -v', 'plan --json -v']) {
    const { status, stdout, stderr } = await sample.run(`${line} --config bad`);
    expect([status, stdout + stderr]).toEqual([2, expect.not.stringContaining('s3cret')]);
    expect(stdout + stderr).toContain('***');
  }
});

test('-v names the function that threw', async () => {
  const sample = await sampleProject();
  await sample.save();
  const { status, stderr } = await sample.run('plan --env nope -v');
  expect(status).toBe(2);
  expect(stderr).toMatch(/\n {2}at selectEnvironment /);
});
