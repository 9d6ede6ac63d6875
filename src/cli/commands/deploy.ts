import { type Command, Option } from 'commander';
import { deploySummary } from '../output/summaries.js';
import type { Run } from '../run.js';
import { examples } from './help-text.js';

interface Flags {
  prepareFilesOnly?: boolean;
  skipFilePrep?: boolean;
  singlePhase?: boolean;
  updateLock?: boolean;
  failFast?: boolean;
  keep?: boolean;
  only?: string[];
  refreshImage?: boolean;
  wait?: boolean;
}

export function addDeploy(program: Command, run: Run): void {
  program
    .command('deploy')
    .description('prepare the files and deploy the services: both phases, as needed')
    .addOption(new Option('--prepare-files-only', 'phase 1 alone').conflicts(['skipFilePrep', 'singlePhase']))
    .addOption(
      new Option('--skip-file-prep', 'phase 2 alone: an error where the files are not ready').conflicts('singlePhase'),
    )
    .option('--single-phase', 'no worker: the jump host prepares the files itself')
    .option('--update-lock', 'accept that remote sources moved, and pin what they are now')
    .option(
      '--fail-fast',
      'stop at the first package that fails, instead of finishing the others and showing all errors',
    )
    .option('--keep', 'if a first deployment fails, keep its healthy hosts for the next try (local)')
    .option('--only <names...>', 'these packages and services alone; all else stays as it is deployed')
    .option('--refresh-image', 'make the hosts again from the newest machine image (aws)')
    .option('--wait', 'wait for another run to end, rather than exit with 4')
    .addHelpText(
      'after',
      examples(
        ['prestage deploy', 'both phases; what is ready is used as it is'],
        ['prestage deploy --prepare-files-only --env dev', 'the files alone'],
        ['prestage deploy --skip-file-prep --env dev', 'the hosts alone, on files that are ready'],
        ['prestage deploy --only api --env dev', 'this package or service alone, in what is deployed'],
        ['prestage deploy --json | tail -1', 'the result for a program'],
      ),
    )
    .action((flags: Flags, command: Command) =>
      run(command, async (session) => {
        const { deploy } = await import('../../deploy/index.js');
        const { only, ...others } = flags;
        const names = only?.flatMap((each) => each.split(','));
        const result = await deploy({ ...session.options, ...others, ...(names ? { only: names } : {}) });
        return { result, output: [result.release], summary: deploySummary(result, session) };
      }),
    );
}
