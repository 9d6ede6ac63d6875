import type { Command } from 'commander';
import type { Run } from '../program.js';
import { examples } from './help-text.js';

export function addLogs(program: Command, run: Run): void {
  program
    .command('logs')
    .description('show what the worker and the hosts said')
    .argument('[source]', 'a service, a host (api-0), database or worker; default: all')
    .option('-f, --follow', 'go on with what they say next, until interrupted')
    .addHelpText(
      'after',
      examples(
        ['prestage logs worker', 'the last preparation'],
        ['prestage logs api -f', "all of api's hosts, as they speak"],
      ),
    )
    .action((source: string | undefined, { follow = false }: { follow?: boolean }, command: Command) =>
      run(
        command,
        async (session) => {
          const { logs } = await import('../../deploy/index.js');
          await logs({ ...session.options, follow, ...(source === undefined ? {} : { source }) });
          session.signal.throwIfAborted();
          return { result: {} };
        },
        { endsWithReader: true, endsWithInterrupt: follow },
      ),
    );
}
