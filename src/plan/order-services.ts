import type { ServicePlan } from './services.js';

/** Each service after those that it waits for; where that leaves a choice, in the order of the configuration. */
export function orderServices(services: readonly ServicePlan[]): ServicePlan[] {
  const ordered: ServicePlan[] = [];
  const placed = new Set<string>();
  let waiting = [...services];
  while (waiting.length > 0) {
    const next = waiting.find((service) => service.after.every((name) => placed.has(name)));
    if (!next) throw new Error(`services wait for each other: ${waiting.map((service) => service.name).join(', ')}`);
    ordered.push(next);
    placed.add(next.name);
    waiting = waiting.filter((service) => service !== next);
  }
  return ordered;
}

/** A circle of services that wait for each other, such as [a, b, a], or undefined where there is none. */
export function findCycle(after: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  for (const start of after.keys()) {
    const cycle = walk(start, []);
    if (cycle) return cycle;
  }
  return undefined;

  function walk(name: string, path: string[]): string[] | undefined {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
    if (done.has(name)) return undefined;
    for (const next of after.get(name) ?? []) {
      const cycle = walk(next, [...path, name]);
      if (cycle) return cycle;
    }
    done.add(name);
    return undefined;
  }
}
