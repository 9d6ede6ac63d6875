import type { AwsEnvironment, ServicesPlan } from '../../../plan/index.js';
import type { Session } from '../api/session.js';

/** What checks look at: one environment of one project, and AWS as it sees it. */
export interface Examined {
  project: string;
  environment: AwsEnvironment;
  services: ServicesPlan;
  session: Session;
}

/** A command to be run as it stands, in the environment's region. */
export function awsCommand({ environment: { region, profile } }: Examined, command: string): string {
  return `\`aws ${command} --region ${region}${profile === undefined ? '' : ` --profile ${profile}`}\``;
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}
