import type { Proposal, ProposedEnvironment, ProposedPackage, ProposedService, ProposedStep } from './proposal.js';

/** The proposal as a configuration, with a comment for each thing that says what was found. */
export function configText(name: string, proposal: Proposal): string {
  const { packages, services, environments, hints, read, unused } = proposal;
  const lines = [
    '# yaml-language-server: $schema=./node_modules/prestage/schema/prestage.schema.json',
    '#',
    '# Written by `prestage init` from what lies in this folder. Paths are relative to it. Read it, and change what is not so.',
    '# `prestage plan` says what `prestage deploy` would do. Keep prestage.lock in version control, and .prestage/ out of it.',
    '',
    `name: ${name}`,
    '',
    ...(packages.length === 0 ? [] : ['packages:', ...packagesText(packages).map((line) => `  ${line}`), '']),
    ...servicesText(services, hints),
    'environments:',
    '  local: { target: local }',
    ...environments.flatMap(environmentText),
    ...(read.length === 0 ? [] : ['', '# Read, for the lines in them that lay out files:']),
    ...read.map((path) => `# - ${oneLine(path)}`),
    ...(unused.length === 0 ? [] : ['', '# Found, and not used:']),
    ...unused.map(({ path, why }) => `# - ${oneLine(`${path}: ${why}`)}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** @param options.from what goes before each path */
export function packagesText(packages: readonly ProposedPackage[], { from = '' } = {}): string[] {
  return packages.flatMap(({ id, source, about, strip, extract, destination, steps }) => [
    `# ${oneLine(about)}`,
    `${id}:`,
    `  source: ${scalar(from + source)}`,
    ...(strip === undefined ? [] : [`  extract: { strip: ${strip} }`]),
    ...(extract === undefined ? [] : ['  extract: false']),
    `  destination: ${scalar(destination)}`,
    // A list of comments alone would be no list.
    ...(steps.length === 0 ? [] : steps.some(({ fault }) => fault === undefined) ? ['  steps:'] : ['  # steps:']),
    ...stepsLines(steps, from).map((line) => `    ${line}`),
  ]);
}

/** Longer ones have their comment above them. */
const LONG_LINE = 110;

export function stepsLines(steps: readonly ProposedStep[], from = ''): string[] {
  return steps.flatMap((step) => {
    const line = `- ${stepText(step, from)}`;
    const about = `# ${oneLine(step.about)}`;
    if (step.fault !== undefined)
      return [`# ${line}`, `#   ${oneLine(`${step.about}; tried, and failed: ${step.fault}`)}`];
    return line.length + about.length > LONG_LINE ? [about, line] : [`${line} ${about}`];
  });
}

function stepText(step: ProposedStep, from: string): string {
  switch (step.kind) {
    case 'copy':
      return `copy: { from: ${scalar(from + step.from)}, to: ${scalar(step.to)} }`;
    case 'patch': {
      const file = scalar(from + step.from);
      return step.strip === 1 ? `patch: ${file}` : `patch: { file: ${file}, strip: ${step.strip} }`;
    }
    case 'replace': {
      const { files, search, to, regex } = step;
      const [only = ''] = files;
      const where = files.length === 1 ? scalar(only) : `[${files.map(scalar).join(', ')}]`;
      const kind = regex ? ', regex: true' : '';
      return `replace: { files: ${where}, from: ${JSON.stringify(search)}, to: ${JSON.stringify(to)}${kind} }`;
    }
    case 'extract': {
      const strip = step.strip === 0 ? '' : `, strip: ${step.strip}`;
      return `extract: { file: ${scalar(step.file)}, to: ${scalar(step.to)}${strip} }`;
    }
    case 'chmod':
      return `chmod: { files: ${scalar(step.file)}, mode: "${step.mode}" }`;
    case 'remove':
      return `remove: ${scalar(step.file)}`;
  }
}

export function servicesLines(services: readonly ProposedService[]): string[] {
  return services.flatMap(({ name, boot, run, about, after, port, health }) => [
    ...(about === undefined ? [] : [`# as ${oneLine(about)}`]),
    `${name}:`,
    ...(boot === undefined ? [] : [`  boot: ${scalar(boot)} # once on each new host`]),
    ...(run === undefined ? [] : [`  run: ${scalar(run)} # the program, in the foreground`]),
    ...(after === undefined ? [] : [`  after: [${after.join(', ')}]`]),
    ...(port === undefined ? [] : [`  port: ${port}`]),
    ...(health === undefined ? [] : [`  health: { http: ${scalar(health)} }`]),
    ...(run === undefined || port !== undefined
      ? []
      : ['  # port: 8080 and health: { http: / } say when it counts as started']),
  ]);
}

function servicesText(services: readonly ProposedService[], hints: readonly string[]): string[] {
  const lines = servicesLines(services).map((line) => `  ${line}`);
  const more = hints.map((hint) => `  # ${oneLine(hint)}`);
  if (lines.length > 0) return ['services:', ...lines, ...more, ''];
  return more.length === 0 ? [] : ['# services:', ...more.map((line) => line.slice(2).replace(/^# /, '#   ')), ''];
}

function environmentText({ name, region, vpcCidr, values = {}, from }: ProposedEnvironment): string[] {
  const cidr = vpcCidr === undefined ? '' : `, vpcCidr: ${vpcCidr}`;
  const written = Object.entries(values).map(
    ([key, value]) => `${key}: ${typeof value === 'string' ? scalar(value) : value}`,
  );
  return [
    `  ${name}: { target: aws, region: ${region}${cidr} } # as ${oneLine(from)} says`,
    // One that no text uses would be an error.
    ...(written.length === 0
      ? []
      : [
          `    # Its braces may have these of that file too, once a text uses them (\${values.${Object.keys(values)[0]}}):`,
          `    # values: { ${oneLine(written.join(', '))} }`,
        ]),
  ];
}

/** Plain where every reader takes it for the same text, else in quotes: JSON is YAML. */
function scalar(text: string): string {
  return /^([A-Za-z_./]|\d[\w-]*\.[A-Za-z]{3})[\w./+@-]*$/.test(text) &&
    !/^(true|false|null|yes|no|on|off|y|n|\.\w+|[\d.]+(e[\d+-]+)?)$/i.test(text)
    ? text
    : JSON.stringify(text);
}

/** Nothing that ends a comment, or shows as something other than it is. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
}
