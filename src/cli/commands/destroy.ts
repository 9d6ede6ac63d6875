import type { Command } from 'commander';
import { destroyQuestion } from '../output/summaries.js';
import type { Run } from '../program.js';
import { examples } from './help-text.js';

interface Flags {
  purge?: boolean;
  wait?: boolean;
}

export function addDestroy(program: Command, run: Run): void {
  program
    .command('destroy')
    .description("stop and remove what was deployed; keeps the store and the database's data")
    .option('--purge', "also remove the store and the database's data")
    .option('--wait', 'wait for another run to end, rather than exit with 4')
    .addHelpText(
      'after',
      examples(
        ['prestage destroy', 'asks first'],
        ['prestage destroy --purge --yes', 'everything, without a question'],
      ),
    )
    .action(({ purge = false, ...flags }: Flags, command: Command) =>
      run(command, async (session) => {
        const { destroy, destroyPlan } = await import('../../deploy/index.js');
        const plan = await destroyPlan(session.options);
        await session.confirm(destroyQuestion(plan, purge));
        await destroy({ ...session.options, ...flags, purge });
        const held = [
          ...(plan.releases > 0 ? ['what is prepared'] : []),
          ...(plan.database ? ["the database's data"] : []),
        ];
        const kept = purge || held.length === 0 ? '' : ` ${plan.root} is kept, with ${held.join(' and ')}.`;
        const result = { environment: plan.environment, root: plan.root, purged: purge, hosts: plan.hosts };
        return { result, summary: [`${plan.project} is removed from ${plan.environment}.${kept}`] };
      }),
    );
}
