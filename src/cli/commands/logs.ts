import { type Command, InvalidArgumentError } from 'commander';
import type { Run } from '../run.js';
import { examples } from './help-text.js';
import { wholeNumber } from './whole-number.js';

interface Flags {
  follow?: boolean;
  tail?: number;
  since?: number;
}

export function addLogs(program: Command, run: Run): void {
  program
    .command('logs')
    .description('show the logs of the worker and the hosts')
    .argument('[source]', 'a service, a host (api-0), database or worker; default: all')
    .option('-f, --follow', 'follow: show new lines as they come, until interrupted')
    .option('--tail <n>', 'the last n lines of each host, the database and the worker', wholeNumber)
    .option(
      '--since <time>',
      'only lines since then: a duration (90s, 15m, 2h, 3d) or a time (2026-11-24T02:11)',
      timeBefore,
    )
    .addHelpText(
      'after',
      examples(
        ['prestage logs worker', 'the last preparation'],
        ['prestage logs --tail 20 --since 1h', 'the last lines of each, of the last hour'],
        ['prestage logs api -f', "all of api's hosts, as they speak"],
      ),
    )
    .action((source: string | undefined, { follow = false, ...window }: Flags, command: Command) =>
      run(
        command,
        async (session) => {
          const { logs } = await import('../../deploy/index.js');
          await logs({ ...session.options, follow, ...window, ...(source === undefined ? {} : { source }) });
          session.signal.throwIfAborted();
          return { result: {} };
        },
        { endsWithReader: true, endsWithInterrupt: follow },
      ),
    );
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds since 1970, of a duration before now or of a time; without a zone it is of this machine. */
function timeBefore(text: string): number {
  const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (count !== undefined) return Date.now() - Number(count) * (UNIT_MS[unit] ?? 0);
  const [, day, clock = 'T00:00'] =
    /^(\d{4}-\d\d-\d\d)([T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$/.exec(text) ?? [];
  const time = Date.parse(`${day}${clock.replace(' ', 'T')}`);
  if (Number.isNaN(time))
    throw new InvalidArgumentError(
      'It must be a duration (90s, 15m, 2h, 3d) or a time (2026-11-24T02:11, with Z for UTC).',
    );
  return time;
}
