import { type KeyPath, lineAt } from './source-file.js';

/** The shape of an object literal, with the offset of each key and item: all that is needed to find a path's line. */
export type Literal =
  | { kind: 'object'; members: Map<string, Member> }
  | { kind: 'array'; items: Member[] }
  | { kind: 'other' };

export interface Member {
  offset: number;
  value: Literal;
}

/** Finds lines in a literal; see SourceFile.locate. */
export function locateIn(text: string, root: Member | undefined): (path: KeyPath) => number | undefined {
  return (path) => {
    let member = root;
    for (const step of path) {
      const next = member && childOf(member.value, step);
      if (!next) break;
      member = next;
    }
    return member && lineAt(text, member.offset);
  };
}

function childOf(value: Literal, step: string | number): Member | undefined {
  if (value.kind === 'object') return value.members.get(String(step));
  if (value.kind === 'array' && typeof step === 'number') return value.items[step];
  return undefined;
}
