import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lacks, windowsTool } from '../requirements.js';

/** vitest's global set-up: a Windows of this run's own, whose processes end with it. */
export default function prefix(): (() => void) | undefined {
  if (lacks('wine')) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'prestage-wine-'));
  const WINEPREFIX = join(folder, 'prefix');
  cpSync(windowsTool('prefix'), WINEPREFIX, { recursive: true, verbatimSymlinks: true });
  process.env.WINEPREFIX = WINEPREFIX;
  const server = (flag: string) =>
    spawnSync('wineserver', [flag], { env: { ...process.env, WINEPREFIX }, stdio: 'ignore' });
  server('-p'); // stays when the last program has ended: starting it again takes a second
  return () => {
    server('-k');
    server('-w');
    rmSync(folder, { recursive: true, force: true });
  };
}
