import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { lacks } from '../../../../test/requirements.js';
import { renderWorkerScript } from './worker.js';

const hostile = `it's "$(touch /tmp/x)" \`id\`\n\${Token[TOKEN.123]} \\`;
const rendered = renderWorkerScript({
  bucket: hostile,
  region: 'eu-central-1',
  fileSystemId: 'fs-1',
  accessPointId: 'fsap-1',
  agent: 'a'.repeat(64),
  job: 'b'.repeat(64),
  run: 'run-1',
  deadlineSeconds: 60,
});

test.skipIf(lacks('dash'))('a worker script is valid for dash, and its values are never evaluated', () => {
  execFileSync('dash', ['-n'], { input: rendered });
  const header = rendered.slice(0, rendered.indexOf('\nREGION='));
  expect(execFileSync('dash', { input: `${header}\nprintf %s "$BUCKET"` }).toString()).toBe(hostile);
});

test.skipIf(lacks('shellcheck'))('a worker script has nothing that shellcheck warns of', () => {
  execFileSync('shellcheck', ['-s', 'sh', '-S', 'warning', '-'], { input: rendered });
});
