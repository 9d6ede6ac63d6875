import { describe, expect, test } from 'vitest';
import { sampleProject } from '../sample-project.js';

/** A project whose configuration is a program; `{}` in its text is the valid configuration. */
async function projectWith(program: (config: string) => string) {
  const sample = await sampleProject();
  await sample.write('prestage.config.mjs', program(JSON.stringify(sample.config)));
  return sample;
}

describe('a configuration that is a program cannot take the result line away', () => {
  test.each<[string, string, RegExp]>([
    ['it waits for what never comes', 'await new Promise(() => {});\nexport default {};', /never comes/],
    ['it ends the process', '\nprocess.exit(0);\nexport default {};', /mjs:2: .*process\.exit/],
  ])('%s', async (_, text, message) => {
    const sample = await projectWith(() => text);
    const run = await sample.run('plan --json --config prestage.config.mjs');
    expect([run.status, run.result?.ok, run.result?.error.code]).toEqual([2, false, 'CONFIG_SYNTAX']);
    expect(run.result.error.message).toMatch(message);
  });

  test('what it prints goes to stderr', async () => {
    const sample = await projectWith(
      (config) => `console.log('noise');\nprocess.stdout.write('more\\n');\nexport default ${config};`,
    );
    const run = await sample.run('plan --json --config prestage.config.mjs');
    expect(run.status, run.stdout).toBe(0);
    expect(run.stdout).not.toMatch(/noise|more/);
    expect(run.stderr).toBe('noise\nmore\n');
  });
});

test.each([undefined, '3'])(
  'a program that a command starts finds the environment as the user left it (%s)',
  async (threads) => {
    const sample = await projectWith(
      (config) => `console.log('threads:', process.env.UV_THREADPOOL_SIZE);\nexport default ${config};`,
    );
    const env: Record<string, string> = threads === undefined ? {} : { UV_THREADPOOL_SIZE: threads };
    const run = await sample.run('plan --config prestage.config.mjs', { env });
    expect(run.stderr).toContain(`threads: ${threads}\n`);
  },
);
