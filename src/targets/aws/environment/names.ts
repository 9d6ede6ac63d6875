import { sha256 } from '../../../core/digest.js';

/** Which deployment: what every name and tag of AWS is made of. */
export interface Scope {
  project: string;
  environment: string;
  /** 12 digits. */
  account: string;
  region: string;
}

/** Where every worker and host mounts the store. */
export const STORE_ROOT = '/mnt/prestage';

/** A bucket's name has at most 63 characters, and what is made of this one gets up to 20 more. */
const MAX_UNIQUE = 44;

/**
 * `prestage-portal-dev`: what the names of stacks begin with. They are unique in an account and a region.
 */
export function scopeName({ project, environment }: Pick<Scope, 'project' | 'environment'>): string {
  return `prestage-${project}-${environment}`;
}

/**
 * `prestage-portal-dev-1a2b3c4d`: what is unique beyond the account (buckets) or the region (roles) begins with it. Long
 * names are cut; the digest at the end tells them apart.
 */
export function uniqueName(scope: Scope): string {
  const { project, environment, account, region } = scope;
  const digest = sha256(JSON.stringify([project, environment, account, region])).slice(0, 8);
  return `${scopeName(scope).slice(0, MAX_UNIQUE - 9)}-${digest}`;
}

export function foundationStackName(scope: Pick<Scope, 'project' | 'environment'>): string {
  return `${scopeName(scope)}-foundation`;
}

/** What holds the database: a failure of anything else never touches it. */
export function dataStackName(scope: Pick<Scope, 'project' | 'environment'>): string {
  return `${scopeName(scope)}-data`;
}

export function infrastructureStackName(scope: Pick<Scope, 'project' | 'environment'>): string {
  return `${scopeName(scope)}-infrastructure`;
}

/** The tags of everything. `release` and `run` are where there is one; `temporary` is on what must not outlive a run. */
export const TAGS = {
  project: 'prestage:project',
  environment: 'prestage:environment',
  release: 'prestage:release',
  run: 'prestage:run',
  host: 'prestage:host',
  temporary: 'prestage:temporary',
  /** On a snapshot of a database that Prestage took. */
  snapshot: 'prestage:snapshot',
} as const;
