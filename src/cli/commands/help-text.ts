/** The examples at the end of a command's help: what it is for, by command lines that do it. */
export function examples(...lines: readonly (readonly [commandLine: string, does: string])[]): string {
  const width = Math.max(...lines.map(([commandLine]) => commandLine.length));
  return `\nExamples:\n${lines.map(([commandLine, does]) => `  ${commandLine.padEnd(width)}  ${does}`).join('\n')}`;
}
