import { expect, test } from 'vitest';
import { createProgram } from './program.js';

function helpOf(words: string[], columns: number): string {
  let text = '';
  const stream = { isTTY: true, columns, write: (more: string) => (text += more) } as never;
  const program = createProgram({ run: async () => {}, surroundings: { stdout: stream, stderr: stream } });
  expect(() => program.parse([...words, '--help'], { from: 'user' })).toThrow();
  return text;
}

const COMMANDS = [
  [],
  ...['init', 'plan', 'deploy', 'verify', 'prune', 'logs', 'test', 'destroy'].map((name) => [name]),
];

test.each([40, 60, 80, 200])('no line of help is wider than a terminal of %i columns', (columns) => {
  for (const command of COMMANDS) {
    const wide = helpOf(command, columns)
      .split('\n')
      .filter((line) => line.length > columns && !line.startsWith('Usage: '));
    expect(wide).toEqual([]);
  }
});

test('on a narrow terminal a description is under what it describes', () => {
  expect(helpOf(['prune'], 40)).toContain('  --keep <n>\n      how many of the newest releases to');
  expect(helpOf(['prune'], 40)).toContain('  prestage prune --dry-run\n      what would be removed, and what\n');
});
