import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { awsTool } from '../../requirements.js';
import { until } from '../../until.js';
import type { Region, RegionInstance } from '../region.js';
import { makeMachineNetwork, removeNetwork } from './network.js';
import { ready, SERVICES } from './services.js';
import { partsOf } from './user-data.js';

const run = promisify(execFile);
const here = (name: string) => fileURLToPath(new URL(`./${name}`, import.meta.url));

/** As much of what a machine prints as EC2 keeps. */
const CONSOLE_CHARS = 64 * 1024;
/** What processes have to end by themselves. */
const GRACE_MS = 2000;

export interface GuestSettings {
  region: Region;
  instance: RegionInstance;
  /** Of the network that its VPC is. */
  network: string;
  /** Its own namespace's. */
  name: string;
  /** The address range of its VPC. */
  range: string;
  folder: string;
  /** Where each file system is a folder. */
  fileSystems: string;
  /** The path of a socket that is the region's endpoint. */
  endpoint: string;
  /** Of the machine's own asks: `install`, `mount`, `off`. @returns what it is told */
  answer(what: string, given: URLSearchParams): Promise<string>;
}

/** A machine: namespaces, a disk, and process 1 in them while it is on. */
export class Guest {
  readonly instance: RegionInstance;
  /** When its last start was, by performance.now(). */
  startedAt = 0;
  /** What it printed. */
  console = '';
  /** Whether process 1 is there. */
  on = false;
  /** Whether its instance is not to run. */
  off = false;
  readonly #settings: GuestSettings;
  #server: Server | undefined;
  #holder: ChildProcess | undefined;
  #init: ChildProcess | undefined;
  #starts = 0;

  constructor(settings: GuestSettings) {
    this.#settings = settings;
    this.instance = settings.instance;
  }

  /** Powers it on. */
  async start(): Promise<void> {
    if (this.#holder === undefined) await this.#make();
    await this.#writeParts();
    this.#starts += 1;
    this.startedAt = performance.now();
    const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
    this.#init = spawn(
      'setpriv',
      [
        ...['--pdeathsig', 'KILL', 'nsenter', ...this.#namespaces()],
        ...[
          'unshare',
          '--mount',
          '--pid',
          '--fork',
          '--kill-child=KILL',
          `--root=${join(this.#settings.folder, 'disk/root')}`,
        ],
        ...['/bin/bash', '/run/guest/machine/init.sh'],
      ],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { PATH: path, LANG: 'C.UTF-8', AWS_ENDPOINT_URL: this.#settings.region.endpoint },
      },
    );
    this.on = true;
    const init = this.#init;
    for (const stream of [init.stdout, init.stderr]) {
      stream?.on('data', (data: Buffer) => {
        this.console = (this.console + data.toString()).slice(-CONSOLE_CHARS);
      });
    }
    init.once('exit', () => {
      if (init === this.#init) this.on = false;
    });
  }

  /** Pulls the plug. */
  async kill(): Promise<void> {
    const init = this.#init;
    if (init === undefined || init.exitCode !== null || init.signalCode !== null) return;
    const ended = once(init, 'exit');
    init.kill('SIGKILL');
    await ended;
    this.on = false;
  }

  /** Presses the power button: processes are told to end before. */
  async powerOff(): Promise<void> {
    if (!this.on) return;
    await this.run('kill -TERM -1').catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, GRACE_MS));
    await this.kill();
  }

