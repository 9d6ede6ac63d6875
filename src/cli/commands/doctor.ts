import type { Command } from 'commander';
import { PrestageError } from '../../core/errors.js';
import type { DoctorResult } from '../../deploy/index.js';
import { asCalled } from '../output/as-called.js';
import { doctorTable } from '../output/tables/doctor-table.js';
import type { Run } from '../run.js';
import type { Session } from '../session.js';
import { examples } from './help-text.js';

export function addDoctor(program: Command, run: Run): void {
  program
    .command('doctor')
    .description('check what a deployment needs: machine, credentials, quotas, networks; exits with 1 where one failed')
    .option('--iam', 'only print the smallest IAM policy that a deploying user needs; checks nothing')
    .addHelpText(
      'after',
      examples(
        ['prestage doctor --env dev', 'before the first deployment, or where one fails'],
        ['prestage doctor --env dev --json', 'the same for a program'],
        ['prestage doctor --env dev --iam > policy.json', 'for the administrator who creates the deploying user'],
      ),
    )
    .action(({ iam = false }: { iam?: boolean }, command: Command) =>
      run(command, async (session) => {
        const { doctor, policy } = await import('../../deploy/index.js');
        if (iam) {
          const result = await policy(session.options);
          return { result, output: JSON.stringify(result.policy, null, 2).split('\n') };
        }
        const result = asCalledFor(session, await doctor(session.options));
        const error = failureOf(result);
        return { result, output: doctorTable(result, session.table), ...(error ? { error } : {}) };
      }),
    );
}

function asCalledFor({ commandLine }: Session, { checks, ...result }: DoctorResult): DoctorResult {
  const called = checks.map(({ remedy, ...check }) =>
    remedy === undefined ? check : { ...check, remedy: asCalled(remedy, commandLine) },
  );
  return { ...result, checks: called };
}

function failureOf({ environment, checks }: DoctorResult): PrestageError | undefined {
  const failures = checks.filter(({ state }) => state === 'failed');
  const [first] = failures;
  if (first === undefined) return undefined;
  return new PrestageError(
    'CHECK_FAILED',
    `${failures.length} of ${checks.length} checks of ${environment} failed. First, "${first.check}": ${first.found}`,
    { ...(first.remedy === undefined ? {} : { hint: first.remedy }), context: { check: first.check } },
  );
}
