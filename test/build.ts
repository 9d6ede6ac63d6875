import { execFileSync } from 'node:child_process';

/** vitest's global set-up: the end-to-end tests run the built command, so it must be the one of these sources. */
export default function build(): void {
  execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' });
}
