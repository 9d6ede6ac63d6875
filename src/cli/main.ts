import { version } from '../core/installation.js';

// This file is what a shell starts, so it loads next to nothing before it knows what is wanted.

const MINIMUM = [20, 19];

function isTooOld(running: string): boolean {
  const [major = 0, minor = 0] = running.split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = MINIMUM;
  return major < wantedMajor || (major === wantedMajor && minor < wantedMinor);
}

const args = process.argv.slice(2);
if (isTooOld(process.versions.node)) {
  process.stderr.write(`prestage needs Node ${MINIMUM.join('.')} or newer; this is ${process.versions.node}.\n`);
  process.exitCode = 2;
} else if (args.length === 1 && args[0] === '--version') {
  process.stdout.write(`${version}\n`);
} else {
  const { runCommandLine } = await import('./command-line.js');
  await runCommandLine(args);
}
