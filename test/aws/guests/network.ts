import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Of all names of network namespaces that are ours: `prestage-guests-<process>-…`. */
export const PREFIX = 'prestage-guests-';

/** A network with nothing in it but a bridge, that stands for a VPC. */
export async function makeNetwork(name: string): Promise<void> {
  await ip('netns', 'add', name);
  await inside(name, 'link', 'set', 'lo', 'up');
  await inside(name, 'link', 'add', 'bridge', 'type', 'bridge');
  await inside(name, 'link', 'set', 'bridge', 'up');
}

/** An address that the network itself answers at: a load balancer's. */
export async function addAddress(network: string, address: string, range: string): Promise<void> {
  await inside(network, 'address', 'add', `${address}/${range.split('/')[1]}`, 'dev', 'bridge');
}

export async function removeAddress(network: string, address: string, range: string): Promise<void> {
  await inside(network, 'address', 'del', `${address}/${range.split('/')[1]}`, 'dev', 'bridge');
}

/** A machine's network: its address in the VPC's, the metadata service's address on itself, and no way elsewhere. */
export async function makeMachineNetwork(
  name: string,
  { network, port, address, range }: { network: string; port: string; address: string; range: string },
): Promise<void> {
  await ip('netns', 'add', name);
  await ip('link', 'add', port, 'netns', network, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
  await inside(network, 'link', 'set', port, 'master', 'bridge', 'up');
  await inside(name, 'link', 'set', 'lo', 'up');
  await inside(name, 'address', 'add', '169.254.169.254/32', 'dev', 'lo');
  await inside(name, 'address', 'add', `${address}/${range.split('/')[1]}`, 'dev', 'eth0');
  await inside(name, 'link', 'set', 'eth0', 'up');
}

/** Kills whatever is in it. */
export async function removeNetwork(name: string): Promise<void> {
  for (;;) {
    const { stdout } = await run('ip', ['netns', 'pids', name]).catch(() => ({ stdout: '' }));
    const pids = stdout.split('\n').filter(Boolean).map(Number);
    if (pids.length === 0) break;
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // it has ended
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await ip('netns', 'del', name).catch(() => {});
}

/** Removes what is left of processes that are gone. */
export async function sweepNetworks(): Promise<void> {
  const names = await readdir('/run/netns').catch((): string[] => []);
  for (const name of names) if (isLeftOver(name)) await removeNetwork(name);
}

/** Whether a name of ours is of a process that is gone. */
export function isLeftOver(name: string): boolean {
  const [, pid] = new RegExp(`^${PREFIX}(\\d+)-`).exec(name) ?? [];
  if (pid === undefined) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch {
    return true;
  }
}

async function ip(...args: string[]): Promise<void> {
  await run('ip', args);
}

async function inside(name: string, ...args: string[]): Promise<void> {
  await ip('-n', name, ...args);
}
