import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PATCH = `--- a/bin/install.sh
+++ b/bin/install.sh
@@ -1,2 +1,2 @@
 #!/bin/sh
-yum -y install java-17
+dnf -y install java-17
`;

/** A folder as a team has it: a vendor's archive, a patch for it, and the script that runs it. `prestage` is in `bin`. */
export async function vendorProject(repository) {
  const root = await mkdtemp(join(tmpdir(), 'prestage-recording-'));
  const [folder, bin, product] = [join(root, 'billing'), join(root, 'bin'), join(root, 'build/billing-2.4.0')];
  for (const path of [join(folder, 'patches'), bin, join(product, 'bin'), join(product, 'lib')])
    await mkdir(path, { recursive: true });
  await symlink(join(repository, 'dist/cli.cjs'), join(bin, 'prestage'));

  await writeFile(join(product, 'bin/install.sh'), '#!/bin/sh\nyum -y install java-17\n');
  await writeFile(join(product, 'bin/server.mjs'), 'setInterval(() => {}, 1000);\n');
  for (let i = 0; i < 1200; i++) await writeFile(join(product, `lib/module-${i}.jar`), String(i).repeat(10_000));
  execFileSync('tar', ['-czf', join(folder, 'billing-2.4.0.tar.gz'), '-C', join(root, 'build'), 'billing-2.4.0']);

  await writeFile(join(folder, 'patches/10-dnf.patch'), PATCH);
  await writeFile(join(folder, 'run-billing.sh'), '#!/bin/sh\nexec node "$PRESTAGE_ROOT/opt/billing/bin/server.mjs"\n');
  await chmod(join(folder, 'run-billing.sh'), 0o755);

  return {
    folder,
    bin,
    async remove() {
      execFileSync(join(bin, 'prestage'), ['destroy', '--purge', '--yes'], { cwd: folder, stdio: 'ignore' });
      await rm(root, { recursive: true });
    },
  };
}
