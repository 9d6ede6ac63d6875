import { asPrestageError, PrestageError } from '../core/errors.js';
import type { Emit } from '../core/events.js';
import type { CommandOptions } from '../deploy/index.js';
import { choose, confirm, type Question } from './confirm.js';
import { Interruption } from './interruption.js';
import { invocation, shellWord } from './invocation.js';
import { annotating } from './output/annotations.js';
import { callingBack } from './output/as-called.js';
import { discreet } from './output/discreet.js';
import { HumanReporter } from './output/human-reporter.js';
import { jsonReporter } from './output/json-reporter.js';
import type { Outcome, Reporter } from './output/reporter.js';
import { flushed, type Surroundings, tolerant } from './output/streams.js';
import { styleFor, textWidth } from './output/text/appearance.js';
import type { Style } from './output/text/style.js';
import { exitProcess } from './own-process.js';

/** The flags that every command has. */
export interface GlobalFlags {
  env?: string;
  config?: string;
  json: boolean;
  yes: boolean;
  color: boolean;
  verbose: boolean;
  quiet: boolean;
}

/** What a command works with. */
export interface Session {
  readonly flags: GlobalFlags;
  readonly emit: Emit;
  readonly signal: AbortSignal;
  /** What every function of deploy/ is given. */
  readonly options: CommandOptions;
  /** How tables on stdout look; a width only on a terminal, so that in a pipe each row is one line. */
  readonly table: { style: Style; width?: number };
  /** How the summary on stderr looks. */
  readonly style: Style;
  /** Asks before something is removed, unless `--yes`. */
  confirm(question: Question): Promise<void>;
  /** Asks on a terminal whether something is wanted, where yes is usual: yes without a terminal, and with `--yes`. */
  choose(question: string): Promise<boolean>;
  /** What an interrupted command says that cleans up after itself: what is left then, however often it was interrupted. */
  onInterrupt(left: () => string): void;
  /** How a shell calls this Prestage again: `prestage`, or `npx prestage`. */
  readonly program: string;
  /** Another command of the same project: `prestage status --env dev`. */
  commandLine(rest: string): string;
}

export type Work = (session: Session) => Promise<Outcome>;

export interface CommandTraits {
  name: string;
  /** The command only prints: it ends when its stdout is closed. */
  endsWithReader?: boolean;
  /** It goes on until it is interrupted: that is no failure, and only the exit status tells of it. */
  endsWithInterrupt?: boolean;
}

/** Runs a command's work, tells what happens and what it came to, and gives the exit status. Never throws. */
export async function runSession(
  traits: CommandTraits,
  flags: GlobalFlags,
  surroundings: Surroundings,
  work: Work,
): Promise<number> {
  const interruption = new Interruption();
  const streams = {
    ...surroundings,
    stdout: tolerant(surroundings.stdout, () => traits.endsWithReader && interruption.readerLeft()),
    stderr: tolerant(surroundings.stderr),
  };
  const { program, commandLine } = callerOf(flags, streams.env);
  const reporter = callingBack(reporterFor(traits.name, flags, streams), commandLine);
  let told = false;
  const failed = (error: PrestageError) => {
    told = true;
    reporter.fail(error);
    return error.exitStatus;
  };
  const unwarn = takeWarnings((message) => flags.verbose && reporter.emit({ type: 'warning', message }));
  const ended = () => {
    reporter.settle();
    if (!told) process.exitCode = failed(endedEarly());
  };
  process.on('exit', ended);
  /** Nobody caught it, and Node would print it as it is: a stack, with whatever secret is in it. */
  const crashed = (thrown: unknown) => {
    const error = asPrestageError(thrown);
    const status = failed(error);
    // Where stdout itself failed (it may be a file on a full disk), the result did not get there.
    if (flags.json) streams.stderr.write(`error ${error.code}: ${error.message}\n`);
    exitProcess(status);
  };
  process.on('uncaughtException', crashed);
  const unlisten = interruption.listen({
    first: () =>
      traits.endsWithInterrupt ||
      reporter.emit({ type: 'notice', message: 'Stopping. Press Ctrl-C again to stop immediately.' }),
    second: () => exitProcess(failed(interruption.error())),
  });
  try {
    const outcome = await work(newSession(flags, streams, reporter, { interruption, program, commandLine }));
    reporter.succeed(outcome);
    return outcome.error?.exitStatus ?? 0;
  } catch (error) {
    if (interruption.received && traits.endsWithInterrupt && !flags.json) return interruption.error().exitStatus;
    if (interruption.signal.aborted) return interruption.received ? failed(interruption.error()) : 0;
    return failed(asPrestageError(error));
  } finally {
    unlisten();
    unwarn();
    process.off('exit', ended);
    process.off('uncaughtException', crashed);
    await Promise.all([flushed(streams.stdout), flushed(streams.stderr)]);
  }
}

