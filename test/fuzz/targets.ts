import { archive } from './archive-target.js';
import type { Target } from './target.js';
import { manifest, patch, set } from './text-targets.js';

export type TargetName = 'archive' | 'patch' | 'set' | 'manifest';

export const TARGETS: Record<TargetName, Target> = { archive, patch, set, manifest };
