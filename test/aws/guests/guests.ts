import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Region, RegionInstance, RegionMachines } from '../region.js';
import { Balancers } from './balancers.js';
import { Guest } from './guest.js';
import { isLeftOver, makeNetwork, PREFIX, removeNetwork, sweepNetworks } from './network.js';
import { ready, services } from './services.js';

const POLL_MS = 250;
/** New credentials come long before the old ones, of six hours, are over. */
const CREDENTIALS_MS = 60 * 60_000;

/** What goes wrong with machines, as functions of an instance where it is for some alone. */
export interface GuestFaults {
  /** False: the instance is running, and nothing in it ever does. */
  starts?(instance: RegionInstance): boolean;
  /** False: it goes on though its instance was told to terminate. */
  ends?(instance: RegionInstance): boolean;
  /** For so long after a machine's start, mounting a file system fails: its name does not resolve yet. */
  mountFailsMs?: number;
  /** How many of the next attempts fail so. */
  mountFailures?: number;
  /** What the program that carries NFS over TLS says when it ends at once. */
  tunnelDies?: string;
  /** For so long after a machine's start, its packages cannot be downloaded. */
  installFailsMs?: number;
}

/** The machines of a region's instances: each runs its user data, in namespaces of its own. */
export interface Guests {
  /** From now on; nothing takes all back. */
  faults(faults: GuestFaults): void;
  /** The machine of an instance that was launched, once it is on. */
  find(id: string): Guest | undefined;
  all(): Guest[];
  /** Where the files of a file system are. */
  fileSystem(id: string): string;
  /** The network namespace of a VPC that has machines. */
  networkOf(vpc: string): string | undefined;
  /** Turns a machine off and on again. */
  reboot(id: string): Promise<void>;
  stop(): Promise<void>;
}

let count = 0;

/** Runs the machines of a region until it is stopped, and before that removes what was left by processes that are gone. */
export async function startGuests(region: Region): Promise<Guests> {
  await sweep();
  count += 1;
  const prefix = `${PREFIX}${process.pid}-${count}`;
  const folder = await mkdtemp(join(tmpdir(), `${prefix}-`));
  await mkdir(join(folder, 'file-systems'));
  const guests = new RunningGuests(region, prefix, folder);
  await guests.begin();
  return guests;
}

async function sweep(): Promise<void> {
  await sweepNetworks();
  for (const name of await readdir(tmpdir()))
    if (isLeftOver(name)) await rm(join(tmpdir(), name), { recursive: true, force: true });
}

class RunningGuests implements Guests {
  readonly #region: Region;
  readonly #prefix: string;
  readonly #folder: string;
  readonly #guests = new Map<string, Guest>();
  readonly #networks = new Map<string, { name: string; balancers: Balancers }>();
  readonly #credentials = new Map<string, number>();
  readonly #reported = new Map<string, string>();
  #faults: GuestFaults = {};
  #relay: ChildProcess | undefined;
  #stopped = false;
  #loop = Promise.resolve();

  constructor(region: Region, prefix: string, folder: string) {
    this.#region = region;
    this.#prefix = prefix;
    this.#folder = folder;
  }

