import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Compiles a FUSE file system of one C file, once on a machine: its name is its source's digest, and several tests may come
 * to that at the same time.
 */
export function fuseProgram(sourceUrl: URL): string {
  const source = fileURLToPath(sourceUrl);
  const digest = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 16);
  const program = join(tmpdir(), `${basename(source, '.c')}-${process.getuid?.() ?? 0}-${digest}`);
  if (existsSync(program)) return program;
  const flags = execFileSync('pkg-config', ['--cflags', '--libs', 'fuse3'], { encoding: 'utf8' }).trim().split(/\s+/);
  const fresh = `${program}-${randomUUID()}`;
  execFileSync('gcc', ['-O1', '-o', fresh, source, ...flags]);
  renameSync(fresh, program);
  return program;
}
