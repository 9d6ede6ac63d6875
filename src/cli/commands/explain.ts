import type { Command } from 'commander';
import { explainOutput } from '../output/explain-lines.js';
import type { Run } from '../run.js';
import { examples } from './help-text.js';

export function addExplain(program: Command, run: Run): void {
  program
    .command('explain')
    .description('show where a file of a release comes from: its package, source, and each step that touched it')
    .argument('<path>', 'from the release on, or as hosts have it')
    .argument('[release]', 'default: the current one, or the one that was prepared last')
    .addHelpText('after', examples(['prestage explain opt/portal/conf/server.xml', 'in the current release']))
    .action((path: string, release: string | undefined, _flags: object, command: Command) =>
      run(command, async (session) => {
        const { explain } = await import('../../deploy/index.js');
        const result = await explain({ ...session.options, path, ...(release === undefined ? {} : { release }) });
        return {
          result,
          output: explainOutput(result, { style: session.table.style, verbose: session.flags.verbose }),
        };
      }),
    );
}
