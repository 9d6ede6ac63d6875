import { readFile } from 'node:fs/promises';
import { Argument, type Command } from 'commander';
import { installedFile } from '../../core/installation.js';
import type { Run } from '../run.js';
import { examples } from './help-text.js';

const SCRIPTS = { bash: 'prestage.bash', zsh: 'prestage.zsh', fish: 'prestage.fish', powershell: 'prestage.ps1' };
type Shell = keyof typeof SCRIPTS;

export function addCompletion(program: Command, run: Run): void {
  program
    .command('completion')
    .description('print what makes a shell complete commands, flags and names')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(SCRIPTS)))
    .option('--word <text>', 'print what may stand for this word after those that follow `--`: what the script asks')
    .allowExcessArguments()
    .addHelpText(
      'after',
      examples(
        ['eval "$(prestage completion bash)"', 'in ~/.bashrc'],
        ['eval "$(prestage completion zsh)"', 'in ~/.zshrc, after compinit'],
        ['prestage completion fish | source', 'in config.fish'],
        ['prestage completion powershell | Out-String | Invoke-Expression', 'in $PROFILE'],
      ),
    )
    .action((shell: Shell, { word }: { word?: string }, command: Command) =>
      run(
        command,
        async () => ({
          result: {},
          output:
            word === undefined ? await scriptOf(shell) : await answer(program, shell, command.args.slice(1), word),
        }),
        { endsWithReader: true },
      ),
    );
}

async function scriptOf(shell: Shell): Promise<string[]> {
  const script = await readFile(installedFile(`templates/completion/${SCRIPTS[shell]}`), 'utf8');
  return script.trimEnd().split('\n');
}

/** One candidate a line, with what it is after a tab; `:files` or `:folders` where the shell is to complete paths. */
async function answer(program: Command, shell: Shell, words: readonly string[], word: string): Promise<string[]> {
  const { candidates } = await import('../completion/candidates.js');
  const { projectNames } = await import('../completion/project-names.js');
  const line = shell === 'bash' ? joined(words, word) : { before: words, word, flag: '' };
  try {
    const found = await candidates(program, line, projectNames);
    if (typeof found === 'string') return [`:${found}`];
    return found.map(({ value, description }) => `${value.slice(line.flag.length)}\t${description}`);
  } catch {
    return []; // no configuration, or no answer: nothing to complete is no error
  }
}

/** bash takes `--env=dev` for three words, and only the last of them is what it replaces. */
function joined(words: readonly string[], word: string): { before: string[]; word: string; flag: string } {
  const before: string[] = [];
  const all = [...words, word];
  let flag = '';
  for (const [index, each] of all.entries()) {
    if (each === '=' && before.length > 0) before.push(`${before.pop()}=`);
    else if (all[index - 1] === '=' && before.at(-1)?.endsWith('=')) before.push(`${before.pop()}${each}`);
    else before.push(each);
  }
  const last = before.pop() ?? '';
  if (last !== word) flag = last.slice(0, last.indexOf('=') + 1);
  return { before, word: last, flag };
}
