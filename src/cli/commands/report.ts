import type { Command } from 'commander';
import type { Run } from '../run.js';
import { examples } from './help-text.js';

export function addReport(program: Command, run: Run): void {
  program
    .command('report')
    .description('write one HTML page that explains a release: times, steps with diffs, files, hosts, what is new')
    .argument('[release]', 'default: the current one, or the one that was prepared last')
    .addHelpText(
      'after',
      examples(
        ['prestage report', 'the current release; prints where the page is'],
        ['prestage report 9b1c2d3e4f506172 --env dev', 'an earlier one, in an environment'],
      ),
    )
    .action((release: string | undefined, _flags: object, command: Command) =>
      run(command, async (session) => {
        const { report } = await import('../../deploy/index.js');
        const result = await report({ ...session.options, ...(release === undefined ? {} : { release }) });
        return { result, output: [result.report] };
      }),
    );
}
