import { formatBytes } from '../../core/bytes.js';
import { formatCount } from '../../core/units.js';
import type { ExplainResult } from '../../deploy/index.js';
import { hunkLines } from './tables/change-tables.js';
import { shown } from './text/shown.js';
import type { Style } from './text/style.js';

/** Where a file comes from, a line for each thing that is known. Pure. */
export function explainOutput(
  { release, path, package: id, tree, entry, source, steps, unnamedSteps = [], archive }: ExplainResult,
  { style, verbose }: { style: Style; verbose: boolean },
): string[] {
  const isOfSource = source && steps && unnamedSteps.length === 0 && !steps.some(({ change }) => change === 'added');
  const rows: [string, string | undefined][] = [
    ['release', release],
    ['package', `${id} (${tree})`],
    ['source', source && `${source.name}, ${source.handling}`],
    ['sha256', source && `of the source: ${source.sha256}`],
    ['entry', describe(entry)],
    ['sha256', entry.sha256],
    ['from', archive ? `${archive.name}: ${archive.entry}` : isOfSource ? 'the source' : undefined],
    ['steps', stepsText(steps, unnamedSteps.length > 0)],
    ...unnamedSteps.map(({ step, kind, more }): [string, string] => [
      'perhaps',
      `step ${step}, ${kind}: it changed ${formatCount(more, 'file')} more than are named`,
    ]),
  ];
  const width = Math.max(...rows.map(([label]) => label.length));
  return [
    style.bold(shown(path)),
    ...rows.flatMap(([label, value]) => (value === undefined ? [] : [`  ${label.padEnd(width)}  ${shown(value)}`])),
    ...(steps ?? []).flatMap(({ step, kind, change, diff }) => [
      '',
      `step ${step}, ${kind}: ${change}`,
      ...hunkLines(diff, style, verbose),
    ]),
  ];
}

function describe({ type, mode, size, target }: ExplainResult['entry']): string {
  if (type === 'removed') return 'not in the release: a step removed it';
  if (type === 'link') return `a link to ${target}`;
  return [type === 'file' ? `a file of ${formatBytes(size ?? 0)}` : 'a folder', `mode ${mode}`].join(', ');
}

function stepsText(steps: ExplainResult['steps'], mayBeMore: boolean): string | undefined {
  if (steps === undefined) return 'not known here: it was prepared by another machine, or long ago';
  if (steps.length > 0) return undefined;
  return mayBeMore ? 'none is known to have touched it' : 'none touched it';
}
