import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SOME_HOST, unpacked } from '../../../../test/aws/some-host.js';
import { lacks } from '../../../../test/requirements.js';
import { databaseCertificates } from '../data/certificates.js';
import { renderHostScript } from './host.js';
import type { HostInputs } from './inputs.js';

const hostile = `it's "$(touch /tmp/x)" \`id\`\n  # no comment\n\${Token[TOKEN.123]} \\ ü`;

const cases: Record<string, Partial<HostInputs>> = {
  'a host with little': {},
  'a host that only boots': { boot: 'boot.sh', run: undefined },
  'a host with all': {
    boot: hostile,
    run: hostile,
    needs: ['opt/installer', hostile],
    port: 8080,
    health: { kind: 'http', path: hostile, timeoutMs: 1500 },
    stop: { signal: 'SIGINT', timeoutMs: 1500 },
    restart: 'on-failure',
    logs: ['logs/a.out', `b's $c`],
    files: { conf: 'tomcat/conf', "it's": '$(x)' },
    variables: { A: hostile, PRESTAGE_PORT: '8080' },
    secrets: { B: { kind: 'secret', name: hostile, key: hostile }, C: { kind: 'parameter', name: hostile } },
    database: {
      secret: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:it',
      ...databaseCertificates('eu-central-1'),
    },
  },
  'a host that waits': { health: { kind: 'tcp', timeoutMs: 1 }, port: 1, notReady: { do: 'wait', waitSeconds: 60 } },
  'a host that prepares': { notReady: { do: 'prepare', agent: 'a'.repeat(64), job: 'b'.repeat(64) } },
};

describe.each(Object.entries(cases))('the script of %s', (_, inputs) => {
  const rendered = unpacked(renderHostScript({ ...SOME_HOST, ...inputs }));

  test.skipIf(lacks('dash'))('is valid for dash, and for bash, which is sh on Amazon Linux', () => {
    execFileSync('dash', ['-n'], { input: rendered });
    execFileSync('bash', ['--posix', '-n'], { input: rendered });
  });

  test.skipIf(lacks('shellcheck'))('has nothing that shellcheck warns of', () => {
    // What is not used is used by others, or by hosts of another kind.
    execFileSync('shellcheck', ['-s', 'sh', '-S', 'warning', '-e', 'SC2034,SC1090', '-'], { input: rendered });
  });
});

test.skipIf(lacks('dash'))("a host's variables have any value, and are seen as they are by what is run", () => {
  const name = fc.stringMatching(/^V[A-Z_0-9]{0,5}$/);
  const value = fc.string({ unit: 'binary', maxLength: 40 }).filter((text) => !text.includes('\0'));
  fc.assert(
    fc.property(fc.dictionary(name, value, { maxKeys: 4 }), (variables) => {
      const rendered = renderHostScript({ ...SOME_HOST, variables });
      const script = unpacked(rendered);
      const functions = script.slice(0, script.indexOf("\nPROBLEM=''\n"));
      const out = execFileSync('dash', { input: `${functions}\nhost_variables\nenv -0`, env: {} }).toString();
      const found = Object.fromEntries(out.split('\0').map((line) => line.split(/=(.*)/s).slice(0, 2)));
      expect(found).toMatchObject(variables);
    }),
    { numRuns: 50 },
  );
});

test('the script of a host fits into user data with sixty variables of its own; one that does not is refused', () => {
  const notReady = { do: 'prepare', agent: 'a'.repeat(64), job: 'b'.repeat(64) } as const;
  const variables = Object.fromEntries(
    Array.from({ length: 60 }, (_, i) => [
      `PORTAL_SETTING_${i}`,
      `https://service-${i}.portal-production.internal:8443`,
    ]),
  );
  const full = { ...SOME_HOST, ...cases['a host with all'], logs: [], files: {}, notReady };
  expect(Buffer.byteLength(renderHostScript({ ...full, variables }))).toBeLessThan(15 * 1024);
  const large = randomBytes(8 * 1024).toString('base64');
  expect(() => renderHostScript({ ...full, variables: { LARGE: large } })).toThrow(
    /user data of a machine would have \d+ bytes/,
  );
});
