import type { SecretSource, ServicesPlan } from '../../plan/index.js';
import { failed, ok, type Verdict, warning } from './finding.js';

/** A variable of a service whose value is kept elsewhere. */
export interface KeptVariable {
  service: string;
  variable: string;
  source: SecretSource;
}

/** What was found of one: that its value is not there, or that nobody could say. */
export interface SecretFinding {
  state: 'failed' | 'warning';
  /** As a sentence. */
  found: string;
  remedy: string;
}

export function keptVariables({ services }: ServicesPlan): KeptVariable[] {
  return services.flatMap(({ name: service, secrets = {} }) =>
    Object.entries(secrets).map(([variable, source]) => ({ service, variable, source })),
  );
}

/** `DB_PASSWORD of api`, for the beginning of a sentence. */
export function variableOf({ service, variable }: KeptVariable): string {
  return `${variable} of ${service}`;
}

/** All findings as the verdict of one check. */
export function secretsVerdict(count: number, findings: readonly SecretFinding[]): Verdict {
  if (findings.length === 0)
    return ok(`There ${count === 1 ? 'is the 1 value' : `are all ${count} values`} that hosts read.`);
  const found = findings.map((each) => each.found).join(' ');
  const remedy = [...new Set(findings.map((each) => each.remedy))].join(' ');
  return findings.some(({ state }) => state === 'failed') ? failed(found, remedy) : warning(found, remedy);
}
