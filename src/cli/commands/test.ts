import { type Command, Option } from 'commander';
import type { Run } from '../run.js';
import { examples } from './help-text.js';

interface Flags {
  phase1Only?: boolean;
  phase2Only?: boolean;
  fullDeployment?: boolean;
  junit?: string;
}

export function addTest(program: Command, run: Run): void {
  program
    .command('test')
    .description('try the phases in a temporary folder on this machine, on free ports')
    .addOption(
      new Option('--phase1-only', 'only phase 1: files are prepared, and twice the same').conflicts([
        'phase2Only',
        'fullDeployment',
      ]),
    )
    .addOption(new Option('--phase2-only', 'only phase 2: hosts start on prepared files').conflicts('fullDeployment'))
    .option('--full-deployment', 'both, and going back (the default)')
    .option('--junit <file>', 'also write the checks there, as the XML of JUnit that CI systems show')
    .addHelpText(
      'after',
      examples(
        ['prestage test', 'a table of checks, with times'],
        ['prestage test --phase1-only --junit prestage.xml', 'for a CI'],
      ),
    )
    .action((flags: Flags, command: Command) =>
      run(command, async (session) => {
        const { trial } = await import('../trial/trial.js');
        return trial(flags.phase1Only ? 'phase1' : flags.phase2Only ? 'phase2' : 'full', session, flags.junit);
      }),
    );
}
