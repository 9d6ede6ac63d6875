import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { repository } from './prestage.js';

/** In a mount namespace of its own. */
const MOUNTS_OVERLAY =
  'mount -t tmpfs it /mnt && cd /mnt && mkdir upper work root && mount -t overlay it -o lowerdir=/,upperdir=upper,workdir=work root';

/**
 * What some tests need beyond Node and npm; `scripts/install-test-tools.sh` installs it. Where one is missing the test
 * is skipped, with the reason in one line, and never counted as passed; where `CI` is set it must be there.
 */
const needs = {
  openssl: () => runs('openssl', 'version'),
  curl: () => runs('curl', '--version'),
  patch: () => runs('patch', '--version'),
  mtree: () => runs('sh', '-c', 'command -v mtree'),
  bsdtar: () => runs('bsdtar', '--version'),
  python3: () => runs('python3', '--version'),
  java: () => runs('java', '-version'),
  javac: () => runs('javac', '-version'),
  zip: () => runs('zip', '-v') && runs('unzip', '-v'),
  xz: () => runs('xz', '--version'),
  bzip2: () => runs('sh', '-c', 'command -v bzip2'),
  zstd: () => runs('zstd', '--version'),
  lzip: () => runs('lzip', '--version'),
  lz4: () => runs('lz4', '--version'),
  compress: () => runs('sh', '-c', 'command -v compress'),
  sevenZip: () => runs('7zz', 'i'),
  makeself: () => runs('makeself', '--version'),
  genisoimage: () => runs('genisoimage', '--version'),
  xorriso: () => runs('xorriso', '-version'),
  mkzftree: () => runs('sh', '-c', 'command -v mkzftree'),
  cpio: () => runs('cpio', '--version'),
  go: () => runs('go', 'version'),
  ar: () => runs('ar', '--version'),
  dpkgDeb: () => runs('dpkg-deb', '--version'),
  rpmbuild: () => runs('rpmbuild', '--version') && runs('sh', '-c', 'command -v rpm2cpio'),
  maven: () => runs('mvn', '--version'),
  shellcheck: () => runs('shellcheck', '--version'),
  dash: () => runs('dash', '-c', ':'),
  zsh: () => runs('zsh', '-fc', ':'),
  fish: () => runs('fish', '-Nc', ':'),
  /** A terminal for a program, by util-linux. */
  script: () => runs('script', '-qec', 'true', '/dev/null'),
  /** What makes the documentation a site, in a folder of its own: `npm run site` installs it too. */
  site: () => existsSync(join(repository, 'site/node_modules/@11ty/eleventy')),
  /** A browser, for the page of `report` and for the site. */
  chromium: () => runs('chromium', '--version'),
  tmux: () => runs('tmux', '-V'),
  actionlint: () => runs(goTool('actionlint'), '-version'),
  versitygw: () => runs(goTool('versitygw'), '--version'),
  /** The reference registry of container images, and ORAS, a client of it. */
  registry: () => runs(goTool('registry'), '--version') && runs(goTool('oras'), 'version'),
  /** The emulated AWS region, the AWS command line and cfn-lint. */
  moto: () => runs(awsTool('python3'), '-c', 'import moto.server'),
  awscli: () => runs(awsTool('aws'), '--version'),
  /** What reads YAML 1.1 and 1.2 without us. */
  yamlReaders: () => runs(awsTool('python3'), '-c', 'import tomllib, yaml, ruamel.yaml'),
  cfnLint: () => runs(awsTool('cfn-lint'), '--version'),
  /** The service authorization reference of AWS, as data. */
  parliament: () => runs(awsTool('python3'), '-c', 'import parliament'),
  /** Network and mount namespaces and overlays, for machines of the emulated region. */
  namespaces: () =>
    process.getuid?.() === 0 && runs('ip', 'netns', 'list') && runs('unshare', '--mount', 'sh', '-c', MOUNTS_OVERLAY),
  /** As process 1 of a machine in namespaces of its own. */
  systemd: () => process.getuid?.() === 0 && existsSync('/lib/systemd/systemd') && runs('dbus-daemon', '--version'),
  gcc: () => runs('gcc', '--version'),
  /** Debian's source packages: what unpacks them, and what gets them. */
  dpkgSource: () => runs('dpkg-source', '--version') && runs('apt-get', '--version'),
  /** FUSE: the kernel's device, its mount helper, and what compiles a file system for it. */
  fuse: () => existsSync('/dev/fuse') && runs('fusermount3', '--version') && runs('pkg-config', '--exists', 'fuse3'),
  /** Mounting a file of a file system (a loop device) needs root, and so does making one. */
  loop: () => existsSync('/dev/loop-control') && process.getuid?.() === 0,
  ext4: () => runs('mkfs.ext4', '-V'),
  xfs: () => runs('mkfs.xfs', '-V'),
  btrfs: () => runs('mkfs.btrfs', '--version'),
  /** Mounting a tmpfs needs root. */
  tmpfs: () => process.platform === 'linux' && process.getuid?.() === 0,
  root: () => process.getuid?.() === 0,
  /** Machines with a kernel of their own, in qemu; making one needs Debian's packages. */
  machine: () =>
    process.getuid?.() === 0 &&
    process.arch === 'x64' &&
    runs('qemu-system-x86_64', '--version') &&
    runs('sh', '-c', 'command -v debootstrap && command -v mke2fs && command -v cpio'),
  /** Windows' own Node 20 and 24, and Wine to run them. */
  wine: () => runs('wine', '--version') && [...WINDOWS_NODES, 'prefix'].every((name) => existsSync(windowsTool(name))),
};

/** A program that is built from Go's sources, where scripts/install-test-tools.sh puts it. */
export function goTool(name: string): string {
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'prestage-test-tools', name);
}

/** A program of Python's packages, where scripts/install-test-tools.sh puts them. */
export function awsTool(name: string): string {
  return join(goTool('aws'), 'bin', name);
}

/** Versions of Node for Windows, and where scripts/install-test-tools.sh puts them beside Wine's prefix. */
export const WINDOWS_NODES = ['node-20', 'node-24'] as const;

export function windowsTool(name: string): string {
  return join(goTool('windows'), name);
}

/** What no tool gives. */
const ofTheMachine: ReadonlySet<string> = new Set<Requirement>(['loop', 'tmpfs', 'root']);

export type Requirement = keyof typeof needs;

const known = new Map<Requirement, boolean>();

/** Whether a test has to be skipped: `test.skipIf(lacks('java', 'maven'))(…)`. Throws in CI where something is missing. */
export function lacks(...required: Requirement[]): boolean {
  const missing = required.filter((name) => !has(name));
  if (missing.length === 0) return false;
  const what = `needs ${missing.join(', ')}: ${remedy(missing)}`;
  if (process.env.CI) throw new Error(`CI requires every test to run, and one ${what}`);
  console.warn(`SKIPPED: a test ${what}`);
  return true;
}

function remedy(missing: readonly Requirement[]): string {
  const tools = missing.some((name) => !ofTheMachine.has(name));
  const machine = missing.some((name) => ofTheMachine.has(name));
  return [
    ...(tools ? ['scripts/install-test-tools.sh installs it'] : []),
    ...(machine ? ['run the tests as root on Linux, as CI does'] : []),
  ].join('; ');
}

function has(name: Requirement): boolean {
  const answer = known.get(name) ?? needs[name]();
  known.set(name, answer);
  return answer;
}

function runs(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore', timeout: 30_000 });
    return true;
  } catch {
    return false;
  }
}
