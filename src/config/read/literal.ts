import { type KeyPath, lineAt, positionOf, type SourceFile } from './source-file.js';

/** The shape of an object literal, with the offset of each key and item: all that is needed to find a path's line. */
export type Literal =
  | { kind: 'object'; members: Map<string, Member> }
  | { kind: 'array'; items: Member[] }
  | { kind: 'other' };

export interface Member {
  offset: number;
  /** Where the value ends. */
  end: number;
  value: Literal;
}

/** Finds places in a literal. */
export function placesIn(text: string, root: Member | undefined): Pick<SourceFile, 'locate' | 'find'> {
  return {
    locate: (path) => {
      const { member } = walked(root, path);
      return member && lineAt(text, member.offset);
    },
    find: (path, excerpt) => {
      const { member, isThere } = walked(root, path);
      return member && isThere ? positionOf(text, [member.offset, member.end], excerpt) : undefined;
    },
  };
}

/** What is at a path, or the nearest above it. */
function walked(root: Member | undefined, path: KeyPath): { member: Member | undefined; isThere: boolean } {
  let member = root;
  for (const step of path) {
    const next = member && childOf(member.value, step);
    if (!next) return { member, isThere: false };
    member = next;
  }
  return { member, isThere: true };
}

function childOf(value: Literal, step: string | number): Member | undefined {
  if (value.kind === 'object') return value.members.get(String(step));
  if (value.kind === 'array' && typeof step === 'number') return value.items[step];
  return undefined;
}
