import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSecrets } from './secrets.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'prestage-secrets-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const command = (command: string) => ({ kind: 'command', command, folder }) as const;

describe('a variable whose value is kept elsewhere', () => {
  test('is what a file holds or a command prints, without the line breaks at the end', async () => {
    writeFileSync(join(folder, 'password'), 'two\nlines ü\n');
    const secrets = {
      PASSWORD: { kind: 'file', path: join(folder, 'password') },
      TOKEN: command('node -p "6*7"'),
    } as const;
    expect(await readSecrets(secrets)).toEqual({ PASSWORD: 'two\nlines ü', TOKEN: '42' });
  });

  test('that cannot be read is named with the reason, and nothing of what the command printed', async () => {
    await expect(readSecrets({ A: { kind: 'file', path: join(folder, 'absent') } })).rejects.toThrow(
      /^its variable A cannot be read: ENOENT: .*absent/,
    );
    const failing = `node -e "console.log('the value'); console.error('locked'); process.exit(3)"`;
    const refused = await readSecrets({ B: command(failing) }).catch((error) => error.message);
    expect(refused).toBe(`its variable B cannot be read: \`${failing}\` ended with exit status 3: locked`);
    writeFileSync(join(folder, 'nul'), 'a\0b');
    await expect(readSecrets({ C: { kind: 'file', path: join(folder, 'nul') } })).rejects.toThrow('C holds a NUL');
  });
});
