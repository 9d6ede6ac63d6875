import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { repository } from '../prestage.js';
import { goTool } from '../requirements.js';
import { until } from '../until.js';

const here = dirname(fileURLToPath(import.meta.url));

export interface Answer {
  status: number | null;
  stdout: string;
  stderr: string;
  /** By the machine's clock. */
  ms: number;
}

/** A client of the machine's NFS server; the server itself is none. */
export type Client = 'a' | 'b' | 'c';

/** A machine with a kernel of its own, in qemu. Its processor is emulated: some fifteen times slower than this one's. */
export class Machine {
  readonly #qemu: ChildProcess;
  readonly #folder: string;
  readonly #port: Socket;
  readonly #asked = new Map<number, (answer: Answer) => void>();
  readonly #ended: Promise<never>;
  #last = 0;

  private constructor(qemu: ChildProcess, ended: Promise<never>, folder: string, path: string) {
    this.#qemu = qemu;
    this.#ended = ended;
    this.#folder = folder;
    this.#port = createConnection(path);
  }

  /** Boots one that has the built command as `prestage`, and `files` in /opt. */
  static async boot(files: Readonly<Record<string, Buffer | string>>): Promise<Machine> {
    const built = builtMachine();
    const folder = mkdtempSync(join(tmpdir(), 'prestage-machine-'));
    const disk = diskOf(folder, files);
    const path = join(folder, 'control');
    let said = '';
    // It must not outlive the tests, however they end.
    const qemu = spawn(
      'setpriv',
      [
        ...['--pdeathsig', 'KILL', 'qemu-system-x86_64'],
        ...['-nographic', '-no-reboot', '-nodefaults', '-serial', 'stdio', '-smp', '2', '-m', '3072'],
        // Not KVM: in a machine that is itself one of a cloud, it is often not there, or not whole.
        ...['-accel', 'tcg,thread=multi', '-cpu', 'max'],
        ...['-kernel', join(built, 'vmlinuz'), '-initrd', join(built, 'first.gz')],
        ...['-append', 'console=ttyS0 quiet panic=-1 mitigations=off'],
        ...['-drive', `file=${join(built, 'base.img')},format=raw,if=virtio,snapshot=on`],
        ...['-drive', `file=${disk},format=raw,if=virtio,readonly=on`],
        ...['-chardev', `socket,path=${path},server=on,wait=off,id=control`],
        ...['-device', 'virtio-serial', '-device', 'virtserialport,chardev=control'],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    for (const output of [qemu.stdout, qemu.stderr])
      output.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    const ended = once(qemu, 'exit').then(() => Promise.reject(new Error(`The machine ended. It said:\n${said}`)));
    ended.catch(() => undefined);
    await Promise.race([until('the machine to have a port', () => existsSync(path)), ended]);
    const machine = new Machine(qemu, ended, folder, path);
    try {
      await Promise.race([machine.#ready(), ended, late(() => `The machine is not up in time. It said:\n${said}`)]);
    } catch (error) {
      await machine.off();
      throw error;
    }
    return machine;
  }

  /** Runs a command of bash, as a client or on the server, to its end. */
  run(where: Client | 'server', command: string): Promise<Answer> {
    this.#last += 1;
    const id = this.#last;
    const client = where === 'server' ? {} : { client: where };
    const answer = new Promise<Answer>((resolve) => this.#asked.set(id, resolve));
    this.#port.write(`${JSON.stringify({ id, ...client, command })}\n`);
    return Promise.race([answer, this.#ended]);
  }

  /** As `run`, for what has to succeed. @returns what it printed */
  async must(where: Client | 'server', command: string): Promise<string> {
    const { status, stdout, stderr } = await this.run(where, command);
    if (status !== 0) throw new Error(`${where}: ${command}\nended with ${status}.\n${stdout}\n${stderr}`);
    return stdout;
  }

  async off(): Promise<void> {
    const ended = once(this.#qemu, 'exit');
    this.#qemu.kill();
    await ended;
    this.#port.destroy();
    rmSync(this.#folder, { recursive: true });
  }

  #ready(): Promise<void> {
    return new Promise((resolve) => {
      createInterface({ input: this.#port }).on('line', (line) => {
        const { id, ready, ...answer } = JSON.parse(line) as Answer & { id: number; ready?: true };
        if (ready) resolve();
        this.#asked.get(id)?.(answer);
        this.#asked.delete(id);
      });
    });
  }
}

const BOOT_LIMIT_MS = 100_000;

function late(why: () => string): Promise<never> {
  return new Promise((_, reject) => setTimeout(() => reject(new Error(why())), BOOT_LIMIT_MS).unref());
}

/** The folder of the machine that build.sh made: once, and again where the script has changed. */
function builtMachine(): string {
  const script = join(here, 'build.sh');
  const folder = join(goTool('machine'), createHash('sha256').update(readFileSync(script)).digest('hex').slice(0, 12));
  if (existsSync(folder)) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  for (const old of readdirSync(dirname(folder))) rmSync(join(dirname(folder), old), { recursive: true });
  const making = `${folder}.${process.pid}`;
  execFileSync(script, [making], { stdio: 'inherit' });
  renameSync(making, folder);
  return folder;
}

/** A disk with what this run brings: Node, the built command, the machine's own scripts, and `files`. */
function diskOf(folder: string, files: Readonly<Record<string, Buffer | string>>): string {
  const content = join(folder, 'opt');
  cpSync(join(repository, 'dist'), join(content, 'prestage/dist'), { recursive: true });
  copyFileSync(join(repository, 'package.json'), join(content, 'prestage/package.json'));
  copyFileSync(process.execPath, join(content, 'node'));
  for (const script of ['init.sh', 'control.mjs']) copyFileSync(join(here, script), join(content, script));
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(content, name), bytes);
  const disk = join(folder, 'opt.img');
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-O', '^has_journal', '-d', content, disk, '400M']);
  rmSync(content, { recursive: true });
  return disk;
}
