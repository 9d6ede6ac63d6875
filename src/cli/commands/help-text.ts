import type { Command } from 'commander';
import { folded, wrap } from '../output/text/wrap.js';

/** The examples at the end of a command's help: what it is for, by command lines that do it. */
export function examples(
  ...lines: readonly (readonly [commandLine: string, does: string])[]
): (context: { command: Command }) => string {
  return ({ command }) => {
    const width = command.configureOutput().getOutHelpWidth?.() ?? 80;
    const widest = Math.max(...lines.map(([commandLine]) => commandLine.length));
    const fits = lines.every(([, does]) => 2 + widest + 2 + does.length <= width);
    const shown = lines.flatMap(([commandLine, does]) =>
      fits
        ? [`  ${commandLine.padEnd(widest)}  ${does}`]
        : [...folded(`  ${commandLine}`, width), ...below(does, width)],
    );
    return `\nExamples:\n${shown.join('\n')}`;
  };
}

/** What a description is given at least, in columns, beside what it describes. */
const LEAST_ROOM = 24;

/** As Commander lays out a flag or a command; where that leaves no room, its description is under it. */
export function narrowItem(term: string, termWidth: number, description: string, width: number): string | undefined {
  if (description === '' || width - termWidth - 4 >= LEAST_ROOM) return undefined;
  return [...folded(`  ${term}`, width), ...below(description, width)].join('\n');
}

function below(text: string, width: number): string[] {
  return wrap(text, width - 6).map((line) => `      ${line}`);
}
