import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folderWith } from '../folder-with.js';
import { freePorts } from '../sample-project.js';
import { nodes, prestageOn, withoutWine } from './wine.js';

const server = `#!/usr/bin/env node
const { createServer } = require('node:http');
const { PRESTAGE_HOST, PRESTAGE_PORT } = process.env;
createServer((_, response) => response.end(process.platform)).listen(PRESTAGE_PORT, PRESTAGE_HOST);
`;

/** A service without packages: Wine makes no links, so a host finds no package in its release. */
async function project(files: Record<string, string>, service: string) {
  const [port = 0] = await freePorts(1);
  const config = `name: portal\npackages: {}\nservices:\n  web: { ${service}, port: ${port}, health: { http: /, timeout: 60s } }\n`;
  return { folder: await folderWith({ 'prestage.config.yaml': config, ...files }), port };
}

describe.skipIf(withoutWine).each(nodes)('services of the local target on Windows, by %s', (node) => {
  test('scripts are run by the interpreter of their #! line, and ended with all that they started', async () => {
    const { folder, port } = await project(
      { 'boot.js': "#!/usr/bin/env node\nconsole.log('booted');\n", 'run.js': server },
      'boot: boot.js, run: run.js',
    );
    const run = await prestageOn(node, 'deploy --yes --json', { cwd: folder });
    expect(run.events).toContainEqual(expect.objectContaining({ type: 'host.healthy', host: 'web-0' }));
    // `current` is a link, which Wine 8 does not make.
    expect(run.result.error).toMatchObject({
      code: 'STORE_IO',
      message: expect.stringContaining('(ENOENT from rename)'),
    });
    const logs = await prestageOn(node, 'logs web-0', { cwd: folder });
    expect(logs.stdout).toContain('booted');
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('win32');
    expect((await prestageOn(node, 'destroy --purge --yes --json', { cwd: folder })).result.ok).toBe(true);
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
  });

  test('an interpreter that is not there is told by deploy and by doctor', async () => {
    const { folder } = await project({ 'run.sh': '#!/bin/sh\nexit 0\n' }, 'run: run.sh');
    const doctor = await prestageOn(node, 'doctor --json', { cwd: folder });
    const checks = (
      doctor.result as unknown as { checks: { check: string; state: string; found: string; remedy: string }[] }
    ).checks;
    expect(checks.find(({ check }) => check === 'interpreters')).toMatchObject({
      state: 'failed',
      found: expect.stringContaining('sh, which run.sh is written for, is not on this machine'),
      remedy: expect.stringContaining('Git for Windows'),
    });
    const run = await prestageOn(node, 'deploy --yes --json', { cwd: folder });
    expect(run.result.error).toMatchObject({
      code: 'HOST_FAILED',
      message: expect.stringContaining('sh, which the first line of run.sh names, is not in PATH'),
    });
    writeFileSync(join(folder, 'run.sh'), 'exit 0\n');
    const without = await prestageOn(node, 'plan --json', { cwd: folder });
    expect(without.result.error).toMatchObject({ code: 'CONFIG_SCRIPT' });
  });
});
