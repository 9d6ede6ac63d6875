import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Cloud } from './cloud.js';

const ASKING = fileURLToPath(new URL('./guests/asking.mjs', import.meta.url));

interface Said {
  asked: number;
  failures: string[];
  releases: string[];
}

/** A client in the network of the one load balancer that there is. @returns what ends it, with what it says */
export async function client({ region, guests }: Cloud): Promise<() => Promise<Said>> {
  const { balancers } = await region.machines();
  const [balancer] = balancers;
  const [listener] = balancer?.listeners ?? [];
  if (balancer === undefined || listener === undefined) throw new Error('there is no load balancer');
  const inside = ['nsenter', `--net=/run/netns/${guests.networkOf(balancer.vpc)}`];
  const url = `http://${balancer.address}:${listener.port}/`;
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...inside, process.execPath, ASKING, url], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const said = text(child.stdout);
  return async () => {
    child.stdin.end();
    await once(child, 'exit');
    return JSON.parse(await said) as Said;
  };
}
