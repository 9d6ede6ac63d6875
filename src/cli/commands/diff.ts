import type { Command } from 'commander';
import { diffOutput } from '../output/diff-lines.js';
import type { Run } from '../run.js';
import { examples } from './help-text.js';

export function addDiff(program: Command, run: Run): void {
  program
    .command('diff')
    .description('show what two releases differ in: packages, steps, scripts, services, files and their lines')
    .argument('<from>', 'a release')
    .argument('[to]', 'another one; default: the current one')
    .addHelpText(
      'after',
      examples(
        ['prestage diff 9b1c2d3e4f506172', 'what is new since that release'],
        ['prestage diff 9b1c2d3e4f506172 -v', 'all paths, and diffs in full'],
      ),
    )
    .action((from: string, to: string | undefined, _flags: object, command: Command) =>
      run(command, async (session) => {
        const { diff } = await import('../../deploy/index.js');
        const result = await diff({ ...session.options, from, ...(to === undefined ? {} : { to }) });
        return { result, output: diffOutput(result, { ...session.table, verbose: session.flags.verbose }) };
      }),
    );
}
