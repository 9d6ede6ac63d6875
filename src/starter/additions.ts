import { posix } from 'node:path';
import { unifiedDiff } from '../core/unified-diff.js';
import { packagesText, servicesLines, stepsLines } from './config-text.js';
import { Insertions, indented } from './insertions.js';
import { uniqueName } from './names.js';
import type { Proposal, ProposedPackage, ProposedService, ProposedStep } from './proposal.js';

/** What a configuration does not say yet. */
export interface Missing {
  packages: ProposedPackage[];
  services: ProposedService[];
  /** Steps of packages that it has. */
  steps: { source: string; steps: ProposedStep[] }[];
}

/** The packages, services and steps whose files are not named in the text of a configuration, not in its comments either. */
export function missingIn(config: string, { packages, services }: Proposal): Missing {
  const isNamed = namesIn(config);
  const known = packages.filter(({ source }) => isNamed(source));
  const fresh = (step: ProposedStep) => 'from' in step && !isNamed(step.from);
  return {
    packages: packages.filter((item) => !known.includes(item)),
    services: services.filter(({ boot, run }) => ![boot, run].some((path) => path !== undefined && isNamed(path))),
    steps: known.flatMap(({ source, steps }) => {
      const wanted = steps.filter(fresh);
      return wanted.length === 0 ? [] : [{ source, steps: wanted }];
    }),
  };
}

/**
 * What would be added to a configuration: as a unified diff where it is YAML that lines can be put into, else the lines, each
 * with a plus. Empty where nothing is missing.
 * @param file.name its name, which says whether it is YAML
 */
export function additions(file: { name: string; text: string }, missing: Missing): string[] {
  const { packages, services, steps } = missing;
  if (packages.length + services.length + steps.length === 0) return [];
  const after = /\.ya?ml$/.test(file.name) ? withMissing(file.text, missing) : undefined;
  if (after !== undefined) return [`--- ${file.name}`, `+++ ${file.name}`, ...unifiedDiff(file.text, after)];
  const lines = [
    ...(packages.length === 0 ? [] : ['packages:', ...indented(packagesText(packages), 2)]),
    ...(services.length === 0 ? [] : ['services:', ...indented(servicesLines(services), 2)]),
    ...steps.flatMap((item) => [`# steps of the package from ${item.source}:`, ...stepsLines(item.steps)]),
  ];
  return lines.map((line) => `+ ${line}`);
}

/** Undefined where it cannot be done without writing lines again. */
function withMissing(text: string, { packages, services, steps }: Missing): string | undefined {
  const config = new Insertions(text);
  for (const item of steps) {
    const id = config
      .keysOf(['packages'])
      .find((key) => isSame(config.textAt(['packages', key, 'source']), item.source));
    if (id === undefined) return undefined;
    config.intoList(['packages', id, 'steps'], stepsLines(item.steps));
  }
  const ids = new Set(config.keysOf(['packages']));
  const renamed = packages.map((item) => {
    const id = uniqueName(item.id, ids);
    return id === item.id ? item : { ...item, id, destination: `opt/${id}` };
  });
  const names = new Set(config.keysOf(['services']));
  const named = services.map((item) => ({ ...item, name: uniqueName(item.name, names) }));
  if (renamed.length > 0) config.intoMap('packages', packagesText(renamed));
  if (named.length > 0) config.intoMap('services', servicesLines(named));
  return config.result();
}

/** Whether a path stands in a text by itself: `on` is not in `version`. */
function namesIn(text: string): (path: string) => boolean {
  const words = new Set((text.match(/[\w./+@-]+/g) ?? []).map((word) => plain(word)));
  return (path) => (/^[\w./+@-]+$/.test(path) ? words.has(plain(path)) : text.includes(path));
}

function isSame(a: string | undefined, b: string): boolean {
  return a !== undefined && plain(a) === plain(b);
}

function plain(path: string): string {
  return posix
    .normalize(path)
    .replace(/\/+$/, '')
    .replace(/[.:,]$/, '');
}
