import type { ChildProcess } from 'node:child_process';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RegionMachines } from '../region.js';
import { addAddress, removeAddress } from './network.js';
import { ready, services } from './services.js';

/**
 * The network load balancers of one network: for each listener a program in it that takes connections and passes them on. It goes on
 * while its targets change, as they do in a file.
 */
export class Balancers {
  readonly #folder: string;
  readonly #addresses = new Set<string>();
  readonly #listeners = new Map<string, { file: string; targets: string; process: ChildProcess }>();

  /** `folder`: where the files are. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async become(network: string, range: string, wanted: RegionMachines['balancers']): Promise<void> {
    for (const { address } of wanted) {
      if (this.#addresses.has(address)) continue;
      this.#addresses.add(address);
      await addAddress(network, address, range);
    }
    const listeners = new Map(
      wanted.flatMap(({ address, listeners }) =>
        listeners.map(({ port, targets }) => [
          `${address}:${port}`,
          targets.map((it) => `${it.address}:${it.port}\n`).join(''),
        ]),
      ),
    );
    for (const [from, { process }] of this.#listeners) {
      if (listeners.has(from)) continue;
      process.kill('SIGKILL');
      this.#listeners.delete(from);
    }
    for (const [from, targets] of listeners) {
      const known = this.#listeners.get(from);
      if (known?.targets === targets) continue;
      const file = join(this.#folder, `targets-${from}`);
      await writeFile(`${file}.new`, targets);
      await rename(`${file}.new`, file);
      if (known) known.targets = targets;
      else this.#listeners.set(from, { file, targets, process: await listener(network, `${from}=@${file}`) });
    }
    for (const address of this.#addresses) {
      if (wanted.some((it) => it.address === address)) continue;
      this.#addresses.delete(address);
      await removeAddress(network, address, range);
    }
  }

  stop(): void {
    for (const { process } of this.#listeners.values()) process.kill('SIGKILL');
  }
}

async function listener(network: string, rule: string): Promise<ChildProcess> {
  const process = services([rule], ['nsenter', `--net=/run/netns/${network}`]);
  await ready(process, 'a load balancer');
  return process;
}
