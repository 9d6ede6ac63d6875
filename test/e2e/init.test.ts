import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folderWith } from '../folder-with.js';
import { prestage } from '../prestage.js';
import { lacks } from '../requirements.js';
import { freePorts } from '../sample-project.js';
import { tarGz } from '../small-archives.js';

const SERVER = '<Server>\n  <Connector port="8080"/>\n</Server>\n';
const product = {
  'apache-tomcat-9.0.85/bin/catalina.sh': '#!/bin/sh\nexit 0\n',
  'apache-tomcat-9.0.85/conf/server.xml': SERVER,
  'apache-tomcat-9.0.85/conf/catalina.properties': 'shared.loader=\n',
};
const patch = (from: string, to: string, file = 'conf/server.xml') =>
  `--- a/${file}\n+++ b/${file}\n@@ -1,3 +1,3 @@\n <Server>\n-  <Connector port="${from}"/>\n+  <Connector port="${to}"/>\n </Server>\n`;

/** What a team has: a vendor's archive, patches for it, a script, settings, and Terraform of an older way. */
async function teamFolder(): Promise<string> {
  const folder = await folderWith({
    'patches/10-port.patch': patch('8080', '9090'),
    'patches/20-stale.patch': patch('1111', '2222'),
    'patches/30-other.patch': patch('8080', '9090', 'etc/other.xml'),
    'start-tomcat.sh': '#!/bin/sh\nexec sleep 60\n',
    'catalina.properties': 'shared.loader=lib\n',
    'main.tf':
      'variable "region" {\n  default = "eu-west-1"\n}\nresource "aws_vpc" "main" {\n  cidr_block = "10.30.0.0/16"\n}\n',
    'docker-compose.yml':
      'services:\n  db: { image: postgres }\n  web:\n    image: tomcat\n    ports: ["8080:80"]\n    depends_on: [db]\n    healthcheck: { test: ["CMD", "curl", "-f", "http://localhost/health"] }\n',
    'README.md': '# Ours\n',
  });
  await writeFile(join(folder, 'apache-tomcat-9.0.85.tar.gz'), tarGz(product));
  await chmod(join(folder, 'start-tomcat.sh'), 0o755);
  return folder;
}

const contents = async (folder: string) => {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const paths = names.map((entry) => join(entry.parentPath, entry.name)).sort();
  return Promise.all(paths.map(async (path) => [path, await readFile(path, 'base64')]));
};

