import { posix } from 'node:path';
import { formatCount } from '../core/units.js';
import { addOldWork } from './add-old-work.js';
import { addCompose } from './compose.js';
import { comparePaths, productName, uniqueName } from './names.js';
import type { Outside } from './outside.js';
import type { Proposal, ProposedPackage, ProposedService } from './proposal.js';
import { type FoundPatch, type Survey, TEMPLATE } from './survey.js';

export function isEmpty(found: Survey): boolean {
  return Object.values(found).every((each) => each.length === 0);
}

/** Pure: from the survey, and what was read of files for other tools. */
export function propose(found: Survey, { environments, compose, old }: Outside): Proposal {
  const taken = new Set<string>();
  const contents = new Map<ProposedPackage, readonly string[]>();
  const tops = new Map<string, string>();
  const packages: ProposedPackage[] = [];
  const add = (item: Omit<ProposedPackage, 'id' | 'destination' | 'steps'>, files: readonly string[] = []) => {
    const id = uniqueName(productName(item.source), taken);
    const made = { ...item, id, destination: `opt/${id}`, steps: [] };
    contents.set(made, files);
    packages.push(made);
  };
  for (const { path, listing } of found.archives) {
    const { format, files, refused } = listing;
    if (refused) {
      add({
        source: path,
        extract: false,
        about: `kept as one file, since it cannot be extracted: ${refused.message}`,
      });
      continue;
    }
    const top = commonFolder(files);
    if (top !== undefined) tops.set(path, top);
    const where = top === undefined ? '' : `, all of them in ${top}/`;
    const about = `${format}, ${formatCount(files.length, 'file')}${where}`;
    const inside = top === undefined ? files : files.map((name) => name.slice(top.length + 1));
    add({ source: path, about, ...(top === undefined ? {} : { strip: 1 }) }, inside);
  }
  for (const { path, files } of found.folders)
    add({ source: path, about: `a folder, ${formatCount(files.length, 'file')}` }, files);
  for (const path of found.programs) add({ source: path, about: 'stays one file' });

  const unused: Proposal['unused'] = [];
  for (const patch of [...found.patches].sort((a, b) => comparePaths(a.path, b.path)))
    fitPatch(patch, contents, unused);
  const read = new Set(environments.map(({ from }) => from));
  for (const path of found.settings) if (!read.has(path)) fitSettings(path, contents, unused);
  const translated = addOldWork({ packages, tops, found, old, unused });
  const services = servicesOf(
    found.scripts.filter((path) => !translated.has(path) && !TEMPLATE.test(path)),
    unused,
  );
  const hints = addCompose(services, compose);
  return { packages, services, environments, hints, read: [...translated], unused };
}

/** The one folder that all files are in. */
function commonFolder(files: readonly string[]): string | undefined {
  const [first = ''] = files;
  const top = first.slice(0, first.indexOf('/'));
  return top !== '' && files.every((name) => name.startsWith(`${top}/`)) ? top : undefined;
}

/** To the package that holds most of the files that the patch names. Whether it applies is tried afterwards. */
function fitPatch(
  { path, names, fault }: FoundPatch,
  contents: ReadonlyMap<ProposedPackage, readonly string[]>,
  unused: Proposal['unused'],
): void {
  if (fault !== undefined) {
    unused.push({ path, why: fault });
    return;
  }
  const all = new Set(names);
  const places = [...contents].flatMap(([item, files]) => placeOf(all, { item, files: new Set(files) }) ?? []);
  const [best, ...others] = places.sort((a, b) => b.count - a.count);
  const [first = '', ...more] = all;
  if (best === undefined) {
    unused.push({ path, why: `it changes ${first}, which nothing here holds` });
    return;
  }
  best.item.steps.push({
    kind: 'patch',
    from: path,
    strip: best.strip,
    about: `changes ${stripped(first, best.strip)}${more.length > 0 ? ` and ${more.length} more` : ''}`,
    ...(others.length > 0 && { others: others.map(({ item, strip }) => ({ id: item.id, strip })) }),
  });
}

/** How many leading folders of the names are not the package's, where it holds some of them. */
function placeOf(
  names: ReadonlySet<string>,
  { item, files }: { item: ProposedPackage; files: ReadonlySet<string> },
): { item: ProposedPackage; strip: number; count: number } | undefined {
  const places = [0, 1, 2, 3, 4].map((strip) => ({
    item,
    strip,
    count: [...names].filter((name) => files.has(stripped(name, strip))).length,
  }));
  const best = places.reduce((most, place) => (place.count > most.count ? place : most));
  return best.count === 0 ? undefined : best;
}

function stripped(name: string, strip: number): string {
  return name.split('/').slice(strip).join('/');
}

/** Over a file of the same name, where only one package has one. */
function fitSettings(
  path: string,
  contents: ReadonlyMap<ProposedPackage, readonly string[]>,
  unused: Proposal['unused'],
): void {
  const name = posix.basename(path);
  const places = [...contents].flatMap(([item, files]) =>
    files.flatMap((file) => (posix.basename(file) === name ? [{ item, folder: posix.dirname(file) }] : [])),
  );
  const [place] = places;
  if (place === undefined || places.length > 1) {
    const why =
      place === undefined
        ? 'no package has a file of that name'
        : `${places.length} packages or folders have a file of that name`;
    unused.push({ path, why: `${why}: a \`copy\` step puts it where it belongs` });
    return;
  }
  const to = place.folder === '.' ? './' : `${place.folder}/`;
  place.item.steps.push({ kind: 'copy', from: path, to, about: `in place of the one that the package has` });
}

const RUN = /(^|[-_.])(run|start|serve|server|main)([-_.]|$)/i;
const BOOT = /(^|[-_.])(boot|install|setup|init|provision|bootstrap)([-_.]|$)/i;

function servicesOf(scripts: readonly string[], unused: Proposal['unused']): ProposedService[] {
  const services = new Map<string, ProposedService>();
  for (const path of scripts) {
    const stem = posix.basename(path).replace(/\.\w+$/, '');
    const kind = RUN.test(stem) ? 'run' : BOOT.test(stem) ? 'boot' : undefined;
    const name = productName(stem.replace(RUN, '-').replace(BOOT, '-')) || 'app';
    const known = services.get(name);
    if (kind === undefined || known?.[kind] !== undefined)
      unused.push({ path, why: 'a script: a service can have it as `boot` (once) or `run` (the program)' });
    else services.set(name, { ...known, name, [kind]: path });
  }
  return [...services.values()];
}
