import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { prestage } from '../prestage.js';
import { lacks } from '../requirements.js';
import { sourcePackages } from './archive.js';
import { applySeries, type Entries, sourceEntries, unpackBoth } from './quilt-tree.js';

/**
 * Patches that nobody here wrote: the quilt series of Debian's source packages, by hundreds of authors over thirty years,
 * from `diff -u`, quilt, git, CVS and by hand. dpkg-source applies them with GNU patch
 * (`-t -F 0 -N -p1 -u -V never -E`, Dpkg::Source::Quilt); a `patch` step must make the same tree of them, byte for byte.
 */
const PACKAGES = `
  acct apache-log4j1.2 at atftp bzip2 catdoc cdparanoia cron daemontools dash djbdns dnsmasq expect fig2dev file
  giflib html2text id3lib3.8.3 inetutils jbigkit jhead less libtar lrzsz lua5.1 minizip mp3gain ncompress
  netcat-openbsd newt openbsd-inetd patch procmail psutils recode screen tcp-wrappers tftp-hpa tiff tinyxml
  ucspi-tcp unzip vsftpd xinetd zip zziplib`
  .trim()
  .split(/\s+/);

/** An archive may have lost some of them; with fewer than this many, this shows too little. */
const ENOUGH = 25;

/** Small ones, which the real command prepares as well. */
const BY_COMMAND = ['cdparanoia', 'cron', 'djbdns', 'minizip', 'procmail'];

describe.skipIf(lacks('dpkgSource'))('as dpkg-source does, a step applies the quilt series (needs apt) of', () => {
  let found = new Map<string, string>();
  const compared = { packages: 0, patches: 0 };

  beforeAll(async () => {
    found = await sourcePackages(PACKAGES);
  }, 180_000);

  test.concurrent.for(PACKAGES)('%s', async (name, { skip, onTestFinished }) => {
    const dsc = found.get(name) ?? skip('the archive does not have it');
    const folder = await temporaryFolder(onTestFinished);
    const { unpatched, patched } = await unpackBoth(dsc, folder);
    const ours = join(folder, 'ours');
    await mkdir(ours);
    const patches = await applySeries(unpatched, ours);
    const expected = sourceEntries(patched);
    expect(expected).not.toEqual(sourceEntries(unpatched));
    expect(sourceEntries(ours)).toEqual(expected);
    compared.packages += 1;
    compared.patches += patches;
  });

  test(`at least ${ENOUGH} of these packages`, ({ skip }) => {
    if (found.size < ENOUGH && !process.env.CI) {
      console.warn(`SKIPPED: apt got ${found.size} source packages, and ${ENOUGH} are needed`);
      skip('the archive cannot be reached, or has too few of them');
    }
    console.info(`compared ${compared.packages} source packages, ${compared.patches} patches`);
    expect(compared.packages).toBeGreaterThanOrEqual(ENOUGH);
  });

  test('some of them, by the command', async ({ skip, onTestFinished }) => {
    const names = BY_COMMAND.filter((name) => found.has(name));
    if (names.length === 0) skip('the archive has none of them');
    const folder = await temporaryFolder(onTestFinished);
    const expected: Record<string, Entries> = {};
    const packages: Record<string, object> = {};
    for (const name of names) {
      const { patched } = await unpackBoth(found.get(name) ?? '', join(folder, name));
      expected[name] = sourceEntries(patched);
      const source = `${name}/unpatched`;
      packages[name] = { source, steps: [{ patch: `${source}/debian/patches/series` }] };
    }
    const environments = { local: { target: 'local', root: 'root' } };
    const config = { name: 'debian', packages, services: {}, environments };
    await writeFile(join(folder, 'prestage.config.json'), JSON.stringify(config));
    const run = await prestage('deploy --prepare-files-only --json', { cwd: folder });
    expect(run.result.ok, run.stdout).toBe(true);
    const release = join(run.result.root, 'releases', run.result.release);
    for (const name of names) expect(sourceEntries(await realpath(join(release, name)))).toEqual(expected[name]);
  });
});

async function temporaryFolder(onTestFinished: TestContext['onTestFinished']): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'prestage-quilt-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
