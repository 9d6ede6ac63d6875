import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { renderHostScript } from '../../../src/targets/aws/scripts/host.js';
import type { HostInputs } from '../../../src/targets/aws/scripts/inputs.js';
import { lacks } from '../../requirements.js';
import { SOME_HOST } from '../some-host.js';
import { underSystemd } from './systemd.js';

/** A host's own script, under systemd itself. What it asks of AWS is answered by these. */
const STUBS = {
  aws: '#!/bin/sh\necho "$*" >>/run/puts\nfor last; do :; done\ncase $last in *.new) touch /run/told && cp /run/told "$last" ;; esac\n',
  rpm: '#!/bin/sh\nexit 0\n',
  curl: '#!/bin/sh\ncase "$*" in *instance-id) echo i-1 ;; *local-ipv4) echo 127.0.0.1 ;; *) echo token ;; esac\n',
};

const INPUTS: HostInputs = { ...SOME_HOST, release: 'r1', run: 'run.sh' };

describe.skipIf(lacks('systemd'))(`the script of a host, under ${version()}`, () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'prestage-systemd-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function put(path: string, text: string): void {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text, { mode: 0o755 });
  }

  /** Runs `then` on the machine, once the host's script has ended; `settings` are its own variables. */
  async function onHost(inputs: Partial<HostInputs>, scripts: Record<string, string>, settings: string, then: string) {
    for (const [name, text] of Object.entries(STUBS)) put(`stubs/${name}`, text);
    for (const [name, text] of Object.entries(scripts)) put(`store/releases/r1/.prestage/scripts/${name}`, text);
    put('store/releases/r1/release.json', '{"format":1,"release":"r1"}');
    put('host.sh', renderHostScript({ ...INPUTS, ...inputs }).replace('\n', `\n${settings}\n`));
    const lines = [
      'cp /root/shared/stubs/* /usr/local/sbin/',
      'mkdir -p /mnt/prestage && mount --bind /root/shared/store /mnt/prestage && mount -o remount,bind,ro /mnt/prestage',
      'export PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin',
      'until_true() { for _ in $(seq 300); do "$@" && return; sleep 0.1; done; echo "never: $*"; }',
      'bash /root/shared/host.sh',
      then,
      'cp /var/log/prestage-host.log /root/shared/log',
    ];
    const out = await underSystemd(folder, `${lines.join('\n')}\n`);
    return { out, log: readFileSync(join(folder, 'log'), 'utf8') };
  }

  const ENDS = '#!/bin/sh\necho started >>starts\n[ ! -e down ] || exit 7\nexec sleep 600\n';

  test('starts a program again that ends fifty times at once, as while its database is away', async () => {
    const { out, log } = await onHost(
      {},
      { 'run.sh': ENDS },
      'MAX_PAUSE=0',
      `cd /var/lib/prestage/work; touch down; kill "$(cat /run/prestage/running)"
fifty() { [ "$(wc -l <starts)" -ge 50 ]; }; until_true fifty
rm down; running() { kill -0 "$(cat /run/prestage/running)"; }; until_true running
sleep 1; echo "state $(systemctl show -p ActiveState --value prestage-run)"`,
    );
    expect(log).toContain('healthy');
    expect(out).toContain('state active');
    expect(out).not.toContain('never:');
  }, 150_000);

  test('waits longer each time, up to a limit', async () => {
    const { log } = await onHost(
      {},
      { 'run.sh': ENDS },
      'MAX_PAUSE=4',
      `cd /var/lib/prestage/work; touch down; kill "$(cat /run/prestage/running)"
four() { [ "$(wc -l <starts)" -ge 5 ]; }; until_true four`,
    );
    expect([...log.matchAll(/started again in (\d+) s/g)].map(([, pause]) => pause).slice(0, 4)).toEqual([
      ...['1', '2', '4', '4'],
    ]);
  }, 150_000);

  test('reports each minute, and after a restart starts until the store is there', async () => {
    const { out, log } = await onHost(
      {},
      { 'run.sh': '#!/bin/sh\nexec sleep 600\n' },
      'WATCH_PAUSE=1 REPORT_PAUSE=1 RETRY_PAUSE=1 MOUNT_SECONDS=0',
      `three() { [ "$(grep -c state.json /run/puts)" -ge 5 ]; }; until_true three
systemctl stop prestage-run prestage-watch; rm -rf /run/prestage; umount /mnt/prestage
bash /var/lib/prestage/host.sh; cat /run/prestage/state; echo
mount --bind /root/shared/store /mnt/prestage
healthy() { [ "$(cat /run/prestage/state)" = healthy ]; }; until_true healthy; cat /run/prestage/state`,
    );
    expect(out).not.toContain('never:');
    expect(out).toMatch(/failed\n(.*\n)*healthy$/);
    expect(log).toContain('it starts again in 1 s');
  }, 150_000);

  test('starts a program again that was told a port which another service has left, and for nothing less', async () => {
    const run = '#!/bin/sh\necho "api at $PRESTAGE_API_PORT of $PRESTAGE_API_HOSTS"\nexec sleep 600\n';
    const told = (port: number, hosts: string) =>
      `printf "export PRESTAGE_API_PORT='${port}'\\nexport PRESTAGE_API_HOSTS='${hosts}'\\n" >/run/told.new; mv /run/told.new /run/told`;
    const { out, log } = await onHost(
      {},
      { 'run.sh': run },
      'WATCH_PAUSE=1 REPORT_PAUSE=1',
      `${told(8080, 'a')}
known() { grep -q "'$1'" /var/lib/prestage/neighbours.sh; }; until_true known a
pid=$(cat /run/prestage/running)
${told(8080, 'a,b')}; until_true known a,b; sleep 1; [ "$(cat /run/prestage/running)" = "$pid" ] && echo the same program
${told(9090, 'a,b')}; other() { grep -q 'api at 9090 of a,b' /var/log/prestage-host.log; }; until_true other`,
    );
    expect(out).toContain('the same program');
    expect(out).not.toContain('never:');
    expect(log.match(/api at .*/g)).toEqual(['api at  of ', 'api at 9090 of a,b']);
  }, 150_000);

  test('copies its files as the release has them, ends as it says, and brings its own log to that of the host', async () => {
    put('store/trees/t1/conf/server.xml', '<Server/>\n');
    mkdirSync(join(folder, 'store/releases/r1'), { recursive: true });
    symlinkSync('../../trees/t1', join(folder, 'store/releases/r1/tomcat'));
    const { out, log } = await onHost(
      {
        files: { 'etc/conf': 'tomcat/conf', 'server.xml': 'tomcat/conf/server.xml' },
        logs: ['logs/catalina.out'],
        stop: { signal: 'SIGINT', timeoutMs: 20_000 },
      },
      {
        'run.sh': `#!/bin/bash
trap '' TERM
trap 'echo said good-bye; exit 0' INT
mkdir logs; echo "it has $(cat etc/conf/server.xml server.xml | wc -l) lines" >>logs/catalina.out
echo '<!-- -->' >>server.xml && id -un >>logs/catalina.out
while :; do sleep 0.1; done
`,
      },
      'WATCH_PAUSE=1',
      `said() { grep -q "$1" /var/log/prestage-host.log; }; until_true said '^prestage$'
cd /var/lib/prestage/work
head -c 11000000 /dev/zero | tr '\\0' '\\n' >>logs/catalina.out; small() { [ "$(wc -c <logs/catalina.out)" = 0 ]; }; until_true small
echo after >>logs/catalina.out; until_true said '^after$'
ln -sf /etc/shadow logs/catalina.out; sleep 2
started=$(date +%s); systemctl stop prestage-run; echo "stopped in $(($(date +%s) - started)) s"`,
    );
    expect(out).not.toContain('never:');
    expect(out).toMatch(/stopped in [0-5] s/);
    expect(log).toContain('copied tomcat/conf to etc/conf');
    expect(log).toContain('said good-bye');
    expect(log).not.toContain('root:');
  }, 150_000);

  test.each([
    ['never', 'exit 0', 'healthy'],
    ['on-failure', '[ -e tried ] && exit 0; touch tried; exit 4', 'healthy'],
    ['never', 'exit 4', 'failed'],
  ] as const)(
    'with restart %s, a program that does `%s` makes it %s',
    async (restart, does, state) => {
      const { out, log } = await onHost(
        { restart },
        { 'run.sh': `#!/bin/sh\n${does}\n` },
        'MAX_PAUSE=1',
        'sleep 3; echo "state $(cat /run/prestage/state), unit $(systemctl show -p ActiveState --value prestage-run)"',
      );
      expect(out).toMatch(new RegExp(`state ${state}, unit (in)?active|failed`));
      expect(log.match(/and is not started again$/gm)?.length).toBeGreaterThan(0);
      if (restart === 'never') expect(log).not.toContain('it is started again');
    },
    150_000,
  );

  const WHO = 'echo "$(basename "$0"): $(id -un) $HOME $USER $(stat -c %U .) $(stat -c %U booted 2>/dev/null)"';
  const BOOTS = `#!/bin/sh\n${WHO}\necho >booted\n`;

  test('runs the program as a user of its own, which owns what boot left as root', async () => {
    const run = `#!/bin/sh
${WHO}
echo >written && echo can write; cat /run/prestage/self 2>&1
echo to its standard output >>/dev/stdout
exec python3 -m http.server "$PRESTAGE_PORT" --bind 127.0.0.1
`;
    const { log } = await onHost(
      {
        ...{ boot: 'boot.sh', port: 80, health: { kind: 'tcp', timeoutMs: 60_000 } },
        variables: { PRESTAGE_PORT: '80', PATH: '/usr/bin:/bin' },
      },
      { 'boot.sh': BOOTS, 'run.sh': run },
      '',
      '',
    );
    expect(log).toContain('boot.sh: root /root root root');
    expect(log).toContain('run.sh: prestage /var/lib/prestage/work prestage prestage prestage');
    expect(log).toContain('can write\ncat: /run/prestage/self: Permission denied\nto its standard output\n');
    expect(log).toMatch(/Z healthy$/m);
  }, 150_000);

  test('runs both as whom the configuration says, and makes the user that is missing', async () => {
    const { log } = await onHost(
      { boot: 'boot.sh', bootUser: 'tomcat', user: 'root' },
      { 'boot.sh': BOOTS, 'run.sh': `#!/bin/sh\n${WHO}\nexec sleep 600\n` },
      '',
      '',
    );
    expect(log).toContain('boot.sh: tomcat /var/lib/prestage/work tomcat tomcat');
    expect(log).toContain('run.sh: root /root root root root');
  }, 150_000);
});

function version(): string {
  try {
    return execFileSync('systemctl', ['--version'], { encoding: 'utf8' }).split(' (')[0] ?? '';
  } catch {
    return 'systemd';
  }
}
