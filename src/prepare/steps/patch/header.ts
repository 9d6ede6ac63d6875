import { parseGitNames, parseHeaderName, stripName } from './file-name.js';
import type { FilePatch, Side } from './model.js';

/** What the lines before a part's first hunk say. */
export interface Header {
  /** The line of the patch on which it starts; undefined: no line of a header was there yet. */
  line: number | undefined;
  /** Names by the line that gave them, before `strip`; only those that have as many folders as it drops. */
  names: { minus?: string; plus?: string; index?: string; git?: { old: string; new: string } };
  /** All names as they were written, for people. */
  written: string[];
  /** The line of `diff --git`, and its rest. */
  gitLine: { line: number; rest: string } | undefined;
  /** By the line, whether its time or its name says that there is no such file. */
  missing: { minus: boolean; plus: boolean };
  /** `needsHunks`: the content changes, and git's lines do not say how. */
  git:
    | { moves: Set<string>; modes: FilePatch['modes']; old: Side; new: Side; hasChange: boolean; needsHunks: boolean }
    | undefined;
  dropCarriageReturns: boolean;
}

export function emptyHeader(): Header {
  return {
    line: undefined,
    names: {},
    written: [],
    gitLine: undefined,
    missing: { minus: false, plus: false },
    git: undefined,
    dropCarriageReturns: false,
  };
}

/**
 * A part's names, as GNU patch puts them: it keeps the name of `---` on the new side, that of `+++` on the old one, and
 * swaps the two at a hunk. So a name of `diff --git` that no such line replaced (one with `/dev/null`, or with too few
 * folders) ends on the other side.
 */
export function namesOf({ names: { minus, plus, index, git } }: Header, hasHunks: boolean): FilePatch['names'] {
  const slots = { old: plus ?? git?.old, new: minus ?? git?.new, index };
  const sides = hasHunks ? { ...slots, old: slots.new, new: slots.old } : slots;
  return Object.fromEntries(Object.entries(sides).filter(([, name]) => name !== undefined));
}

/** What a part moves its file by: undefined: nothing; `half`: one of the two lines that git writes is missing. */
export function movesOf({ git }: Header): FilePatch['moves'] | 'half' {
  if (git === undefined || git.moves.size === 0) return undefined;
  const [first = ''] = git.moves;
  const kind = first.startsWith('rename') ? 'rename' : 'copy';
  return git.moves.size === 2 && git.moves.has(`${kind} from`) && git.moves.has(`${kind} to`) ? kind : 'half';
}

/**
 * Whether git's lines say more than that a file changes, and the names that follow are of another file: of a part of
 * another kind, say, behind the last one of git's. GNU patch then makes one of the two changes and forgets the other.
 */
export function isOfTwoFiles({ git, gitLine, names: { minus, plus } }: Header): boolean {
  if (git === undefined || gitLine === undefined) return false;
  const isMore =
    git.moves.size > 0 || git.old !== 'content' || git.new !== 'content' || git.modes.old !== git.modes.new;
  if (!isMore) return false;
  const names = parseGitNames(gitLine.rest);
  if (names !== undefined) return (minus ?? names.old) !== names.old || (plus ?? names.new) !== names.new;
  // Names with spaces, which git does not quote.
  const rest = gitLine.rest.trim();
  return !rest.startsWith(minus ?? '') || !rest.endsWith(plus ?? '');
}

/** Takes in a line before the hunks, whatever it is. */
export function readHeaderLine(header: Header, text: string, line: number, strip: number): void {
  const [, kind, rest = ''] = /^(--- |\+\+\+ |Index:|diff --git )(.*\n?)$/s.exec(text) ?? [];
  switch (kind) {
    case undefined:
      if (header.git) readGitLine(header.git, text);
      return;
    case 'diff --git ':
      header.line = line;
      header.gitLine = { line, rest };
      readGitNames(header, rest, strip);
      return;
    default:
      header.line ??= line;
      header.dropCarriageReturns = text.endsWith('\r\n');
      readName(header, kind === '--- ' ? 'minus' : kind === '+++ ' ? 'plus' : 'index', rest, strip);
  }
}

function readName(header: Header, place: 'minus' | 'plus' | 'index', rest: string, strip: number): void {
  const { name, isMissing } = parseHeaderName(rest, place !== 'index');
  if (name !== undefined) header.written.push(name);
  // A name that `strip` makes nothing of says nothing, nor does its time; nor does one that cannot be read.
  if (name === undefined ? isMissing !== true : stripName(name, strip) === undefined) return;
  if (name !== undefined) header.names[place] = name;
  if (place === 'index') return;
  if (place === 'plus' || isMissing !== undefined) header.missing[place] = isMissing ?? false;
}

function readGitNames(header: Header, rest: string, strip: number): void {
  const names = parseGitNames(rest);
  const count = names !== undefined && [names.old, names.new].every((name) => stripName(name, strip) !== undefined);
  header.names = {
    ...(header.names.index === undefined ? {} : { index: header.names.index }),
    ...(count ? { git: names } : {}),
  };
  header.written = names === undefined ? [] : [names.old, names.new];
  header.git = { moves: new Set(), modes: {}, old: 'content', new: 'content', hasChange: false, needsHunks: false };
}

/** Git's own lines between `diff --git` and `---`. */
function readGitLine(git: NonNullable<Header['git']>, text: string): void {
  const [, words = '', value = ''] =
    /^(index|old mode|new mode|deleted file mode|new file mode|(?:rename|copy) (?:from|to)) ([^\n]*?)\r?\n?$/.exec(
      text,
    ) ?? [];
  const mode = /^[0-7]{6}$/.test(value) ? Number.parseInt(value, 8) : undefined;
  switch (words) {
    case '':
      return;
    case 'index':
      readIndexLine(git, value);
      return;
    case 'old mode':
    case 'deleted file mode':
      if (mode !== undefined) git.modes.old = mode;
      if (words === 'deleted file mode') git.new = 'missing';
      break;
    case 'new mode':
    case 'new file mode':
      if (mode !== undefined) git.modes.new = mode;
      if (words === 'new file mode') git.old = 'missing';
      break;
    default:
      git.moves.add(words);
  }
  git.hasChange = true;
}

/** The object id of a file without content; an abbreviated one is a prefix of it. */
const EMPTY_BLOB = 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391';

function readIndexLine(git: NonNullable<Header['git']>, value: string): void {
  const match = /^([0-9a-f]+)\.\.([0-9a-f]+)(?: ([0-7]{6}))?$/.exec(value);
  if (!match) return;
  const [, old = '', after = ''] = match;
  git.old = sideOf(old);
  git.new = sideOf(after);
  git.needsHunks = old !== after && (git.old === 'content' || git.new === 'content');
  if (git.old !== git.new && !git.needsHunks) git.hasChange = true;
  if (match[3] !== undefined) git.modes.old = git.modes.new = Number.parseInt(match[3], 8);
}

function sideOf(id: string): Side {
  if (/^0+$/.test(id)) return 'missing';
  return EMPTY_BLOB.startsWith(id) ? 'empty' : 'content';
}
