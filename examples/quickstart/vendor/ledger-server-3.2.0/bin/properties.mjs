// Reads a properties file: key=value lines, comments with '#'.
import { readFileSync } from 'node:fs';

export function readProperties(path) {
  const lines = readFileSync(path, 'utf8').split(/\r?\n/);
  const pairs = lines.filter((line) => /^[^#=]+=/.test(line)).map((line) => line.split(/=(.*)/s, 2).map((part) => part.trim()));
  return Object.fromEntries(pairs);
}
