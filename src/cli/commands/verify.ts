import type { Command } from 'commander';
import { PrestageError } from '../../core/errors.js';
import { formatCount } from '../../core/units.js';
import type { Unrepaired } from '../../deploy/index.js';
import { verifyTable } from '../output/tables/store-tables.js';
import { folded } from '../output/text/wrap.js';
import type { Run } from '../run.js';
import { examples } from './help-text.js';

interface Flags {
  deep?: boolean;
  repair?: boolean;
  wait?: boolean;
}

const REPAIR =
  'Prestage never changes prepared files: find out what else writes there. Then run the same command with --repair, which prepares them again.';
export function addVerify(program: Command, run: Run): void {
  program
    .command('verify')
    .description('check the store against its manifests; exits with 3 where it differs')
    .argument('[release]', 'default: every release')
    .option('--deep', 'every byte, not only what is there, sizes and modes')
    .option('--repair', 'prepare again what differs, where the configuration still has what it was made of')
    .option('--wait', 'with --repair: wait for another run to end, rather than exit with 4')
    .addHelpText(
      'after',
      examples(
        ['prestage verify', 'all releases, quickly'],
        ['prestage verify 0123456789abcdef --deep', 'one release, byte by byte'],
        ['prestage verify --deep --repair', 'and what is wrong is prepared again'],
      ),
    )
    .action((release: string | undefined, { deep = false, repair = false, ...flags }: Flags, command: Command) =>
      run(command, async (session) => {
        const { verify } = await import('../../deploy/index.js');
        const what = { deep, repair, ...(release === undefined ? {} : { release }) };
        const result = await verify({ ...session.options, ...flags, ...what });
        const { repaired = [] } = result;
        const summary = repaired.length === 0 ? [] : [`Prepared again: ${repaired.join(', ')}.`];
        const about = `${formatCount(result.checked, 'entry', 'entries')} of ${formatCount(result.releases.length, 'release')} checked`;
        if (result.differences.length === 0) {
          const { width = Number.POSITIVE_INFINITY } = session.table;
          return { result, output: folded(`${about}: no differences`, width), summary };
        }
        const count = formatCount(result.differences.length, 'difference');
        return {
          result,
          output: verifyTable(result, session.table),
          summary,
          error: new PrestageError('VERIFY_DIFFERENCE', `${about}: ${count} from the manifests.`, {
            hint: repair ? wayOut(result.unrepaired ?? []) : REPAIR,
          }),
        };
      }),
    );
}

/** What is left cannot be made from this configuration: how to get the one that it was made from, or to do without. */
function wayOut(unrepaired: readonly Unrepaired[]): string {
  const [first] = unrepaired;
  const without =
    '`prestage deploy` puts the hosts on what the configuration says now, and `prestage prune --keep 1` then removes what they do not use.';
  if (first === undefined)
    return `What is left belongs to releases that this configuration does not describe. Run the same command with the configuration of that release. Or do without it: ${without}`;
  const { tree, releases, missing } = first;
  const others = unrepaired.length === 1 ? '' : ` (and ${unrepaired.length - 1} more)`;
  const reason =
    missing === undefined
      ? 'its release keeps no recipe that this version can read'
      : `it was made of ${missing.name} (sha256 ${missing.sha256}), which is not in the configuration any more`;
  const find =
    missing === undefined
      ? 'Check out the configuration of that release'
      : `Check out the configuration that had it (\`git log -S ${missing.sha256} -- prestage.lock\` finds a source)`;
  return `${tree} of release ${releases.join(', ')}${others} cannot be prepared again: ${reason}. ${find} and run the same command there. Or do without it: ${without}`;
}