/** Nothing that waits for something may let the process end, but whatever does, there is a result. */
function endedEarly(): PrestageError {
  return new PrestageError('INTERNAL', 'The process ended before the command did.', {
    hint: 'A configuration that is a program may have ended it; if it has not, this is a defect of Prestage: report it.',
  });
}

/** Node writes its warnings (of experimental features) into whatever is drawn; who wants them asks with --verbose. */
function takeWarnings(say: (message: string) => void): () => void {
  const listeners = process.listeners('warning');
  const listener = (warning: Error) => say(`${warning.name}: ${warning.message}`);
  process.removeAllListeners('warning').on('warning', listener);
  return () => {
    process.off('warning', listener);
    for (const former of listeners) process.on('warning', former);
  };
}

export function reporterFor(command: string, flags: GlobalFlags, surroundings: Surroundings): Reporter {
  return discreet(annotating(plainReporter(command, flags, surroundings), surroundings));
}

function plainReporter(command: string, flags: GlobalFlags, surroundings: Surroundings): Reporter {
  if (!flags.json) return new HumanReporter(surroundings, flags);
  const json = jsonReporter(surroundings.stdout, command);
  if (!flags.verbose) return json;
  // stdout is for programs, all of it; a person who wants to see more looks at stderr.
  const human = new HumanReporter({ ...surroundings, stdout: surroundings.stderr }, flags);
  return {
    emit(event) {
      json.emit(event);
      human.emit(event);
    },
    settle: human.settle,
    succeed: json.succeed,
    fail(error) {
      human.fail(error);
      json.fail(error);
    },
  };
}

function newSession(
  flags: GlobalFlags,
  surroundings: Surroundings,
  reporter: Reporter,
  { interruption, program, commandLine }: Pick<Session, 'program' | 'commandLine'> & { interruption: Interruption },
): Session {
  const { stdout, stderr, env } = surroundings;
  const { signal } = interruption;
  const emit: Emit = (event) => {
    interruption.watch(event);
    reporter.emit(event);
  };
  return {
    flags,
    emit,
    signal,
    options: {
      emit,
      signal,
      ...(flags.config === undefined ? {} : { config: flags.config }),
      ...(flags.env === undefined ? {} : { environment: flags.env }),
    },
    table: { style: styleFor(stdout, flags, env), ...(stdout.isTTY ? { width: textWidth(stdout) } : {}) },
    style: styleFor(stderr, flags, env),
    async confirm(question) {
      if (flags.yes) return;
      reporter.settle();
      await confirm(question, surroundings, { mayAsk: !flags.json, signal });
    },
    async choose(question) {
      if (flags.yes || flags.json) return true;
      reporter.settle();
      return choose(question, surroundings, { signal });
    },
    onInterrupt(left) {
      interruption.left = left;
    },
    program,
    commandLine,
  };
}

/** How this command was called: what another one of the same project needs to be called alike. */
function callerOf(
  { config, env }: GlobalFlags,
  environment: Surroundings['env'],
): Pick<Session, 'program' | 'commandLine'> {
  const program = invocation(environment);
  return {
    program,
    commandLine(rest) {
      const place = [
        ...(config === undefined ? [] : ['--config', shellWord(config)]),
        ...(env === undefined || rest.includes('--env ') ? [] : ['--env', shellWord(env)]),
      ];
      return [program, rest, ...place].join(' ');
    },
  };
}