describe('init', () => {
  test('proposes what lies there, and the files are prepared without an edit', async () => {
    const folder = await teamFolder();
    const before = await contents(folder);
    const written = await prestage('init --yes', { cwd: folder });
    expect(written).toMatchObject({ status: 0, stdout: expect.stringContaining('prestage.config.yaml\n') });
    const config = await readFile(join(folder, 'prestage.config.yaml'), 'utf8');
    expect(config.replace(/schema=.*/, 'schema=…').replace(/^name: .*/m, 'name: …')).toMatchSnapshot();
    expect(written.stderr).toMatch(/patches\/20-stale\.patch is a comment in the configuration: .*hunk 1/);

    const { result, stderr } = await prestage('deploy --prepare-files-only --json', { cwd: folder });
    expect(result, stderr).toMatchObject({ ok: true, phase1: 'prepared' });
    const opt = join(folder, '.prestage/local/releases', result.release, 'opt/apache-tomcat');
    expect(await readFile(join(opt, 'conf/server.xml'), 'utf8')).toContain('9090');
    expect(await readFile(join(opt, 'conf/catalina.properties'), 'utf8')).toBe('shared.loader=lib\n');

    // What was there is as it was.
    await rm(join(folder, '.prestage'), { recursive: true });
    const after = new Map((await contents(folder)).map(([path = '', text = '']) => [path, text]));
    for (const [path = '', text] of before) expect(after.get(path), path).toBe(text);
  });

  test('takes the place of a tree for Terraform: what its scripts unzip, copy and sed is prepared, each with its line', async () => {
    const folder = await folderWith({
      'terraform/variables.tf':
        'variable "efs_mount" {\n  default = "/mnt/efs"\n}\nvariable "region" {\n  default = "eu-central-1"\n}\n',
      'terraform/jump.tf': `resource "aws_instance" "jump" {\n  user_data = <<-EOF\n    #!/bin/bash\n    aws s3 cp s3://files/ledger-2.1.tar.gz /tmp/\n    mkdir -p \${efs_mount}/opt/ledger\n    tar -xzf /tmp/ledger-2.1.tar.gz -C \${efs_mount}/opt/ledger --strip-components=1\n    sed -i "s/yum -y/dnf -y/g" \${efs_mount}/opt/ledger/bin/install.sh\n    sed -i "s/no such text/x/" \${efs_mount}/opt/ledger/bin/install.sh\n    cp /tmp/files/ledger.properties \${efs_mount}/opt/ledger/conf/\n    sed -i "/^#/d" \${efs_mount}/opt/ledger/conf/other\n    touch \${efs_mount}/.setup-done\n  EOF\n}\n`,
      'deploy.sh':
        '#!/bin/bash\nset -e\naws s3 sync files/ s3://files/ --size-only\nterraform -chdir=terraform apply\n',
      'files/ledger.properties': 'edition=production\n',
    });
    await writeFile(
      join(folder, 'files/ledger-2.1.tar.gz'),
      tarGz({
        'ledger-2.1/bin/install.sh': '#!/bin/sh\nyum -y install a\nyum -y install b\n',
        'ledger-2.1/conf/ledger.properties': 'edition=trial\n',
      }),
    );
    const { status, stderr } = await prestage('init --yes', { cwd: folder });
    expect(status, stderr).toBe(0);
    const config = await readFile(join(folder, 'prestage.config.yaml'), 'utf8');
    expect(config.replace(/schema=.*/, 'schema=…').replace(/^name: .*/m, 'name: …')).toMatchSnapshot();
    const { result } = await prestage('deploy --prepare-files-only --json', { cwd: folder });
    expect(result).toMatchObject({ ok: true, phase1: 'prepared' });
    const ledger = join(folder, '.prestage/local/releases', result.release, 'opt/ledger');
    expect(await readFile(join(ledger, 'bin/install.sh'), 'utf8')).toBe(
      '#!/bin/sh\ndnf -y install a\ndnf -y install b\n',
    );
    expect(await readFile(join(ledger, 'conf/ledger.properties'), 'utf8')).toBe('edition=production\n');
  });

  test('reads templates of user data and what deploy.sh uploads, and says of each line that it cannot translate why', async () => {
    const folder = await folderWith({
      'deploy.sh':
        '#!/bin/bash\naws s3 cp files/portal-7.2.tar.gz s3://$BUCKET/files/\naws s3 sync files/scripts/ s3://$BUCKET/scripts/\nterraform apply\n',
      'env.dev.yaml': 'region: eu-west-1\nvpcCidr: 10.44.0.0/16\n',
      'terraform/main.tf': `resource "aws_instance" "jump" {\n  user_data = templatefile("\${path.module}/templates/jump.sh.tpl", {})\n}\n`,
      'terraform/terraform.tfvars': 'mount = "/shared"\n',
      'terraform/templates/jump.sh.tpl': `#!/bin/bash
HOME_OF=\${mount}/opt/portal
mount -t efs \${efs}:/ \${mount}
tar xzf /tmp/portal-7.2.tar.gz -C $HOME_OF
tar xzf /tmp/agent-1.4.tar.gz -C \${mount}/opt
unzip -o /tmp/absent.zip -d \${mount}/opt/absent
tar xzf /tmp/fix-3.tar.gz -C $HOME_OF
cd $HOME_OF/bin
for f in one.sh two.sh; do
  sed -i 's/yum/dnf/' $f
done
sed -i "s/localhost/$DB_HOST/" ../conf/app.conf
find $HOME_OF -name '*.conf' -exec sed -i 's/DEBUG/INFO/g' {} \\;
cp -r /tmp/scripts $HOME_OF/scripts
echo cluster=true >> $HOME_OF/conf/app.conf
mv $HOME_OF/bin/one.sh $HOME_OF/bin/first.sh
sed -i 's/^PermitRoot.*/PermitRoot no/' /etc/ssh/sshd_config
cat > /etc/motd <<END
rm -rf $HOME_OF
END
touch \${mount}/.setup-done
`,
      'files/scripts/hello.sh': '#!/bin/sh\necho hello\n',
    });
    const archive = async (name: string, files: Record<string, string>) =>
      writeFile(join(folder, 'files', name), tarGz(files));
    await archive('portal-7.2.tar.gz', {
      'bin/one.sh': 'yum\n',
      'bin/two.sh': 'yum\n',
      'conf/app.conf': 'DEBUG localhost\n',
    });
    await archive('agent-1.4.tar.gz', { 'agent/agent.conf': 'x=1\n' });
    await archive('fix-3.tar.gz', { 'bin/two.sh': 'yum, fixed\n' });
    const { status, stderr } = await prestage('init --yes', { cwd: folder });
    expect(status, stderr).toBe(0);
    const config = await readFile(join(folder, 'prestage.config.yaml'), 'utf8');
    expect(config.replace(/schema=.*/, 'schema=…').replace(/^name: .*/m, 'name: …')).toMatchSnapshot();
    const { result } = await prestage('deploy --prepare-files-only --json', { cwd: folder });
    expect(result).toMatchObject({ ok: true, phase1: 'prepared' });
    const opt = join(folder, '.prestage/local/releases', result.release, 'opt');
    expect(await readFile(join(opt, 'portal/bin/two.sh'), 'utf8')).toBe('dnf, fixed\n');
    expect(await readFile(join(opt, 'portal/conf/app.conf'), 'utf8')).toBe('INFO localhost\n');
    expect(await readFile(join(opt, 'portal/scripts/hello.sh'), 'utf8')).toContain('hello');
    expect(await readFile(join(opt, 'agent/agent.conf'), 'utf8')).toBe('x=1\n');
  });

  test('takes an unpacked product for one package, for all the jars in it', async () => {
    const folder = await folderWith({ 'product/lib/a.jar': 'PK', 'product/conf/x.conf': '', 'jars/b.jar': 'PK' });
    const { result } = await prestage('init --yes --json', { cwd: folder });
    const packages = [{ source: 'product' }, { source: 'jars/b.jar' }];
    expect(result).toMatchObject({ proposal: { packages } });
  });

  test.skipIf(lacks('patch'))(
    'changes no configuration that is there, and shows what it would add as a diff that patch applies',
    async () => {
      const folder = await teamFolder();
      const config = `name: ours
packages:
    # Ours, with four blanks.
    docs: { source: README.md }
    tomcat:
        source: ./apache-tomcat-9.0.85.tar.gz
        extract: { strip: 1 }
        steps:
            - patch: patches/10-port.patch
            # - remove: [webapps/]

environments:
    local: { target: local }
`;
      await writeFile(join(folder, 'prestage.config.yaml'), config);
      const { stdout, status } = await prestage('init --yes', { cwd: folder });
      expect(status).toBe(0);
      const diff = stdout.slice(stdout.indexOf('---'));
      expect(diff).toMatchSnapshot();
      expect(await readFile(join(folder, 'prestage.config.yaml'), 'utf8')).toBe(config);
      // Another reader of diffs takes it, and the result deploys.
      execFileSync('patch', ['-p0'], { cwd: folder, input: diff });
      const { result } = await prestage('deploy --prepare-files-only --json', { cwd: folder });
      expect(result).toMatchObject({ ok: true, phase1: 'prepared' });
      expect((await prestage('init --yes', { cwd: folder })).stdout).toBe('');
    },
  );

  test('shows lines with a plus where a configuration is no YAML in blocks', async () => {
    const folder = await teamFolder();
    await writeFile(join(folder, 'prestage.config.yml'), 'name: ours\npackages: { docs: { source: README.md } }\n');
    const { stdout } = await prestage('init --yes', { cwd: folder });
    expect(stdout).toContain(
      '+ packages:\n+   # tar.gz, 3 files, all of them in apache-tomcat-9.0.85/\n+   apache-tomcat:\n',
    );
    expect(stdout).not.toContain('prestage.config');
  });

  test('runs the scripts of services with the ports, checks and order that Docker Compose has', async () => {
    const [api = 0, web = 0] = await freePorts(2);
    const server = (text: string) =>
      `#!/usr/bin/env node\nrequire('node:http').createServer((_, to) => to.end('${text}')).listen(process.env.PRESTAGE_PORT, process.env.PRESTAGE_HOST);\n`;
    const folder = await folderWith({
      'hosts/api-run.sh': server('api'),
      'hosts/web-run.sh': server('web'),
      'files/page.html': 'hello',
      'compose.yaml': `services:
  web: { image: "nginx:1.27", ports: ["127.0.0.1:${web}:80"], depends_on: [api] }
  api:
    build: .
    ports: [{ published: ${api}, target: 80 }]
    depends_on: { db: { condition: service_healthy } }
    healthcheck: { test: "curl -f http://localhost:80/ready || exit 1" }
  db: { image: "docker.io/library/postgres:16.2-alpine" }
  cache: { image: redis }
`,
    });
    await prestage('init --yes', { cwd: folder });
    const config = await readFile(join(folder, 'prestage.config.yaml'), 'utf8');
    const services = config.slice(config.indexOf('services:'), config.indexOf('environments:'));
    expect(services.replaceAll(`${api}`, '8001').replaceAll(`${web}`, '8002')).toMatchSnapshot();
    try {
      const { result, stderr } = await prestage('deploy --json', { cwd: folder });
      expect(result, stderr).toMatchObject({ ok: true, phase2: 'applied' });
      expect(await (await fetch(`http://127.0.0.1:${web}`)).text()).toBe('web');
    } finally {
      await prestage('destroy --yes', { cwd: folder });
    }
  });

  test('takes a patch to the package that it applies to, of those with files of its names', async () => {
    const change = (from: string) => `--- a/conf/x\n+++ b/conf/x\n@@ -1 +1 @@\n-${from}\n+new ${from}\n`;
    const folder = await folderWith({
      'nine.patch': change('9'),
      'ten.patch': change('10'),
      'none.patch': change('7'),
    });
    for (const version of ['9', '10'])
      await writeFile(join(folder, `tom-${version}.tar.gz`), tarGz({ [`tom-${version}/conf/x`]: `${version}\n` }));
    const { result } = await prestage('init --yes --json', { cwd: folder });
    const fault = expect.stringContaining('does not apply');
    const packages = [
      { source: 'tom-10.tar.gz', steps: [{ from: 'ten.patch' }] },
      { source: 'tom-9.tar.gz', steps: [{ from: 'nine.patch' }, { from: 'none.patch', fault }] },
    ];
    expect(result).toMatchObject({ proposal: { packages } });
  });

  test('--example is the example, whatever lies there', async () => {
    const folder = await teamFolder();
    await prestage('init --example --yes', { cwd: folder });
    expect(await readFile(join(folder, 'prestage.config.yaml'), 'utf8')).toContain('source: files/product');
  });

  test('a quilt series, a folder to patch, an archive that is refused, and names that YAML would take for something else', async () => {
    const folder = await folderWith({
      'vendor/series': '10-port.patch\n',
      'vendor/10-port.patch': patch('8080', '9090'),
      'on/conf/server.xml': SERVER,
      'on/bin/run.sh': '#!/bin/sh\n',
      'on/a/b/c/d/deep.txt': 'x',
      'env.prod.yaml':
        'region: eu-central-1\nreplicas: 3\ndb_host: db.internal\ntls: true\nzip: "0123"\ndb_password: never\ntags: { a: b }\n',
      '007': '#!/bin/sh\n',
    });
    await mkdir(join(folder, 'unsafe'));
    await writeFile(join(folder, 'unsafe/escape-1.0.tar.gz'), tarGz({ '../escape': 'x' }));
    const { status, stderr } = await prestage('init --yes', { cwd: folder });
    expect(status, stderr).toBe(0);
    const config = await readFile(join(folder, 'prestage.config.yaml'), 'utf8');
    expect(config.replace(/schema=.*/, 'schema=…').replace(/^name: .*/m, 'name: …')).toMatchSnapshot();
    expect((await prestage('deploy --prepare-files-only --json', { cwd: folder })).result).toMatchObject({ ok: true });
  });
});
