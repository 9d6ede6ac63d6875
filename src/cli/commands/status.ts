import type { Command } from 'commander';
import { statusTables } from '../output/tables/status-tables.js';
import type { Run } from '../run.js';
import { examples } from './help-text.js';

export function addStatus(program: Command, run: Run): void {
  program
    .command('status')
    .description('show what is prepared, deployed and running, and what is only temporary')
    .addHelpText(
      'after',
      examples(
        ['prestage status', 'hosts, their releases and their state'],
        ['prestage status --json', 'the same for a program'],
      ),
    )
    .action((_flags: object, command: Command) =>
      run(command, async (session) => {
        const { status } = await import('../../deploy/index.js');
        const result = await status(session.options);
        return { result, output: statusTables(result, session.table) };
      }),
    );
}
