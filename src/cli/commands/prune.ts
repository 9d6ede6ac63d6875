import type { Command } from 'commander';
import { formatBytes } from '../../core/bytes.js';
import { formatCount } from '../../core/units.js';
import type { PruneResult } from '../../deploy/index.js';
import { pruneTable } from '../output/tables/store-tables.js';
import type { Run } from '../run.js';
import { examples } from './help-text.js';
import { wholeNumber } from './whole-number.js';

interface Flags {
  keep: number;
  dryRun?: boolean;
  wait?: boolean;
}

export function addPrune(program: Command, run: Run): void {
  program
    .command('prune')
    .description(
      'remove old releases and the trees that only they hold; never what is current, deployed or being prepared',
    )
    .option('--keep <n>', 'how many of the newest releases to keep', wholeNumber, 3)
    .option('--dry-run', 'only show what would be removed')
    .option('--wait', 'wait for another run to end, rather than exit with 4')
    .addHelpText(
      'after',
      examples(
        ['prestage prune --dry-run', 'what would be removed, and what stays and why'],
        ['prestage prune --keep 5 --yes', 'without a question'],
      ),
    )
    .action(({ keep, dryRun = false, wait }: Flags, command: Command) =>
      run(command, async (session) => {
        const { planPrune, prune } = await import('../../deploy/index.js');
        const plan = await planPrune({ ...session.options, keep });
        const result: PruneResult = { ...plan, dryRun };
        const output = pruneTable(plan, session.table);
        const nothing = plan.remove.length === 0 && plan.trees.length === 0 && plan.aside.length === 0;
        const options = { ...session.options, ...(wait === undefined ? {} : { wait }), plan };
        if (nothing && !dryRun) await prune(options);
        if (dryRun || nothing) return { result, output, summary: nothing ? ['There is nothing to remove.'] : [] };
        const aside = plan.aside.length === 0 ? '' : ` and ${formatCount(plan.aside.length, 'thing')} moved aside`;
        const joint = aside === '' ? ' and ' : ', ';
        const what = `${formatCount(plan.remove.length, 'release')}${joint}${formatCount(plan.trees.length, 'tree')}${aside}, ${formatBytes(plan.bytes)}`;
        await session.confirm({ details: output, action: `This removes ${what}.` });
        await prune(options);
        // The person who was asked has read the table.
        return { result, output: session.flags.yes ? output : [], summary: [`Removed ${what}.`] };
      }),
    );
}
