import type { Command } from 'commander';
import type { Run } from '../run.js';
import { examples } from './help-text.js';

export function addConfig(program: Command, run: Run): void {
  program
    .command('config')
    .description('show the configuration as it is for an environment, and where each value comes from')
    .addHelpText(
      'after',
      examples(
        ['prestage config --env prod', 'as YAML, with a comment on each value'],
        ['prestage config --env prod --json', 'the same for a program'],
      ),
    )
    .action((_flags: object, command: Command) =>
      run(command, async (session) => {
        const { showConfig } = await import('../../deploy/index.js');
        const { configOutput } = await import('../output/config-lines.js');
        const result = await showConfig(session.options);
        return { result, output: configOutput(result) };
      }),
    );
}
