import { isAbsolute, relative, resolve, sep } from 'node:path';
import type { PrestageError } from '../../core/errors.js';
import type { Reporter } from './reporter.js';
import type { OutputStream } from './streams.js';
import { shownLines } from './text/shown.js';

/**
 * A reporter that also writes each error as GitHub's runner reads it, which shows it at its line of the configuration. On stderr:
 * the runner reads both streams, and stdout may be JSON.
 * https://docs.github.com/actions/reference/workflow-commands-for-github-actions#setting-an-error-message
 */
export function annotating(
  reporter: Reporter,
  { stderr, env }: { stderr: OutputStream; env: Readonly<Record<string, string | undefined>> },
): Reporter {
  if (env.GITHUB_ACTIONS !== 'true') return reporter;
  return {
    emit: reporter.emit,
    settle: reporter.settle,
    succeed(outcome) {
      reporter.succeed(outcome);
      if (outcome.error) tell(outcome.error);
    },
    fail(error, result) {
      reporter.fail(error, result);
      tell(error);
    },
  };

  function tell(error: PrestageError): void {
    const errors = error.errors.length > 0 ? error.errors : [error];
    for (const each of errors) stderr.write(`${annotation(each, env.GITHUB_WORKSPACE)}\n`);
  }
}

/** `::error file=prestage.config.yaml,line=6,title=STEP_NO_EFFECT::…` Pure. */
export function annotation({ code, message, hint, context }: PrestageError, workspace = process.cwd()): string {
  const { configFile, configLine, file, line } = context;
  const place = typeof configFile === 'string' ? { file: configFile, line: configLine } : { file, line };
  const path = typeof place.file === 'string' ? inWorkspace(place.file, workspace) : undefined;
  const properties = [
    ...(path === undefined ? [] : [`file=${property(path)}`]),
    ...(path === undefined || typeof place.line !== 'number' ? [] : [`line=${place.line}`]),
    `title=${property(code)}`,
  ];
  return `::error ${properties.join(',')}::${data(shownLines([message, ...(hint === undefined ? [] : [hint])].join('\n')))}`;
}

/** Undefined for a file that is not of the repository: the runner has no place to show it at. */
function inWorkspace(file: string, workspace: string): string | undefined {
  const path = relative(workspace, resolve(file));
  return path === '' || path.startsWith('..') || isAbsolute(path) ? undefined : path.split(sep).join('/');
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
