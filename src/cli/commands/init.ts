import type { Command } from 'commander';
import { shellWord } from '../invocation.js';
import type { Run } from '../run.js';
import { examples } from './help-text.js';

export function addInit(program: Command, run: Run): void {
  program
    .command('init')
    .description('write a configuration to start from, with the scripts that deploy and try it')
    .argument('[folder]', 'created if missing; default: the working folder')
    .addHelpText(
      'after',
      examples(['prestage init portal && cd portal && prestage deploy', 'a small product that runs on this machine']),
    )
    .action((folder: string | undefined, _flags: object, command: Command) =>
      run(command, async ({ program: prestage }) => {
        const { writeStarter } = await import('../starter.js');
        const { files, left } = await writeStarter(folder ?? '.');
        const next = folder === undefined ? `${prestage} deploy` : `cd ${shellWord(folder)} && ${prestage} deploy`;
        return {
          result: { folder: folder ?? '.', files, left },
          output: files,
          summary: [
            ...(left.length > 0 ? [`Left alone, as they are there already: ${left.join(', ')}.`] : []),
            `Wrote ${files.length} file${files.length === 1 ? '' : 's'}. Next: ${next}`,
          ],
        };
      }),
    );
}
