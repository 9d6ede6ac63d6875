import type { Command } from 'commander';
import type { Run } from '../run.js';
import { examples } from './help-text.js';

export function addRollback(program: Command, run: Run): void {
  program
    .command('rollback')
    .description('put an earlier release back on the hosts')
    .argument('[release]', 'default: the one that was deployed before the current one')
    .option('--wait', 'wait for another run to end, rather than exit with 4')
    .addHelpText(
      'after',
      examples(['prestage rollback', 'one deployment back'], ['prestage rollback 0123456789abcdef', 'to that release']),
    )
    .action((release: string | undefined, flags: { wait?: boolean }, command: Command) =>
      run(command, async (session) => {
        const { rollback } = await import('../../deploy/index.js');
        const result = await rollback({ ...session.options, ...flags, ...(release === undefined ? {} : { release }) });
        const from = result.previous === undefined ? '' : `, was ${result.previous}`;
        const summary = [`Release ${session.style.bold(result.release)} is deployed in ${result.environment}${from}.`];
        return { result, output: [result.release], summary };
      }),
    );
}
