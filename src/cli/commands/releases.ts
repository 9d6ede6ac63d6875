import type { Command } from 'commander';
import { releasesTable } from '../output/tables/store-tables.js';
import type { Run } from '../run.js';
import { examples } from './help-text.js';

export function addReleases(program: Command, run: Run): void {
  program
    .command('releases')
    .description('list the releases in the store, oldest first')
    .addHelpText('after', examples(['prestage releases', 'what can be rolled back to']))
    .action((_flags: object, command: Command) =>
      run(command, async (session) => {
        const { releases } = await import('../../deploy/index.js');
        const result = await releases(session.options);
        return { result, output: releasesTable(result, session.table) };
      }),
    );
}
