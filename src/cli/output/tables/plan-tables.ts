import { withoutCredentials } from '../../../core/redaction.js';
import type { PlanResult } from '../../../deploy/index.js';
import type { ResourceChange } from '../../../targets/index.js';
import type { Style } from '../text/style.js';
import { folded } from '../text/wrap.js';
import { changeTable, diffLines } from './change-tables.js';
import { table } from './table.js';

/** What `plan` found, phase by phase. Pure. */
export function planTables(
  { environment, release, sources, notAsked, phase1, phase2 }: PlanResult,
  { verbose = false, ...options }: { style: Style; width?: number; verbose?: boolean },
): string[] {
  const { style, width } = options;
  // A secret that is broken into two lines is not known as one.
  const fitted = (line: string) => (width === undefined ? [line] : folded(withoutCredentials(line), width));
  const mark = (action: string) =>
    action === 'reuse' || action === 'keep' ? style.good : action === 'remove' ? style.bad : style.warn;
  const packages = phase1.packages.map(({ id, action, source, reason }) => [
    id,
    { text: action, mark: mark(action) },
    source,
    reason,
  ]);
  return [
    ...fitted(`Release ${style.bold(release)} for ${environment}`),
    ...sources.flatMap(({ source, sha256, previous }) =>
      previous === undefined
        ? []
        : fitted(`${source} is not what prestage.lock says: locked ${digest(previous)}, found ${digest(sha256)}`),
    ),
    '',
    ...fitted(`${style.bold('Phase 1, files')}: ${needOf(phase1)}`),
    ...(packages.length > 0 ? table(['package', 'action', 'source', 'reason'], packages, options) : []),
    ...changeTable(
      [
        ...phase1.packages.map(({ id, changes }) => ({ where: id, changes })),
        { where: 'scripts', changes: phase1.scripts },
      ],
      options,
    ),
    ...phase1.scripts.flatMap((script) => diffLines(script, style, verbose)),
    '',
    ...(phase2 === null ? [] : servicesLines(phase2)),
    ...(notAsked.length === 0 ? [] : fitted(`Not asked: ${notAsked.join('; ')}.`)),
  ];

  function servicesLines({
    action,
    reason,
    hosts,
    database,
    databaseDetail,
    changes,
    resources = [],
  }: NonNullable<PlanResult['phase2']>) {
    const rows = hosts.map((host) => [host.host, { text: host.action, mark: mark(host.action) }, host.reason]);
    return [
      ...fitted(`${style.bold('Phase 2, hosts')}: ${action === 'apply' ? 'needed' : 'not needed'}, ${reason}`),
      ...(rows.length > 0 ? table(['host', 'action', 'reason'], rows, options) : []),
      ...(database === 'none'
        ? []
        : fitted(`database: ${database}${databaseDetail === undefined ? '' : `, ${databaseDetail}`}`)),
      ...changeTable(
        changes.map(({ what, key = '', ...values }) => ({ where: what, changes: [{ what: key, ...values }] })),
        options,
      ),
      ...resourceTables(resources, mark, options),
    ];
  }
}

function needOf({ needed, packages }: PlanResult['phase1']): string {
  if (needed === null) return 'not known, since nobody was asked';
  if (!needed) return 'not needed, all is ready';
  return packages.length > 0 ? 'needed' : 'needed, a release of the scripts alone';
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
