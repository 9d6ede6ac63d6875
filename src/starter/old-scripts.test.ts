import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { heredocs, oldWork } from './old-scripts.js';
import { substitution } from './sed.js';

const work = (text: string, variables: [string, string][] = []) =>
  oldWork({ path: 'deploy.sh', text, line: 1 }, new Map(variables));

describe('what an older script does to files', () => {
  test.each<[string, object[]]>([
    ['unzip -qo /tmp/a.zip -d /mnt/efs/opt/a', [{ kind: 'unpack', archive: '/tmp/a.zip', to: 'opt/a', strip: 0 }]],
    [
      'EFS=/mnt/efs\ncd "$EFS/opt" && tar -xzf $HOME/b.tar.gz --strip-components=1 -C b',
      [{ kind: 'unpack', archive: `\${HOME}/b.tar.gz`, to: 'opt/b', strip: 1 }],
    ],
    [
      `if true; then sudo sed -i.bak -e 's|/old/dir|/new|g' \\\n  \${root}/opt/a/conf/x.conf; fi`,
      [{ kind: 'replace', files: ['opt/a/conf/x.conf'], search: '/old/dir', to: '/new', regex: false }],
    ],
    [
      `for f in a.sh b.sh; do\n  sed -i "s/x/y/" /efs/opt/a/$f\ndone`,
      [
        { kind: 'replace', files: ['opt/a/a.sh'], at: 'deploy.sh:2' },
        { kind: 'replace', files: ['opt/a/b.sh'], firstOnly: true },
      ],
    ],
    [
      `find /efs/opt/a -name '*.sh' -exec chmod +x {} \\;\nfind /efs/opt/a -type f -name '*.conf' | xargs sed -i 's/x/y/g'`,
      [
        { kind: 'chmod', file: 'opt/a/**/*.sh', mode: '755' },
        { kind: 'replace', files: ['opt/a/**/*.conf'] },
      ],
    ],
    ['find /efs/opt/a -mtime +3 -exec rm {} +', [{ kind: 'unknown', paths: ['opt/a'] }]],
    ['mount -t efs fs-1:/ /shared\nchmod 644 /shared/a/b', [{ kind: 'chmod', file: 'a/b', mode: '644' }]],
    [
      'curl -fsS https://a.example/a.tar.gz | tar xz -C /efs/opt',
      [{ kind: 'download' }, { kind: 'unpack', archive: 'https://a.example/a.tar.gz', to: 'opt' }],
    ],
    [
      'aws s3 cp files/a.zip s3://b/a.zip; aws s3 cp s3://b/a.jar /efs/lib/',
      [{ kind: 'upload', file: 'files/a.zip' }, { kind: 'download' }, { kind: 'copy', to: 'lib/' }],
    ],
    // What these do is not understood; what they name tells whether it matters.
    ['cat > /efs/opt/a/x <<END\nrm -rf /\nEND\n', [{ kind: 'unknown', paths: ['opt/a/x'] }]],
    ['echo a=1 >> /efs/opt/a/x 2>/dev/null', [{ kind: 'unknown', paths: ['opt/a/x'] }]],
    ['sed "s/a/b/" /efs/x > /efs/y', [{ kind: 'unknown', paths: ['y'] }]],
    ['mv /efs/opt/a/x /efs/opt/a/y', [{ kind: 'unknown', paths: ['opt/a/x', 'opt/a/y'] }]],
    ['sed -i "s/localhost/$DB_HOST/" /efs/opt/a/x', [{ kind: 'unknown', paths: ['opt/a/x'] }]],
    ['mkdir -p /efs/opt/a; ls /efs >/dev/null; echo done', []],
    ['cp conf/a.properties /efs/opt/a/conf/ # ours', [{ kind: 'copy', file: 'conf/a.properties', to: 'opt/a/conf/' }]],
    ['patch -p1 -d /efs/opt/a < fixes/1.patch', [{ kind: 'patch', file: 'fixes/1.patch', folder: 'opt/a', strip: 1 }]],
    ['chmod +x /efs/opt/a/bin/run.sh', [{ kind: 'chmod', file: 'opt/a/bin/run.sh', mode: '755' }]],
    ['rm -rf /efs/opt/a/docs', [{ kind: 'remove', file: 'opt/a/docs' }]],
    ["sed -i '/^#/d' /efs/opt/a/x", [{ kind: 'unknown', text: "sed -i '/^#/d' /efs/opt/a/x" }]],
    ['sed -n s/a/b/p x; tar -czf back.tar.gz x; # unzip no.zip', []],
  ])('%s', (script, expected) => {
    expect(work(script)).toMatchObject(expected);
  });

  test('is found in the user data of Terraform, with the lines of that file', () => {
    const terraform =
      'resource "aws_instance" "jump" {\n  user_data = <<-EOF\n    #!/bin/sh\n    unzip x.zip -d /efs/opt/x\n  EOF\n}\n';
    const [script] = heredocs('main.tf', terraform);
    expect(script && oldWork(script, new Map())).toMatchObject([{ kind: 'unpack', at: 'main.tf:4', to: 'opt/x' }]);
  });
});