  /** Runs a command of sh in the machine, as somebody who is logged in. */
  async run(command: string): Promise<string> {
    const outer = this.#init?.pid;
    // It is there soon after its start.
    const pid = await until(`process 1 of ${this.instance.id}`, async () => {
      const [first] = (await readFile(`/proc/${outer}/task/${outer}/children`, 'utf8')).split(' ');
      return first !== '' && first;
    });
    const { stdout } = await run('nsenter', ['-t', pid, '-m', '-n', '-p', '-r', '-w', 'sh', '-c', command], {
      env: { PATH: '/usr/sbin:/usr/bin', HOME: '/root', AWS_ENDPOINT_URL: this.#settings.region.endpoint },
    });
    return stdout;
  }

  /** Where a path of the machine is, while the machine is there. */
  async read(path: string): Promise<string> {
    return readFile(join(`/proc/${this.#holder?.pid}/root`, this.#settings.folder, 'disk/root', path), 'utf8');
  }

  /** What its names resolve to. */
  async writeHosts(names: Readonly<Record<string, readonly string[]>>): Promise<void> {
    const { instance, region, folder } = this.#settings;
    const own = `ip-${instance.address.replaceAll('.', '-')}.${region.name}.compute.internal`;
    const lines = Object.entries(names).flatMap(([name, addresses]) =>
      addresses.map((address) => `${address} ${name}`),
    );
    // In place: another file of its name would not be seen.
    await writeFile(
      join(folder, 'hosts'),
      ['127.0.0.1 localhost', `${instance.address} ${own}`, ...lines, ''].join('\n'),
    );
  }

  async writeMetadata(credentials: unknown): Promise<void> {
    const { instance, region, folder } = this.#settings;
    const role = instance.role?.split('/').at(-1);
    const values: Record<string, string> = {
      'meta-data/instance-id': instance.id,
      'meta-data/local-ipv4': instance.address,
      'meta-data/instance-type': instance.type,
      'meta-data/ami-id': instance.image ?? '',
      'meta-data/placement/region': region.name,
      'meta-data/placement/availability-zone': instance.zone,
      'dynamic/instance-identity/document': JSON.stringify({
        ...{ region: region.name, instanceId: instance.id, privateIp: instance.address },
        availabilityZone: instance.zone,
      }),
      'user-data': Buffer.from(instance.userData, 'base64').toString(),
      ...(role === undefined
        ? {}
        : {
            'meta-data/iam/info': JSON.stringify({ Code: 'Success', InstanceProfileArn: instance.profile }),
            [`meta-data/iam/security-credentials/${role}`]: JSON.stringify(credentials),
          }),
    };
    if (instance.metadataTags)
      for (const [tag, value] of Object.entries(instance.tags)) values[`meta-data/tags/instance/${tag}`] = value;
    await writeFile(join(folder, 'metadata.json'), JSON.stringify(values));
  }

  /** Removes all of it. */
  async remove(): Promise<void> {
    await this.kill();
    this.#holder?.kill('SIGKILL');
    await removeNetwork(this.#settings.name);
    this.#server?.closeAllConnections();
    this.#server?.close();
    await rm(this.#settings.folder, { recursive: true, force: true });
  }

  async #make(): Promise<void> {
    const { folder, name, network, instance, range, region, endpoint, fileSystems } = this.#settings;
    for (const each of ['disk', 'run/file-systems']) await mkdir(join(folder, each), { recursive: true });
    await writeFile(join(folder, 'run/node'), '');
    await writeFile(join(folder, 'run/endpoint'), region.endpoint);
    await cp(here('machine'), join(folder, 'run/machine'), { recursive: true });
    await symlink(awsTool('aws'), join(folder, 'run/aws'));
    await this.#answer(join(folder, 'run/guest.sock'));
    await makeMachineNetwork(name, { network, port: `v${instance.id.slice(-12)}`, address: instance.address, range });
    const metadata = ['--metadata', join(folder, 'metadata.json')];
    this.#holder = spawn(
      'setpriv',
      [
        ...[
          '--pdeathsig',
          'KILL',
          'nsenter',
          `--net=/run/netns/${name}`,
          'unshare',
          '--mount',
          here('machine/disk.sh'),
        ],
        ...[join(folder, 'disk'), join(folder, 'run'), fileSystems, process.execPath, join(folder, 'hosts')],
        ...[process.execPath, SERVICES, ...metadata, `127.0.0.1:${region.port}=${endpoint}`],
      ],
      { stdio: ['pipe', 'pipe', 'inherit'], env: { PATH: process.env.PATH } },
    );
    await ready(this.#holder, `machine ${instance.id}`);
  }

  #namespaces(): string[] {
    const of = `/proc/${this.#holder?.pid}/ns`;
    return [`--net=${of}/net`, `--mount=${of}/mnt`];
  }

  async #writeParts(): Promise<void> {
    const parts = join(this.#settings.folder, 'run/parts');
    await rm(parts, { recursive: true, force: true });
    await mkdir(parts);
    const wanted = partsOf(Buffer.from(this.instance.userData, 'base64'));
    for (const [index, { script, when }] of wanted.entries()) {
      if (when === 'once' && this.#starts > 0) continue;
      const file = join(parts, `part-${String(index + 1).padStart(3, '0')}`);
      await writeFile(file, script);
      await chmod(file, 0o700);
    }
  }

  async #answer(socket: string): Promise<void> {
    this.#server = createServer(async (request, response) => {
      const url = new URL(request.url ?? '', 'http://guest');
      let body = '';
      for await (const data of request) body += data;
      const given = new URLSearchParams([...url.searchParams, ...new URLSearchParams(body)]);
      const what = url.pathname.split('/').at(-1) ?? '';
      response.end(
        await this.#settings.answer(what, given).catch((error: unknown) => `the emulated machine: ${error}`),
      );
    });
    this.#server.listen(socket);
    await once(this.#server, 'listening');
  }
}
