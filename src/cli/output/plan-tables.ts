import type { PlanResult } from '../../deploy/index.js';
import type { ResourceChange } from '../../targets/index.js';
import type { Style } from './style.js';
import { table } from './table.js';

/** What `plan` found, phase by phase. Pure. */
export function planTables(
  { environment, release, sources, phase1, phase2 }: PlanResult,
  options: { style: Style; width?: number },
): string[] {
  const { style } = options;
  const mark = (action: string) =>
    action === 'reuse' || action === 'keep' ? style.good : action === 'remove' ? style.bad : style.warn;
  const packages = phase1.packages.map(({ id, action, reason }) => [id, { text: action, mark: mark(action) }, reason]);
  const hosts = phase2.hosts.map(({ host, action, reason }) => [host, { text: action, mark: mark(action) }, reason]);
  return [
    `Release ${style.bold(release)} for ${environment}`,
    ...sources.flatMap(({ source, sha256, previous }) =>
      previous === undefined
        ? []
        : [
            `${source} is not what prestage.lock says: ${style.dim(`locked ${digest(previous)}, found ${digest(sha256)}`)}`,
          ],
    ),
    '',
    `${style.bold('Phase 1, files')}: ${phase1.needed ? `needed${packages.length > 0 ? '' : ', a release of the scripts alone'}` : 'not needed, all is ready'}`,
    ...(packages.length > 0 ? table(['package', 'action', 'reason'], packages, options) : []),
    '',
    `${style.bold('Phase 2, hosts')}: ${phase2.action === 'apply' ? 'needed' : 'not needed'}, ${phase2.reason}`,
    ...(hosts.length > 0 ? table(['host', 'action', 'reason'], hosts, options) : []),
    ...(phase2.database === 'none' ? [] : [`database: ${phase2.database}`]),
    ...resourceTables(phase2.resources ?? [], mark, options),
  ];
}

function digest(sha256: string): string {
  return `sha256:${sha256.slice(0, 16)}`;
}

/** A table for each stack that changes. */
function resourceTables(
  resources: readonly ResourceChange[],
  mark: (action: string) => (text: string) => string,
  options: { style: Style; width?: number },
): string[] {
  const stacks = [...new Set(resources.map(({ stack }) => stack))];
  return stacks.flatMap((stack) => {
    const rows = resources
      .filter((change) => change.stack === stack)
      .map(({ resource, resourceType, action, detail }) => [
        resource,
        resourceType,
        { text: action, mark: action === 'replace' ? options.style.bad : mark(action) },
        detail,
      ]);
    return ['', options.style.bold(stack), ...table(['resource', 'type', 'action', 'what'], rows, options)];
  });
}
