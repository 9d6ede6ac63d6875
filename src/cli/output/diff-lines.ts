import { formatCount } from '../../core/units.js';
import type { DiffResult } from '../../deploy/index.js';
import { changeTable, diffLines } from './tables/change-tables.js';
import { shown } from './text/shown.js';
import type { Style } from './text/style.js';

/** Paths of each kind that are named; the others are counted. */
const NAMED = 20;

interface Manner {
  style: Style;
  width?: number;
  /** All paths, and diffs in full. */
  verbose: boolean;
}

/** What two releases differ in, package by package. Pure. */
export function diffOutput(result: DiffResult, manner: Manner): string[] {
  const { from, to, packages, scripts, services, filesUnknown } = result;
  const { style } = manner;
  if (packages.length + scripts.length + services.length === 0) return [`Releases ${from} and ${to} do not differ.`];
  const places = [
    ...packages.map(({ id, changes }) => ({ where: id, changes })),
    { where: 'scripts', changes: scripts },
    ...services.map(({ what, key = '', ...values }) => ({ where: what, changes: [{ what: key, ...values }] })),
  ];
  return [
    `From release ${from} to ${to}`,
    ...changeTable(places, manner),
    ...packages.flatMap(({ id, files, diffs, diffsLeftOut = 0 }) => [
      ...(files ? ['', style.bold(`${id}: ${counted(files)}`)] : []),
      ...(files ? pathLines('+', files.added, style.good, manner) : []),
      ...(files ? pathLines('-', files.removed, style.bad, manner) : []),
      ...(files ? pathLines('~', files.changed, String, manner, modesOf(files.modes)) : []),
      ...diffs.flatMap(({ path, diff }) => diffLines({ what: path, diff }, style, manner.verbose)),
      ...(diffsLeftOut > 0
        ? ['', style.dim(`${id}: the lines of ${formatCount(diffsLeftOut, 'more file')} are not shown.`)]
        : []),
    ]),
    ...scripts.flatMap((change) => diffLines(change, style, manner.verbose)),
    ...(filesUnknown ? ['', 'Files are not compared: only machines of the environment can read the file system.'] : []),
  ];
}

function modesOf(modes: NonNullable<DiffResult['packages'][number]['files']>['modes']): Map<string, string> {
  return new Map(modes.map(({ path, before, after }) => [path, `  mode ${before} -> ${after}`]));
}

function counted({ added, removed, changed }: { added: string[]; removed: string[]; changed: string[] }): string {
  return `${added.length} added, ${removed.length} removed, ${changed.length} changed`;
}

function pathLines(
  mark: string,
  paths: readonly string[],
  look: (text: string) => string,
  { style, verbose }: Manner,
  modes: ReadonlyMap<string, string> = new Map(),
): string[] {
  const named = verbose ? paths : paths.slice(0, NAMED);
  const more = paths.length - named.length;
  return [
    ...named.map((path) => look(`${mark} ${shown(path)}`) + style.dim(modes.get(path) ?? '')),
    ...(more > 0 ? [style.dim(`${mark} ${more} more: --verbose names them.`)] : []),
  ];
}
