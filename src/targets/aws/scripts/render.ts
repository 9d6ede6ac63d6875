import { PrestageError } from '../../../core/errors.js';
import common from './common.sh?raw';
import { gzip } from './gzip.js';

/** What EC2 takes as user data, before base64, less what values may grow by that CloudFormation fills in. */
const MAX_BYTES = 15 * 1024;

export interface Parts {
  variables: Readonly<Record<string, string>>;
  /** Made for this script; written as they are. */
  functions?: string[];
  scripts: string[];
}

/** A script that is whole: variables, functions, what scripts share, and the scripts without comments and indentation. */
export function renderScript({ variables, functions = [], scripts }: Parts): string {
  return demandSize([...header(variables, functions), ...[common, ...scripts].map(compact), ''].join('\n'));
}

/** The same, with all but the variables packed: half as large. CloudFormation fills in values there, so they stay in clear. */
export function renderPackedScript({ variables, functions = [], scripts }: Parts): string {
  const packed = gzip([...functions, ...[common, ...scripts].map(compact)].join('\n')).toString('base64');
  return demandSize([...header(variables, []), `eval "$(echo ${packed} | base64 -d | gzip -d)"`, ''].join('\n'));
}

/** The same, with the comments and the indentation that a machine is spared. */
export function renderScriptInClear({ variables, functions = [], scripts }: Parts): string {
  return [...header(variables, functions), common, ...scripts].join('\n');
}

function header(variables: Readonly<Record<string, string>>, functions: string[]): string[] {
  return ['#!/bin/sh', ...Object.entries(variables).map(([name, value]) => `${name}=${quote(value)}`), ...functions];
}

function demandSize(text: string): string {
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_BYTES) return text;
  throw new PrestageError(
    'CONFIG_INVALID',
    `The user data of a machine would have ${bytes} bytes, and ${MAX_BYTES} is what EC2 leaves for it.`,
    { hint: 'Give its service fewer or shorter variables, and put what is large into a file that its script reads.' },
  );
}

/** A value as one word of POSIX sh, in which nothing is evaluated. */
export function quote(value: string): string {
  if (value.includes('\0')) throw new Error('a value for a shell script holds a NUL byte');
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/** User data is limited to 16 KiB, so indentation is stripped. Our scripts must not rely on it. */
function compact(script: string): string {
  return script
    .split('\n')
    .map((line) => line.trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .join('\n');
}
