import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { findConfig } from '../../config/index.js';
import { formatCount } from '../../core/units.js';
import type { Proposal, ProposedPackage, ProposedService, ProposedStep } from '../../starter/index.js';
import { shellWord } from '../invocation.js';
import type { Outcome } from '../output/reporter.js';
import type { Run } from '../run.js';
import type { Session } from '../session.js';
import { examples } from './help-text.js';

export function addInit(program: Command, run: Run): void {
  program
    .command('init')
    .description('write a configuration from what lies in a folder, with the scripts that deploy and try it')
    .argument('[folder]', 'created if missing; default: the working folder')
    .option('--example', 'a small product that runs on this machine, whatever lies there')
    .addHelpText(
      'after',
      examples(
        ['prestage init', 'from the archives, patches, scripts and settings that lie here'],
        ['prestage init portal && cd portal && prestage deploy', 'a small product that runs on this machine'],
      ),
    )
    .action((folder: string | undefined, flags: { example?: boolean }, command: Command) =>
      run(command, (session) => init(folder, flags.example ?? false, session)),
    );
}

async function init(folder: string | undefined, example: boolean, session: Session): Promise<Outcome> {
  const starter = await import('../../starter/index.js');
  const place = folder ?? '.';
  const found = example ? undefined : await starter.readFolder(place, session);
  const config = found && (await existing(place));
  if (found === undefined || config !== undefined) {
    const added = found && config ? await starter.proposeAdditions(place, found, { ...session, config }) : [];
    return outcomeOf(folder, await starter.writeStarter(place), session, { added });
  }
  const chosen = await choose(found, session);
  const written = await starter.writeProposal(place, chosen, session);
  return outcomeOf(folder, written, session, { proposal: chosen });
}

/** The configuration that the folder has, where it has one. */
async function existing(folder: string): Promise<{ name: string; text: string } | undefined> {
  const file = await findConfig(folder).catch(() => undefined);
  return file === undefined ? undefined : { name: basename(file), text: await readFile(file, 'utf8') };
}

/** A question for each thing, on a terminal; else all of them. */
async function choose(found: Proposal, { choose: ask }: Session): Promise<Proposal> {
  const packages: ProposedPackage[] = [];
  for (const item of found.packages) if (await ask(`Package ${item.id} from ${described(item)}?`)) packages.push(item);
  const services: ProposedService[] = [];
  for (const item of found.services) if (await ask(`Service ${item.name}: ${runs(item)}?`)) services.push(item);
  return { ...found, packages, services: services.map((item) => withKnown(item, services)) };
}

/** Without an order after services that were declined. */
function withKnown({ after, ...service }: ProposedService, known: readonly ProposedService[]): ProposedService {
  const names = after?.filter((name) => known.some((each) => each.name === name)) ?? [];
  return names.length === 0 ? service : { ...service, after: names };
}

function runs({ boot, run, port }: ProposedService): string {
  return [boot && `boot ${boot}`, run && `run ${run}`, port && `port ${port}`].filter(Boolean).join(', ');
}

/** In one line: what else is known stands in the configuration. */
function described({ source, about, steps }: ProposedPackage): string {
  const [found = ''] = about.split(';');
  const few = steps.length > MOST_STEPS ? `${steps.length} steps` : steps.map(fileOf).join(', ');
  return `${source} (${found}${few === '' ? '' : `; with ${few}`})`;
}

const MOST_STEPS = 2;

/** What a step is about, in a few words: the file that it takes, or what it does to which. */
function fileOf(step: ProposedStep): string {
  if ('from' in step) return step.from;
  return `${step.kind} of ${'files' in step ? step.files.join(', ') : step.file}`;
}

/** More than these fill the screen, and the configuration has them all. */
const MOST_NAMES = 6;

/** Files by their names, and of a script that was read how many lines. */
function notUsed(unused: Proposal['unused']): string[] {
  if (unused.length === 0) return [];
  const lines = new Map<string, number>();
  for (const { path } of unused) {
    const [, file, line] = /^(.*?)(:\d+)?$/.exec(path) ?? [];
    if (file !== undefined) lines.set(file, (lines.get(file) ?? 0) + (line === undefined ? 0 : 1));
  }
  const names = [...lines].map(([file, count]) => {
    return count === 0 ? file : `${formatCount(count, 'line')} of ${file}`;
  });
  const more = names.length > MOST_NAMES ? `, and ${names.length - MOST_NAMES} more` : '';
  return [`Not used: ${names.slice(0, MOST_NAMES).join(', ')}${more}. The end of prestage.config.yaml says why.`];
}

function outcomeOf(
  folder: string | undefined,
  { files, left }: { files: string[]; left: string[] },
  { program: prestage }: Session,
  { added = [], proposal }: { added?: string[]; proposal?: Proposal },
): Outcome {
  const next = folder === undefined ? `${prestage} deploy` : `cd ${shellWord(folder)} && ${prestage} deploy`;
  const failed = proposal?.packages.flatMap(({ steps }) => steps.filter(({ fault }) => fault !== undefined)) ?? [];
  return {
    result: {
      folder: folder ?? '.',
      files,
      left,
      ...(proposal && { proposal }),
      ...(added.length > 0 && { added }),
    },
    output: [...files, ...added],
    summary: [
      ...(left.length > 0 ? [`Left alone, as they are there already: ${left.join(', ')}.`] : []),
      ...(added.length > 0
        ? [
            'Lines with + are what the configuration could say of files that it does not name. Nothing of it was changed.',
          ]
        : []),
      ...failed.map((step) => `${fileOf(step)} is a comment in the configuration: ${step.fault}`),
      ...notUsed(proposal?.unused ?? []),
      `Wrote ${formatCount(files.length, 'file')}. Next: ${next}`,
    ],
  };
}
