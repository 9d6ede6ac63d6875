import { formatBytes } from '../../core/bytes.js';
import { shownPath } from '../../core/shown-path.js';
import { formatCount, formatDuration } from '../../core/units.js';
import type { DeployResult, DestroyPlan, StatusResult } from '../../deploy/index.js';
import type { Style } from './text/style.js';

interface Manner {
  style: Style;
  commandLine(rest: string): string;
}

/** What a deployment came to, and what may be wanted next. Pure. */
export function deploySummary(result: DeployResult, { style, commandLine }: Manner): string[] {
  const { release, environment, phase2, packages, hosts, durationMs } = result;
  const bytes = packages.reduce((sum, item) => sum + item.bytes, 0);
  const files = packages.reduce((sum, item) => sum + item.files, 0);
  const took = formatDuration(durationMs);
  const holds = `${formatCount(packages.length, 'package')}, ${formatCount(files, 'file')}, ${formatBytes(bytes)}`;
  if (phase2 === 'skipped') {
    return [
      '',
      `Release ${style.bold(release)} is ready in ${result.root} (${holds}; ${took}).`,
      ...reportLine(result),
      `Next: ${commandLine('deploy --skip-file-prep')}`,
    ];
  }
  const unchanged = phase2 === 'unchanged' ? 'is deployed already' : 'is deployed';
  const width = Math.max(0, ...hosts.map((host) => hostName(host).length));
  return [
    '',
    `Release ${style.bold(release)} ${unchanged} in ${environment} (${holds}; ${took}).`,
    ...hosts.map((host) =>
      `  ${hostName(host).padEnd(width)}  ${hostState(host, style)}  ${hostPlace(host)}`.trimEnd(),
    ),
    ...reportLine(result),
    '',
    'Next:',
    `  ${commandLine('status')}`,
    `  ${commandLine('logs')}`,
    `  ${commandLine('destroy')}`,
  ];
}

function reportLine({ report }: DeployResult): string[] {
  return report === undefined ? [] : [`Report: ${shownPath(report)}`];
}

/** What is asked before `destroy`. The name of what is lost is to be typed where it cannot be had back. */
export function destroyQuestion(plan: DestroyPlan, purge: boolean): { action: string; expected?: string } {
  const running = `${formatCount(plan.hosts, 'host')}${plan.database ? ' and the database' : ''} of ${plan.project} in ${plan.environment}`;
  if (!purge)
    return {
      action: `This stops and removes ${running}. What is prepared${plan.database ? " and the database's data" : ''} is kept.`,
    };
  const held = `${formatCount(plan.releases, 'release')}${plan.database ? " and the database's data" : ''}`;
  return {
    action: `This stops and removes ${running}, and all of ${plan.holdings}: ${held}. It cannot be had back.`,
    expected: `${plan.project}/${plan.environment}`,
  };
}

/** What is asked before `destroy --temporary`. */
export function temporaryQuestion({ project, environment, temporary }: DestroyPlan): { action: string } {
  const what = temporary.length === 0 ? 'leftovers of dead runs, if any' : temporary.join(', ');
  return {
    action: `This ends and removes what is temporary of ${project} in ${environment}: ${what}. A preparation that is at work fails.`,
  };
}

type Host = StatusResult['hosts'][number];

export function hostName({ service, index }: Pick<Host, 'service' | 'index'>): string {
  return `${service}-${index}`;
}

/** Where it answers: a URL, which terminals make a link of, where it is known to speak HTTP. */
export function hostAddress({ address, port, url }: Pick<Host, 'address' | 'port' | 'url'>): string {
  return url ?? (port === undefined ? address : `${address}:${port}`);
}

function hostPlace(host: Host): string {
  return host.port === undefined ? '' : hostAddress(host);
}

function hostState({ state }: Host, style: Style): string {
  return state === 'healthy' ? style.good(state) : style.warn(state);
}
