import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { installedFile } from '../../../core/installation.js';

const withPeers = z.object({ peerDependencies: z.record(z.string(), z.string()) });

/** The packages that deploy to AWS, which are not installed with Prestage: name and least version, as package.json has them. */
export function awsPackages(): { name: string; version: string }[] {
  const { peerDependencies } = withPeers.parse(JSON.parse(readFileSync(installedFile('package.json'), 'utf8')));
  return Object.entries(peerDependencies).map(([name, range]) => ({ name, version: range.replace(/^\^/, '') }));
}

/** The command that installs them, with versions that Prestage was tested with. */
export function installAwsPackages(): string {
  return `npm install --save-dev ${awsPackages()
    .map(({ name, version }) => `${name}@${version}`)
    .join(' ')}`;
}
