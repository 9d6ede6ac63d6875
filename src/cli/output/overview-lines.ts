import { formatCount } from '../../core/units.js';
import type { EnvironmentOverview, ProjectOverview, StatusResult } from '../../deploy/index.js';
import { hostName } from './summaries.js';
import type { Style } from './text/style.js';

/**
 * What `prestage` alone says: the state of the project in a line for each environment, and what to do next. Pure.
 * @param commandLine another command of the same project
 */
export function overviewLines(
  { project, file, environments }: ProjectOverview,
  { style, commandLine }: { style: Style; commandLine(rest: string): string },
): string[] {
  const width = Math.max(...environments.map(({ name }) => name.length));
  const next = environments.find(({ status, problem }) => status ?? problem) ?? environments[0];
  const steps = next ? stepsFor(next) : [];
  const command = (rest: string) =>
    commandLine(next === undefined || next.isDefault ? rest : `${rest} --env ${next.name}`);
  const shown = [
    ...steps.map(([rest, does]) => [command(rest), does] as const),
    [commandLine('--help'), 'all commands'] as const,
  ];
  const commandWidth = Math.max(...shown.map(([line]) => line.length));
  return [
    `${style.bold(project)}  ${style.dim(file)}`,
    '',
    ...environments.map((each) => `  ${each.name.padEnd(width)}  ${stateOf(each, style)}`),
    '',
    'Next:',
    ...shown.map(([line, does]) => `  ${line.padEnd(commandWidth)}  ${style.dim(does)}`),
  ];
}

function stateOf({ target, status, problem }: EnvironmentOverview, style: Style): string {
  if (problem !== undefined) return style.bad(problem);
  if (status === undefined) return `${target}, not asked`;
  const prepared = status.releases.length === 0 ? 'nothing is prepared' : 'files are prepared, and nothing is deployed';
  if (status.release === null) return prepared;
  const ill = unwell(status);
  const healthy = `${status.hosts.length - ill.length} of ${formatCount(status.hosts.length, 'host')} healthy`;
  const others = ill.map((host) => `, ${hostName(host)} ${style.bad(host.state)}`).join('');
  return `release ${status.release}, ${healthy}${others}`;
}

/** The commands that are most likely wanted, with what they do, the likeliest first. */
function stepsFor({ target, status, problem }: EnvironmentOverview): (readonly [rest: string, does: string])[] {
  const state = ['status', 'what is prepared, deployed and running'] as const;
  if (problem !== undefined || status === undefined)
    return [
      ...(target === 'aws' ? [['doctor', 'what a deployment needs, and what of it is missing'] as const] : []),
      state,
    ];
  if (status.release === null)
    return [
      ['plan', 'what deploy would do'],
      ['deploy', 'prepare the files and start the services'],
    ];
  const [ill] = unwell(status);
  if (ill) return [[`logs ${hostName(ill)}`, 'what it said'], state];
  return [
    ['plan', 'what a deployment would change'],
    ['logs', 'what the hosts say'],
  ];
}

const unwell = ({ hosts }: StatusResult) => hosts.filter(({ state }) => state !== 'healthy');
