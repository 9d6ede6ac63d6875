import { Command, Help, InvalidArgumentError } from 'commander';
import { version } from '../core/installation.js';
import { addCompletion } from './commands/completion.js';
import { addConfig } from './commands/config.js';
import { addDeploy } from './commands/deploy.js';
import { addDestroy } from './commands/destroy.js';
import { addDiff } from './commands/diff.js';
import { addDoctor } from './commands/doctor.js';
import { addExplain } from './commands/explain.js';
import { narrowItem } from './commands/help-text.js';
import { addInit } from './commands/init.js';
import { addLogs } from './commands/logs.js';
import { addPlan } from './commands/plan.js';
import { addPrune } from './commands/prune.js';
import { addReleases } from './commands/releases.js';
import { addReport } from './commands/report.js';
import { addRollback } from './commands/rollback.js';
import { addStatus } from './commands/status.js';
import { addSupport } from './commands/support.js';
import { addTest } from './commands/test.js';
import { addVerify } from './commands/verify.js';
import type { Surroundings } from './output/streams.js';
import type { Run } from './run.js';

/** All commands and their flags, and nothing of what they do: that is loaded when one runs. */
export function createProgram({
  run,
  surroundings: { stdout, stderr },
}: {
  run: Run;
  surroundings: Pick<Surroundings, 'stdout' | 'stderr'>;
}): Command {
  const program = new Command('prestage')
    .description(
      'Deploys installer-based software in two phases: files first, verified and published in one atomic step; then everything that runs on them.',
    )
    .version(version, '--version', 'print the version')
    .option('--env <name>', 'the environment; default: the only one there is, or local', notEmpty)
    .option('--config <file>', 'the configuration, or its folder; default: the working folder', notEmpty)
    .option('--json', 'one JSON object a line on stdout: events, and last the result')
    .option('--yes', 'do not ask before something is removed')
    .option('--no-color', 'no colours, and no live progress')
    .option('-v, --verbose', 'say more')
    .option('-q, --quiet', 'print only errors and the result')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .configureHelp({
      showGlobalOptions: true,
      minWidthToWrap: 20,
      formatItem(this: Help, ...[term, termWidth, description, helper]: Parameters<Help['formatItem']>) {
        const narrow = narrowItem(term, termWidth, description, helper.helpWidth ?? 80);
        return narrow ?? Help.prototype.formatItem.call(this, term, termWidth, description, helper);
      },
    })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      // Mistakes are reported as errors with a code; only help without a command comes here.
      writeErr: () => {},
      outputError: () => {},
      getOutHelpWidth: () => (stdout.isTTY ? (stdout.columns ?? 80) : 100),
      getErrHelpWidth: () => (stderr.isTTY ? (stderr.columns ?? 80) : 100),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  for (const add of [
    addInit,
    addConfig,
    addPlan,
    addDeploy,
    addStatus,
    addVerify,
    addReleases,
    addReport,
    addDiff,
    addExplain,
    addRollback,
    addPrune,
    addLogs,
    addDoctor,
    addTest,
    addDestroy,
    addSupport,
    addCompletion,
  ]) {
    add(program, run);
  }
  return program;
}

function notEmpty(value: string): string {
  if (value === '') throw new InvalidArgumentError('It must not be empty.');
  return value;
}

/** Every long flag of every command. */
export function longFlags(program: Command): string[] {
  const options = [program, ...program.commands].flatMap((command) => command.options);
  return ['--help', ...options.flatMap((option) => option.long ?? [])];
}
