import { type Command, Option } from 'commander';
import type { Run } from '../run.js';
import { examples } from './help-text.js';

interface Flags {
  phase1Only?: boolean;
  phase2Only?: boolean;
  fullDeployment?: boolean;
  junit?: string;
  createStacks?: boolean;
}

export function addTest(program: Command, run: Run): void {
  program
    .command('test')
    .description('try the phases in a temporary folder on this machine, or in stacks of its own on AWS')
    .addOption(
      new Option('--phase1-only', 'only phase 1: files are prepared, and twice the same').conflicts([
        'phase2Only',
        'fullDeployment',
      ]),
    )
    .addOption(new Option('--phase2-only', 'only phase 2: hosts start on prepared files').conflicts('fullDeployment'))
    .option('--full-deployment', 'both, and going back (the default)')
    .option('--junit <file>', 'also write the checks there, as the XML of JUnit that CI systems show')
    .option('--create-stacks', 'on AWS, in stacks made for this and removed in the end; --env names the environment')
    .addHelpText(
      'after',
      examples(
        ['prestage test', 'a table of checks, with times'],
        ['prestage test --phase1-only --junit prestage.xml', 'for a CI'],
        ['prestage test --env dev --create-stacks', 'on AWS, which costs money'],
      ),
    )
    .action((flags: Flags, command: Command) =>
      run(command, async (session) => {
        const { trial } = await import('../trial/trial.js');
        const mode = flags.phase1Only ? 'phase1' : flags.phase2Only ? 'phase2' : 'full';
        return trial({ mode, junit: flags.junit, createStacks: flags.createStacks ?? false }, session);
      }),
    );
}
