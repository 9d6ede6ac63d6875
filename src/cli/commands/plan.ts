import type { Command } from 'commander';
import { planTables } from '../output/tables/plan-tables.js';
import type { Run } from '../run.js';
import { examples } from './help-text.js';

interface Flags {
  updateLock?: boolean;
  refreshImage?: boolean;
  offline?: boolean;
  out?: string;
}

export function addPlan(program: Command, run: Run): void {
  program
    .command('plan')
    .description('show what deploy would do and why; changes nothing')
    .option('--update-lock', 'as if deploy had this flag')
    .option('--refresh-image', 'as if deploy had this flag')
    .option(
      '--offline',
      'ask neither the target nor the servers of sources: what the configuration and prestage.lock say',
    )
    .option('--out <folder>', 'write what would be deployed there, for review')
    .addHelpText(
      'after',
      examples(
        ['prestage plan', 'both phases, package by package and host by host'],
        ['prestage plan --env dev --offline', 'the release and its packages, without credentials or a network'],
        ['prestage plan --out review', 'also the recipes and the scripts that hosts run'],
      ),
    )
    .action((flags: Flags, command: Command) =>
      run(command, async (session) => {
        const { plan } = await import('../../deploy/index.js');
        const result = await plan({ ...session.options, ...flags });
        return { result, output: planTables(result, { ...session.table, verbose: session.flags.verbose }) };
      }),
    );
}
