import type { Command } from 'commander';
import { PrestageError } from '../../core/errors.js';
import { verifyTable } from '../output/store-tables.js';
import { formatCount } from '../output/units.js';
import type { Run } from '../program.js';
import { examples } from './help-text.js';

export function addVerify(program: Command, run: Run): void {
  program
    .command('verify')
    .description('check the store against its manifests; exits with 3 where it differs')
    .argument('[release]', 'default: every release')
    .option('--deep', 'every byte, not only what is there, sizes and modes')
    .addHelpText(
      'after',
      examples(
        ['prestage verify', 'all releases, quickly'],
        ['prestage verify 0123456789abcdef --deep', 'one release, byte by byte'],
      ),
    )
    .action((release: string | undefined, { deep = false }: { deep?: boolean }, command: Command) =>
      run(command, async (session) => {
        const { verify } = await import('../../deploy/index.js');
        const result = await verify({ ...session.options, deep, ...(release === undefined ? {} : { release }) });
        const about = `${formatCount(result.checked, 'entry', 'entries')} of ${formatCount(result.releases.length, 'release')} checked`;
        if (result.differences.length === 0) return { result, output: [`${about}: no differences`] };
        const count = formatCount(result.differences.length, 'difference');
        return {
          result,
          output: verifyTable(result, session.table),
          error: new PrestageError('VERIFY_DIFFERENCE', `${about}: ${count} from the manifests.`, {
            hint: 'Prepared files are never changed by Prestage: look for what else writes there. A tree that is moved away or removed is prepared again by the next deploy.',
          }),
        };
      }),
    );
}
