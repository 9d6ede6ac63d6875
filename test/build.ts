import { execFileSync } from 'node:child_process';

/** vitest's global set-up: the end-to-end tests run the built command, so it must be the one of these sources. */
export default function build(): void {
  execFileSync(process.execPath, ['scripts/build.mjs', '--programs'], { stdio: 'inherit' });
}

/** How long building the types may take, on a machine that does other things as well. */
export const BUILD_MS = 300_000;

/** For tests of what the package declares: the types take longer than all the rest, so most tests do without them. */
export function buildTypes(): void {
  execFileSync(process.execPath, ['scripts/build-types.mjs'], { stdio: 'inherit' });
}
