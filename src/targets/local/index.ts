import type { Target } from '../target.js';

export interface LocalTargetSettings {
  environment: string;
  project: string;
  configFolder: string;
  /** The store's root: absolute. */
  root: string;
}

export function openLocalTarget(settings: LocalTargetSettings): Target {
  throw new Error(`not built yet: ${settings.root}`);
}
