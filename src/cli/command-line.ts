import { type Command, CommanderError } from 'commander';
import { PrestageError } from '../core/errors.js';
import type { Surroundings } from './output/streams.js';
import { exitProcess, ownProcess } from './own-process.js';
import { normalizeArguments } from './powershell-spelling.js';
import { createProgram, longFlags } from './program.js';
import { type GlobalFlags, reporterFor, runSession, type Work } from './session.js';

const NO_FLAGS: GlobalFlags = { json: false, yes: false, color: true, verbose: false, quiet: false };

/** The command line, from its arguments to the exit of the process. */
export async function runCommandLine(args: readonly string[]): Promise<void> {
  const status = await execute(args, ownProcess());
  // Explicitly: a connection that is still open somewhere must not keep a finished command waiting.
  exitProcess(status);
}

/** Runs a command line in the given surroundings and gives its exit status. */
export async function execute(args: readonly string[], surroundings: Surroundings): Promise<number> {
  let status = 0;
  const program = createProgram({
    async run(command: Command, work: Work, traits = {}) {
      status = await runSession(
        { name: command.name(), ...traits },
        { ...NO_FLAGS, ...command.optsWithGlobals<Partial<GlobalFlags>>() },
        surroundings,
        work,
      );
    },
    surroundings,
  });
  const normalized = normalizeArguments(args, longFlags(program));
  try {
    await program.parseAsync(normalized, { from: 'user' });
    return status;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and the version were asked for and are written; everything else is a mistake in the arguments.
    if (error.exitCode === 0) return 0;
    const failure = usageError(error, program, normalized);
    const flags = { ...NO_FLAGS, json: hasFlag(normalized, '--json'), color: !hasFlag(normalized, '--no-color') };
    if (error.code === 'commander.help' && !flags.json) {
      const shown = await showProject({ ...flags, ...program.opts<Partial<GlobalFlags>>() }, surroundings);
      if (shown !== undefined) return shown;
      surroundings.stderr.write(program.helpInformation());
    } else reporterFor(commandName(program, normalized) ?? '', flags, surroundings).fail(failure);
    return failure.exitStatus;
  }
}

/** `prestage` alone, in a project: its state, and what to do next. Undefined where there is no project. */
async function showProject(flags: GlobalFlags, surroundings: Surroundings): Promise<number | undefined> {
  const { findConfig } = await import('../config/index.js');
  const isThere = await findConfig(flags.config ?? process.cwd()).catch((error: unknown) => error);
  if (isThere instanceof PrestageError && isThere.code === 'CONFIG_NOT_FOUND') return undefined;
  return runSession({ name: '' }, flags, surroundings, async (session) => {
    const { overview } = await import('../deploy/index.js');
    const result = await overview(session.options);
    const { overviewLines } = await import('./output/overview-lines.js');
    return { result, output: overviewLines(result, { ...session, style: session.table.style }) };
  });
}

function usageError(error: CommanderError, program: Command, args: readonly string[]): PrestageError {
  const [, what = '', similar = ''] =
    /^(?:error: )?(.*?)\s*(?:\(Did you mean (?:one of )?(.*?)\?\))?$/s.exec(error.message) ?? [];
  // commander finds "logs" similar to "bogus"; the first letter is the one that is seldom mistyped.
  const written = /'-*([^'])/.exec(what)?.[1];
  const nearest = similar.split(', ').filter((name) => name.replace(/^-+/, '')[0] === written);
  const command = commandName(program, args);
  const known = command !== undefined && program.commands.some((item) => item.name() === command);
  const help = known ? `prestage ${command} --help` : 'prestage --help';
  const message =
    error.code === 'commander.help'
      ? 'No command was given.'
      : (excessArguments(error, program, command) ??
        `${what.charAt(0).toUpperCase()}${what.slice(1).replace(/\.?$/, '.')}`);
  return new PrestageError('USAGE', message, {
    hint: `${nearest.length === 0 ? '' : `Did you mean ${nearest.join(' or ')}? `}\`${help}\` says what there is.`,
  });
}

/** commander counts them; what helps is to see them. */
function excessArguments(error: CommanderError, program: Command, name: string | undefined): string | undefined {
  const command = program.commands.find((item) => item.name() === name);
  if (error.code !== 'commander.excessArguments' || !command) return undefined;
  const { length } = command.registeredArguments;
  const extra = command.args.slice(length).map((word) => `'${word}'`);
  const taken = length === 0 ? 'no arguments' : length === 1 ? 'one argument' : `${length} arguments`;
  return `'${name}' takes ${taken}, and was ${length === 0 ? '' : 'also '}given ${extra.join(', ')}.`;
}

/** The command that was meant, known or not. */
function commandName(program: Command, args: readonly string[]): string | undefined {
  const takesValue = new Set(program.options.filter((option) => option.required).map((option) => option.long));
  const words = args.filter((arg, i) => !arg.startsWith('-') && !takesValue.has(args[i - 1]));
  return words[0];
}

function hasFlag(args: readonly string[], flag: string): boolean {
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  return args.slice(0, end).includes(flag);
}
