import { type Processor, undelta, unfiltered } from './branch-filters.js';

/** A filter before LZMA2, as a block's header has it ("The .xz File Format" 5.3). */
export interface XzFilter {
  id: number;
  properties: Buffer;
}

export const LZMA2 = 0x21;
const DELTA = 3;
const PROCESSORS: Record<number, Processor> = {
  4: 'x86',
  5: 'PowerPC',
  6: 'IA-64',
  7: 'ARM',
  8: 'ARM Thumb',
  9: 'SPARC',
  10: 'ARM64',
  11: 'RISC-V',
};
/** LZMA2 is the last of at most four. */
export const MAX_FILTERS = 4;

/** @returns what is wrong with a filter */
export function filterProblem({ id, properties }: XzFilter): 'unknown' | 'damaged' | undefined {
  if (id === DELTA) return properties.length === 1 ? undefined : 'damaged';
  if (PROCESSORS[id] === undefined) return 'unknown';
  return properties.length === 0 || properties.length === 4 ? undefined : 'damaged';
}

/** Undoes the filters of a block, the last one first. */
export function withoutFilters(pieces: AsyncIterable<Buffer>, filters: readonly XzFilter[]): AsyncIterable<Buffer> {
  return filters.toReversed().reduce((content, { id, properties }) => {
    const processor = PROCESSORS[id];
    if (processor === undefined) return undelta(content, (properties[0] ?? 0) + 1);
    return unfiltered(content, processor, properties.length === 4 ? properties.readUInt32LE(0) : 0);
  }, pieces);
}
