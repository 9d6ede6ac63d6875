import { posix } from 'node:path';
import { formatNumber } from '../core/bytes.js';
import { addOldWork } from './add-old-work.js';
import { productName, uniqueName } from './names.js';
import type { Outside } from './outside.js';
import type { Proposal, ProposedPackage, ProposedService } from './proposal.js';
import { type FoundPatch, type Survey, TEMPLATE } from './survey.js';

export function isEmpty(found: Survey): boolean {
  return Object.values(found).every((each) => each.length === 0);
}

/** Pure: from the survey, and what was read of files for other tools. */
export function propose(found: Survey, { environments, hints, old }: Outside): Proposal {
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
    const about = `${format}, ${filesText(files.length)}${where}`;
    const inside = top === undefined ? files : files.map((name) => name.slice(top.length + 1));
    add({ source: path, about, ...(top === undefined ? {} : { strip: 1 }) }, inside);
  }
  for (const { path, files } of found.folders)
    add({ source: path, about: `a folder, ${filesText(files.length)}` }, files);
  for (const path of found.programs) add({ source: path, about: 'stays one file' });

  const unused: Proposal['unused'] = [];
  for (const patch of [...found.patches].sort(byPath)) fitPatch(patch, contents, unused);
  const read = new Set(environments.map(({ from }) => from));
  for (const path of found.settings) if (!read.has(path)) fitSettings(path, contents, unused);
  const translated = addOldWork({ packages, tops, found, old, unused });
  const services = servicesOf(
    found.scripts.filter((path) => !translated.has(path) && !TEMPLATE.test(path)),
    unused,
  );
  return { packages, services, environments, hints, read: [...translated], unused };
}

function filesText(count: number): string {
  return `${formatNumber(count)} file${count === 1 ? '' : 's'}`;
}

function byPath(a: FoundPatch, b: FoundPatch): number {
  return a.path.localeCompare(b.path, 'en', { numeric: true });
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
  let best: { item: ProposedPackage; strip: number; count: number } | undefined;
  for (const [item, files] of contents) {
    const there = new Set(files);
    for (let strip = 0; strip <= 4; strip += 1) {
      const count = names.filter((name) => there.has(name.split('/').slice(strip).join('/'))).length;
      if (count > (best?.count ?? 0)) best = { item, strip, count };
    }
  }
  const [first = ''] = names;
  if (best === undefined) unused.push({ path, why: `it changes ${first}, which nothing here holds` });
  else {
    const more = names.length > 1 ? ` and ${names.length - 1} more` : '';
    best.item.steps.push({
      kind: 'patch',
      from: path,
      strip: best.strip,
      about: `changes ${first.split('/').slice(best.strip).join('/')}${more}`,
    });
  }
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