/** What the step would do, which counts places over the whole file. */
const replaced = (text: string, script: string, extended: boolean) => {
  const found = substitution(script, extended);
  if (found === undefined) return undefined;
  return found.regex ? text.replace(new RegExp(found.from, 'gm'), found.to) : text.split(found.from).join(found.to);
};

// GNU's, whose expressions those scripts are written in.
describe.skipIf(process.platform !== 'linux')('on Linux, a substitution does what sed does', () => {
  const text = 'yum -y install a+b (c) 1.2.3\nhome=/opt/x\nport = 8080\nprice=$5 & more\n';
  test.each([
    ['s/yum -y/dnf -y/g', false],
    ['s|/opt/x|/srv/y|', false],
    ['s/a+b/A/g', false],
    ['s/a+b/A/g', true],
    ['s/(c)/[&]/g', false],
    ['s/\\(port\\) = \\([0-9]*\\)/\\1=\\2/g', false],
    ['s/(port) = ([0-9]+)/\\1=\\2/g', true],
    ['s/^home=.*$/home=\\/usr/g', false],
    ['s/1\\.2\\.3/1.2.4/g', false],
    ['s/\\$5/$6/g', false],
    ['s/price/\\&/g', false],
    ['s/[0-9]\\{4\\}/N/g', false],
    ['s#x\\|b#Y#g', false],
    ['s/$5/five/g', false],
    ['s/install/in^s*tall/g', false],
    ['s/m[^a]*/M/g', false],
    ['s/[[:digit:]]\\+/N/g', false],
    ['s/[[:space:]]*=[[:space:]]*/=/', false],
    ['s/\\s\\+/_/g', false],
    ['s/\\<port\\>/the\\tport\\nis/', false],
    ['s/[a\\]*+b/X/g', false],
    ['s/(.)\\.(.)/\\2.\\1$&/', true],
  ])('%s, extended: %s', (script, extended) => {
    const folder = mkdtempSync(join(tmpdir(), 'prestage-sed-'));
    try {
      writeFileSync(join(folder, 'file'), text);
      execFileSync('sed', [...(extended ? ['-E'] : []), '-i', script, 'file'], { cwd: folder });
      expect(replaced(text, script, extended)).toBe(readFileSync(join(folder, 'file'), 'utf8'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test.each(['d', 's/a/b/2', 's/a/b/I', 'y/a/b/', 's/a/b/; s/c/d/', 's/a/\\U&/', 's/[[.a.]]/b/', 's/a\\nb/c/'])(
    '%s is not translated',
    (script) => {
      expect(substitution(script, false)).toBeUndefined();
    },
  );
});
