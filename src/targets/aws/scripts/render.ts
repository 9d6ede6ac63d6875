import common from './common.sh?raw';

/** What EC2 takes as user data, before base64. */
const MAX_BYTES = 16 * 1024;

/**
 * A script that is whole: variables, functions made for it, what scripts share, and the scripts themselves without comments
 * and indentation.
 * @throws where it is larger than EC2's 16 KB
 */
export function renderScript(
  variables: Readonly<Record<string, string>>,
  functions: string[],
  scripts: string[],
): string {
  const header = Object.entries(variables).map(([name, value]) => `${name}=${quote(value)}`);
  const text = ['#!/bin/sh', ...header, ...functions, ...[common, ...scripts].map(compact), ''].join('\n');
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_BYTES) throw new Error(`user data has ${bytes} bytes, and EC2 takes ${MAX_BYTES}`);
  return text;
}

/** A value as one word of POSIX sh, in which nothing is evaluated. */
export function quote(value: string): string {
  if (value.includes('\0')) throw new Error('a value for a shell script holds a NUL byte');
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/** Space is scarce. Nothing in a script of ours may so depend on how its lines begin. */
function compact(script: string): string {
  return script
    .split('\n')
    .map((line) => line.trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .join('\n');
}
