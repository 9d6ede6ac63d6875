import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { installedFile } from '../../../core/installation.js';

const manifest = z.object({
  peerDependencies: z.record(z.string(), z.string()),
  /** Whether this is Prestage in one file, whose programs are in the user's cache (scripts/single-file). */
  singleFile: z.boolean().exactOptional(),
});

function readManifest(): z.infer<typeof manifest> {
  return manifest.parse(JSON.parse(readFileSync(installedFile('package.json'), 'utf8')));
}

/** The packages that deploy to AWS, which are not installed with Prestage: name and least version, as package.json has them. */
export function awsPackages(): { name: string; version: string }[] {
  const { peerDependencies } = readManifest();
  return Object.entries(peerDependencies).map(([name, range]) => ({ name, version: range.replace(/^\^/, '') }));
}

/** The command that installs them, with versions that Prestage was tested with. */
export function installAwsPackages(): string {
  const packages = awsPackages().map(({ name, version }) => `${name}@${version}`);
  const where = readManifest().singleFile ? `--prefix '${installedFile('.')}'` : '--save-dev';
  return `npm install ${where} ${packages.join(' ')}`;
}

/** Where to call it, and it. */
export function howToInstallAwsPackages(): string {
  const where = readManifest().singleFile ? 'Run' : 'In the project where Prestage is installed, run';
  return `${where} \`${installAwsPackages()}\``;
}