  async begin(): Promise<void> {
    this.#relay = services([`${this.#endpoint}=127.0.0.1:${this.#region.port}`]);
    await ready(this.#relay, 'the way to the region');
    this.#loop = this.#watch();
  }

  faults(faults: GuestFaults): void {
    this.#faults = faults;
  }

  find(id: string): Guest | undefined {
    return this.#guests.get(id);
  }

  all(): Guest[] {
    return [...this.#guests.values()];
  }

  fileSystem(id: string): string {
    return join(this.#folder, 'file-systems', id);
  }

  networkOf(vpc: string): string | undefined {
    return this.#networks.get(vpc)?.name;
  }

  async reboot(id: string): Promise<void> {
    const guest = this.#guests.get(id);
    if (guest === undefined) throw new Error(`there is no machine of instance ${id}`);
    await guest.powerOff();
    await guest.start();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loop;
    await Promise.all(this.all().map((guest) => guest.remove()));
    for (const { name, balancers } of this.#networks.values()) {
      balancers.stop();
      await removeNetwork(name);
    }
    this.#relay?.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #endpoint(): string {
    return join(this.#folder, 'endpoint.sock');
  }

  async #watch(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#look(await this.#region.machines());
      } catch (error) {
        if (!this.#stopped) console.error('the emulated machines:', error);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async #look(machines: RegionMachines): Promise<void> {
    await Promise.all(machines.instances.map((instance) => this.#follow(instance, machines)));
    for (const [vpc, { name, balancers }] of this.#networks) {
      const wanted = machines.balancers.filter((balancer) => balancer.vpc === vpc);
      await balancers.become(name, machines.networks[vpc] ?? '', wanted);
    }
    for (const guest of this.all()) {
      const { vpc, zone } = guest.instance;
      const targets = machines.mountTargets.filter((it) => it.vpc === vpc && it.zone === zone);
      const files = Object.fromEntries(targets.map((it) => [it.name, [it.address]]));
      await guest.writeHosts({ ...machines.names[vpc], ...files });
    }
  }

  async #follow(instance: RegionInstance, machines: RegionMachines): Promise<void> {
    const guest = this.#guests.get(instance.id);
    const lives = instance.state === 'pending' || instance.state === 'running';
    if (guest === undefined) {
      if (lives && (this.#faults.starts?.(instance) ?? true)) await this.#launch(instance, machines);
      return;
    }
    guest.instance.tags = instance.tags ?? guest.instance.tags;
    await this.#renewCredentials(guest);
    const wasOff = guest.off;
    guest.off = !lives;
    if (lives && wasOff) await guest.start();
    if (!lives && !wasOff && (this.#faults.ends?.(guest.instance) ?? true)) await guest.powerOff();
    await this.#report(guest);
  }

  async #report({ instance, console: text }: Guest): Promise<void> {
    if (this.#reported.get(instance.id) === text || text === '') return;
    this.#reported.set(instance.id, text);
    await this.#region.console(instance.id, text);
  }

  async #launch(instance: RegionInstance, machines: RegionMachines): Promise<void> {
    const range = machines.networks[instance.vpc] ?? '';
    const guest: Guest = new Guest({
      ...{ region: this.#region, instance, range, endpoint: this.#endpoint },
      network: await this.#network(instance.vpc),
      name: `${this.#prefix}-${instance.id}`,
      folder: join(this.#folder, instance.id),
      fileSystems: join(this.#folder, 'file-systems'),
      answer: (what, given) => this.#answer(guest, what, given),
    });
    this.#guests.set(instance.id, guest);
    await mkdir(join(this.#folder, instance.id));
    await guest.writeHosts(machines.names[instance.vpc] ?? {});
    await this.#renewCredentials(guest);
    await guest.start();
  }

  async #network(vpc: string): Promise<string> {
    const known = this.#networks.get(vpc);
    if (known) return known.name;
    const name = `${this.#prefix}-${vpc}`;
    this.#networks.set(vpc, { name, balancers: new Balancers(this.#folder) });
    await makeNetwork(name);
    return name;
  }

  async #renewCredentials(guest: Guest): Promise<void> {
    const { id } = guest.instance;
    if (performance.now() - (this.#credentials.get(id) ?? Number.NEGATIVE_INFINITY) < CREDENTIALS_MS) return;
    this.#credentials.set(id, performance.now());
    await guest.writeMetadata(await this.#region.credentials(id));
  }

  async #answer(guest: Guest, what: string, given: URLSearchParams): Promise<string> {
    const age = performance.now() - guest.startedAt;
    switch (what) {
      case 'off':
        await guest.kill();
        await this.#report(guest);
        await this.#region.shutDown(guest.instance.id);
        return '';
      case 'install':
        if (age >= (this.#faults.installFailsMs ?? 0)) return 'ok';
        return "Error: Failed to download metadata for repo 'amazonlinux': Cannot download repomd.xml: Cannot download repodata/repomd.xml: All mirrors were tried";
      case 'mount':
        return this.#mount(guest, given.get('what') ?? '', given.get('options') ?? '', age);
      default:
        throw new Error(`nobody knows what ${what} is`);
    }
  }

  async #mount(guest: Guest, what: string, written: string, age: number): Promise<string> {
    const [fileSystem = '', path = '/'] = what.split(':');
    const name = `${fileSystem}.efs.${this.#region.name}.amazonaws.com`;
    const { mountFailsMs = 0, mountFailures = 0 } = this.#faults;
    this.#faults.mountFailures = Math.max(mountFailures - 1, 0);
    if (age < mountFailsMs || mountFailures > 0)
      return `Failed to resolve "${name}" - check that your file system ID is correct, and ensure that the VPC has an EFS mount target for this file system ID.`;
    // test_tunnel_process of amazon-efs-utils prints the first, and writes the second to its log.
    if (this.#faults.tunnelDies)
      return `log Failed to start tunnel (errno=1), stderr="${this.#faults.tunnelDies}".\nFailed to initialize tunnel for ${fileSystem}, please check mount.log for the failure reason.`;
    const options = Object.fromEntries(
      written
        .split(',')
        .map((option) => option.split('='))
        .map(([key = '', value = '']) => [key, value]),
    );
    const answer = await this.#region.mount(guest.instance.id, { fileSystem, path, options });
    if ('refused' in answer) return answer.refused;
    const source = join(this.fileSystem(fileSystem), answer.folder);
    if (answer.folder === '/' || answer.creates) await mkdir(source, { recursive: true });
    if (!existsSync(source)) return "b'mount.nfs4: access denied by server while mounting 127.0.0.1:/'";
    return `${answer.write ? 'rw' : 'ro'} ${fileSystem}${answer.folder}`;
  }
}
