import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { formatBytes } from '../../core/bytes.js';
import { asPrestageError } from '../../core/errors.js';
import type { SupportResult } from '../../deploy/index.js';
import type { Run } from '../run.js';
import { examples } from './help-text.js';

export function addSupport(program: Command, run: Run): void {
  program
    .command('support')
    .description('write one text file for a bug report: versions, configuration, state, logs; without secrets')
    .argument('[file]', 'default: prestage-support-<time>.txt')
    .addHelpText('after', examples(['prestage support', 'shows what will be in it, and asks']))
    .action((file: string | undefined, _flags: object, command: Command) =>
      run(command, async (session) => {
        const { support } = await import('../../deploy/index.js');
        const gathered = await support(session.options);
        const path = file ?? `prestage-support-${new Date().toISOString().replace(/[-:]|\.\d+/g, '')}.txt`;
        await session.confirm({
          action: `These parts are written to ${path}. Passwords, tokens and keys are removed, as far as they can be told.`,
          details: gathered.parts.map(({ name, text }) => `  ${name} (${formatBytes(Buffer.byteLength(text))})`),
        });
        // For this user alone: a configuration says more than others need to know.
        await writeFile(path, asText(gathered), { mode: 0o600, flag: 'wx' }).catch((error: unknown) => {
          throw asPrestageError(error, { path });
        });
        return {
          result: { file: path, parts: gathered.parts.map(({ name }) => name) },
          output: [path],
          summary: ['Read it before you send it to anybody.'],
        };
      }),
    );
}

function asText({ project, environment, parts }: SupportResult): string {
  const head = `Prestage, project ${project}, environment ${environment}, ${new Date().toISOString()}\n`;
  return [head, ...parts.map(({ name, text }) => `\n===== ${name} =====\n\n${text}`)].join('');
}
