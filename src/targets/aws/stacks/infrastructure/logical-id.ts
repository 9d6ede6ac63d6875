import { sha256 } from '../../../../core/digest.js';

/** A resource's logical id out of names as people write them: `host`, `order-api-0` → `HostOrderApi0a1b2`. */
export function logicalId(kind: string, name: string): string {
  const words = name.split('-').map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  // Without its hyphens a name may be another's.
  return `${kind}${words.join('')}${name.includes('-') ? sha256(name).slice(0, 4) : ''}`;
}
