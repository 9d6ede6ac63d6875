import type { Command } from 'commander';
import { PrestageError } from '../../core/errors.js';
import { destroyQuestion, temporaryQuestion } from '../output/summaries.js';
import type { Run } from '../run.js';
import { examples } from './help-text.js';

interface Flags {
  temporary?: boolean;
  purge?: boolean;
  wait?: boolean;
}

export function addDestroy(program: Command, run: Run): void {
  program
    .command('destroy')
    .description("stop and remove what was deployed; keeps the store and the database's data")
    .option('--purge', "also remove the store and the database's data")
    .option('--temporary', 'only workers, and what crashed workers left behind')
    .option('--wait', 'wait for another run to end, rather than exit with 4')
    .addHelpText(
      'after',
      examples(
        ['prestage destroy', 'asks first'],
        ['prestage destroy --temporary', 'ends a worker that is no longer wanted'],
        ['prestage destroy --purge --yes', 'everything, without a question'],
      ),
    )
    .action(({ temporary = false, purge = false, ...flags }: Flags, command: Command) =>
      run(command, async (session) => {
        const { destroy, destroyPlan } = await import('../../deploy/index.js');
        if (temporary && purge)
          throw new PrestageError('USAGE', '--temporary and --purge exclude each other.', {
            hint: 'Give one of the two.',
          });
        const plan = await destroyPlan(session.options);
        if (temporary) {
          await session.confirm(temporaryQuestion(plan));
          const { endTemporary } = await import('../../deploy/index.js');
          await endTemporary(session.options);
          const result = { environment: plan.environment, root: plan.root, ended: plan.temporary };
          return { result, summary: [`Nothing temporary of ${plan.project} is left in ${plan.environment}.`] };
        }
        await session.confirm(destroyQuestion(plan, purge));
        await destroy({ ...session.options, ...flags, purge });
        const held = [
          ...(plan.releases > 0 ? ['what is prepared'] : []),
          ...(plan.database ? ["the database's data"] : []),
        ];
        const kept = purge || held.length === 0 ? '' : ` Kept: ${plan.holdings}, with ${held.join(' and ')}.`;
        const result = { environment: plan.environment, root: plan.root, purged: purge, hosts: plan.hosts };
        return { result, summary: [`${plan.project} is removed from ${plan.environment}.${kept}`] };
      }),
    );
}
