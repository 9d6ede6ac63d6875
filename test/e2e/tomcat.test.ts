import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { folderWith } from '../folder-with.js';
import { prestage } from '../prestage.js';
import { lacks } from '../requirements.js';
import { freePorts } from '../sample-project.js';
import { until } from '../until.js';

/** Apache Tomcat as Maven Central has it, fetched once by Maven. */
function tomcat(): string {
  const folder = join(tmpdir(), 'prestage-tomcat');
  const archive = join(folder, 'tomcat-10.1.34.tar.gz');
  if (!existsSync(archive))
    execFileSync(
      'mvn',
      [
        ...['--quiet', '--batch-mode', 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy'],
        ...['-Dartifact=org.apache.tomcat:tomcat:10.1.34:tar.gz', `-DoutputDirectory=${folder}`],
      ],
      { stdio: 'inherit', timeout: 240_000 },
    );
  return archive;
}

/** CATALINA_BASE is the host's own folder; what Tomcat itself is made of stays in the release. */
const RUN = `#!/bin/sh
set -eu
export CATALINA_HOME="$PRESTAGE_ROOT/opt/tomcat" CATALINA_BASE="$PWD"
export CATALINA_OPTS="-Xmx128m -Dprestage.port=$PRESTAGE_PORT"
mkdir -p logs temp work
exec "$CATALINA_HOME/bin/catalina.sh" run >>logs/catalina.out 2>&1
`;

test.skipIf(lacks('java', 'maven'))(
  'Tomcat runs on working files of its release, its own log is shown, and it is ended as it wants (needs Java and Maven)',
  { timeout: 300_000 },
  async () => {
    const [port = 0] = await freePorts(1);
    const config = {
      name: 'shop',
      packages: {
        tomcat: {
          source: tomcat(),
          destination: 'opt/tomcat',
          extract: { strip: 1, exclude: ['webapps/docs/**', 'webapps/examples/**'] },
          steps: [
            {
              set: {
                file: 'conf/server.xml',
                // biome-ignore lint/suspicious/noTemplateCurlyInString: Tomcat's own
                values: { 'Server@port': '-1', 'Server/Service/Connector@port': '${prestage.port}' },
              },
            },
          ],
        },
      },
      services: {
        web: {
          run: 'hosts/web.sh',
          port,
          health: { http: '/', timeout: '120s' },
          files: { conf: 'opt/tomcat/conf', 'webapps/ROOT': 'opt/tomcat/webapps/ROOT' },
          logs: ['logs/catalina.out'],
          stop: { signal: 'SIGINT', timeout: '60s' },
        },
      },
    };
    const folder = await folderWith({ 'prestage.config.json': JSON.stringify(config), 'hosts/web.sh': RUN });
    onTestFinished(async () => void (await prestage('destroy --purge --yes', { cwd: folder })));
    const run = await prestage('deploy --json', { cwd: folder });
    expect(run.result, run.stdout).toMatchObject({ ok: true, phase1: 'prepared', phase2: 'applied' });
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toContain('Apache Tomcat/10.1.34');
    const logged = async () => (await prestage('logs web', { cwd: folder })).stdout;
    await until('its log', async () => (await logged()).includes('Server startup in'));

    // Another release of nothing but a variable: the host is replaced, so the one before is ended.
    const other = { ...config, services: { web: { ...config.services.web, environment: { A: 'b' } } } };
    await writeFile(join(folder, 'prestage.config.json'), JSON.stringify(other));
    expect((await prestage('deploy --json', { cwd: folder })).result).toMatchObject({ ok: true, phase2: 'applied' });
    expect((await prestage('verify --deep --json', { cwd: folder })).result).toMatchObject({ differences: [] });
  },
);
