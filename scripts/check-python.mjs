// Checks the format and the lint rules (ruff.toml) of the tests' Python. Ruff comes with scripts/install-test-tools.sh; where
// it is not installed this says so and passes, but not in CI. With --write it corrects what it can.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
const ruff = join(cache, 'prestage-test-tools/aws/bin/ruff');

if (!existsSync(ruff)) {
  process.stderr.write('SKIPPED: ruff is not installed, so Python is not checked: run scripts/install-test-tools.sh\n');
  process.exit(process.env.CI ? 1 : 0);
}
const write = process.argv.includes('--write');
const runs = write ? [['check', '--fix'], ['format']] : [['format', '--diff'], ['check']];
for (const args of runs) {
  if (spawnSync(ruff, [...args, '--quiet'], { stdio: 'inherit' }).status !== 0) process.exitCode = 1;
}
if (process.exitCode && !write) process.stderr.write('Python is not as ruff.toml says. Run: npm run format\n');
