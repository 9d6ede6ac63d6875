import type { ChildProcess } from 'node:child_process';
import type { RegionMachines } from '../region.js';
import { addAddress, removeAddress } from './network.js';
import { ready, services } from './services.js';

/** The network load balancers of one network: programs in it that take connections and pass them on. */
export class Balancers {
  #config = '[]';
  #addresses: string[] = [];
  #process: ChildProcess | undefined;

  async become(network: string, range: string, wanted: RegionMachines['balancers']): Promise<void> {
    const config = JSON.stringify(wanted);
    if (config === this.#config) return;
    this.#config = config;
    this.stop();
    for (const address of this.#addresses) await removeAddress(network, address, range);
    this.#addresses = wanted.map(({ address }) => address);
    for (const address of this.#addresses) await addAddress(network, address, range);
    const rules = wanted.flatMap(({ address, listeners }) =>
      listeners.map(
        ({ port, targets }) => `${address}:${port}=${targets.map((it) => `${it.address}:${it.port}`).join(',')}`,
      ),
    );
    if (rules.length === 0) return;
    this.#process = services(rules, ['nsenter', `--net=/run/netns/${network}`]);
    await ready(this.#process, 'a load balancer');
  }

  stop(): void {
    this.#process?.kill('SIGKILL');
  }
}
