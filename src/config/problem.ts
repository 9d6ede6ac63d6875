import { type ErrorCode, PrestageError } from '../core/errors.js';
import { shownPath } from '../core/shown-path.js';
import type { KeyPath, Position, SourceFile } from './read/source-file.js';

/** One thing that is wrong in the configuration, where it is written. */
export interface Problem {
  path: KeyPath;
  expected: string;
  found: string;
  /** The valid name that is nearest to what was written. */
  nearest?: string | undefined;
  /** The part of the text that is wrong, where a text may be long. */
  excerpt?: string;
  /** Where that is; default: the line of the key. */
  position?: Position | undefined;
  /** Default: CONFIG_INVALID. */
  code?: ErrorCode;
}

const HINTS: Partial<Record<ErrorCode, string>> = {
  CONFIG_FILE_MISSING: "Paths are relative to the configuration's folder. Correct the path, or put the file there.",
  CONFIG_INPUT:
    'Set the variable for the same command, as in `NAME=value prestage deploy`, or give it a default under `inputs`.',
  CONFIG_CYCLE: 'Remove one `after` of the circle, so that one of these services can start first.',
  CONFIG_SCRIPT:
    'The first line of a script names its interpreter, such as #!/bin/sh, and ends with a line feed alone.',
  INTEGRITY_MISMATCH: 'If this is the file that you mean, correct `integrity`; if not, get the right file again.',
};

/** One error for all that is wrong; its code is the problems' own where they share one. */
export function problemsError(file: string, locate: SourceFile['locate'], problems: readonly Problem[]): PrestageError {
  const placed = problems.map((problem) => {
    const { line = locate(problem.path), column } = problem.position ?? {};
    return { ...problem, line, column, key: keyText(problem.path) };
  });
  placed.sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  const lines = placed.map((problem) => lineOf(file, problem));
  const codes = new Set(placed.map((problem) => problem.code ?? 'CONFIG_INVALID'));
  const [code = 'CONFIG_INVALID'] = codes.size === 1 ? codes : [];
  const { line, column, key, expected, found } = placed[0] ?? {};
  return new PrestageError(
    code,
    lines.length === 1 ? lines.join('') : `${lines.length} problems in the configuration:\n${lines.join('\n')}`,
    {
      hint:
        HINTS[code] ??
        `Correct ${shownPath(file)} and run the same command again; docs/configuration.md describes every key.`,
      context: {
        file,
        ...(line === undefined ? {} : { line }),
        ...(column === undefined ? {} : { column }),
        ...(key === undefined ? {} : { key }),
        ...(expected === undefined ? {} : { expected }),
        ...(found === undefined ? {} : { found }),
      },
    },
  );
}

interface Placed extends Problem {
  line: number | undefined;
  column: number | undefined;
  key: string;
}

function lineOf(file: string, problem: Placed): string {
  const place = [shownPath(file), problem.line, problem.column].filter((part) => part !== undefined).join(':');
  const nearest = problem.nearest === undefined ? '' : `; did you mean ${problem.nearest}?`;
  const key = problem.key === '' ? '' : `${problem.key}: `;
  return `${place}: ${key}expected ${problem.expected}, found ${problem.found}${nearest}`;
}

/** `packages.installer.steps[0].set.values["db.host"]` */
export function keyText(path: KeyPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    if (!/^[\w$-]+$/.test(step)) return `${text}[${JSON.stringify(step)}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}

/** What a value is, in the words of a configuration. Long text is cut. */
export function describe(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') {
    const keys = Object.keys(value);
    return keys.length === 0
      ? 'an empty map'
      : `a map of ${keys.slice(0, 4).join(', ')}${keys.length > 4 ? ', …' : ''}`;
  }
  if (typeof value === 'function') return 'a function';
  return `the ${typeof value === 'bigint' ? 'number' : typeof value} ${String(value)}`.replace('the boolean ', '');
}
