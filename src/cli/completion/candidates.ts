import type { Argument, Command, Option } from 'commander';

/** One way to go on, as a shell shows it. */
export interface Candidate {
  value: string;
  description: string;
}

/** `files` and `folders`: the shell completes paths by itself. */
export type Candidates = readonly Candidate[] | 'files' | 'folders';

/** Names that only the project knows, for `--env` and `--config` as they are given on the line. */
export interface ProjectNames {
  environments(place: Place): Promise<Candidate[]>;
  /** Services and packages. */
  parts(place: Place): Promise<Candidate[]>;
  /** Whose words `logs` shows. */
  speakers(place: Place): Promise<Candidate[]>;
  /** The newest first. */
  releases(place: Place): Promise<Candidate[]>;
}

export interface Place {
  env?: string;
  config?: string;
}

/** Whose values are names, by the option or the argument that takes them. */
const NAMES: Readonly<Record<string, keyof ProjectNames>> = {
  '--env': 'environments',
  '--only': 'parts',
  source: 'speakers',
  release: 'releases',
  from: 'releases',
  to: 'releases',
};
const PATHS: Readonly<Record<string, 'files' | 'folders'>> = {
  '--config': 'files',
  '--out': 'folders',
  folder: 'folders',
};

/** What may stand for `word`, the one under the cursor, after the words `before` it. */
export async function candidates(
  program: Command,
  { before, word }: { before: readonly string[]; word: string },
  names: ProjectNames,
): Promise<Candidates> {
  const line = understood(program, before);
  if (line.command === undefined) return []; // there is no such command
  const [, flag, typed = ''] = /^(--[^=]+)=(.*)$/s.exec(word) ?? [];
  const option = flag === undefined ? line.awaiting : line.options.find(({ long }) => long === flag);
  if (option && takesValue(option) && (flag !== undefined || !word.startsWith('-')))
    return starting(typed || (flag === undefined ? word : ''), await valuesOf(option, line.place, names), flag);
  if (word.startsWith('-') && !line.onlyArguments) return starting(word, line.options.flatMap(flagsOf));
  if (line.command === program || line.command.name() === 'help')
    return starting(word, commandsOf(program).map(nameOf));
  const argument = line.command.registeredArguments[line.words.length] as Argument | undefined;
  return argument ? starting(word, await valuesOf(argument, line.place, names)) : [];
}

interface Line {
  command: Command | undefined;
  /** Those of the command and of every command, without those that are given already. */
  options: readonly Option[];
  /** The arguments that the command was given. */
  words: readonly string[];
  /** The option whose value comes next, or may. */
  awaiting: Option | undefined;
  /** After `--`. */
  onlyArguments: boolean;
  place: Place;
}

function understood(program: Command, before: readonly string[]): Line {
  let command: Command | undefined = program;
  let awaiting: Option | undefined;
  let onlyArguments = false;
  const given = new Set<Option>();
  const words: string[] = [];
  const place: Record<string, string> = {};
  for (const word of before) {
    if (awaiting && !word.startsWith('-')) {
      place[awaiting.attributeName()] = word;
      if (!awaiting.variadic) awaiting = undefined;
    } else if (word === '--') {
      onlyArguments = true;
      awaiting = undefined;
    } else if (word.startsWith('-') && !onlyArguments) {
      const [flag, ...rest] = word.split('=');
      const option = optionsOf(program, command).find(({ long, short }) => flag === long || flag === short);
      if (option) given.add(option);
      if (option && rest.length > 0) place[option.attributeName()] = rest.join('=');
      awaiting = option && takesValue(option) && rest.length === 0 ? option : undefined;
    } else if (command === program) {
      command = commandsOf(program).find((item) => item.name() === word);
    } else words.push(word);
  }
  const options = optionsOf(program, command).filter((option) => option.variadic || !given.has(option));
  return { command, options, words, awaiting, onlyArguments, place };
}

/** With `help`. */
const commandsOf = (program: Command): Command[] => program.createHelp().visibleCommands(program);

const optionsOf = (program: Command, command = program): Option[] => [
  ...command.createHelp().visibleOptions(command),
  ...(command === program ? [] : program.options),
];

const takesValue = (option: Option): boolean => option.required || option.optional;

async function valuesOf(of: Option | Argument, place: Place, names: ProjectNames): Promise<Candidates> {
  const key = 'long' in of ? (of.long ?? '') : of.name();
  if (of.argChoices) return of.argChoices.map((value) => ({ value, description: '' }));
  const kind = NAMES[key];
  return kind === undefined ? (PATHS[key] ?? []) : names[kind](place);
}

/** Those that go on from what is typed; with the flag in front where that is in the same word. */
function starting(typed: string, all: Candidates, flag?: string): Candidates {
  if (typeof all === 'string') return all;
  const fitting = all.filter(({ value }) => value.startsWith(typed));
  return flag === undefined
    ? fitting
    : fitting.map(({ value, description }) => ({ value: `${flag}=${value}`, description }));
}

const nameOf = (command: Command): Candidate => ({ value: command.name(), description: command.description() });

const flagsOf = ({ long, description }: Option): Candidate[] => (long ? [{ value: long, description }] : []);
