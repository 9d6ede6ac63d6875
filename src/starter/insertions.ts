import { isCollection, isMap, isNode, isScalar, isSeq, type Node, parseDocument } from 'yaml';

/** Lines to be put into a text in YAML, all else of which stays as it is, byte for byte. */
export class Insertions {
  private readonly document;
  private readonly inserted: { at: number; lines: string[] }[] = [];
  private isPossible: boolean;

  constructor(private readonly text: string) {
    this.document = parseDocument(text);
    this.isPossible = this.document.errors.length === 0;
  }

  keysOf(path: readonly string[]): string[] {
    const map = this.nodeAt(path);
    return isMap(map) ? map.items.map(({ key }) => (isScalar(key) ? String(key.value) : '')) : [];
  }

  textAt(path: readonly string[]): string | undefined {
    const found = this.nodeAt(path);
    return isScalar(found) && typeof found.value === 'string' ? found.value : undefined;
  }

  /** After the last item of a list in a map; with the list's key where it is not there. */
  intoList(path: readonly string[], lines: readonly string[]): void {
    const list = this.nodeAt(path);
    if (isSeq(list)) this.after(list, lines);
    else if (list !== undefined) this.isPossible = false;
    else {
      const map = this.nodeAt(path.slice(0, -1));
      this.after(map, [`${path.at(-1)}:`, ...lines.map((line) => `  ${line}`)]);
    }
  }

  /** After the last entry of a map of the top level; at the end of the text where it is not there. */
  intoMap(key: string, lines: readonly string[]): void {
    const map = this.nodeAt([key]);
    if (map !== undefined) this.after(map, lines);
    else this.inserted.push({ at: this.text.length, lines: ['', `${key}:`, ...indented(lines, 2)] });
  }

  /** Undefined where a place is written in a way that lines cannot be put into (`{a: 1}`). */
  result(): string | undefined {
    if (!this.isPossible) return undefined;
    let text = this.text;
    // The last place first; of one place, what came last.
    for (const { at, lines } of this.inserted.toReversed().sort((a, b) => b.at - a.at)) {
      const before = text.slice(0, at);
      const separator = before === '' || before.endsWith('\n') ? '' : '\n';
      text = `${before}${separator}${lines.join('\n')}\n${text.slice(at)}`;
    }
    return parseDocument(text).errors.length === 0 ? text : undefined;
  }

  private nodeAt(path: readonly string[]): Node | undefined {
    const found = this.document.getIn(path, true);
    return isNode(found) && !(isScalar(found) && found.value === null) ? found : undefined;
  }

  private after(node: Node | undefined, lines: readonly string[]): void {
    const [first] = isMap(node) ? node.items.map(({ key }) => key) : [node];
    const start = isNode(first) ? first.range?.[0] : undefined;
    if (start === undefined || !isCollection(node) || node.flow || node.items.length === 0) {
      this.isPossible = false;
      return;
    }
    const column = start - (this.text.lastIndexOf('\n', start - 1) + 1);
    this.inserted.push({ at: this.lineAfter(endOf(node), column), lines: indented(lines, column) });
  }

  /** The start of the next line, after comments that belong to what ends there: those further in. */
  private lineAfter(end: number, column: number): number {
    let at = this.text[end - 1] === '\n' ? end : this.text.indexOf('\n', end) + 1 || this.text.length;
    const comment = new RegExp(`[ ]{${column + 1},}#[^\\n]*(\\n|$)`, 'y');
    comment.lastIndex = at;
    while (comment.test(this.text)) at = comment.lastIndex;
    return at;
  }
}

/** Where the content ends: a map's own range has the comments after it. */
function endOf(node: Node): number {
  const last: unknown = isMap(node)
    ? (node.items.at(-1)?.value ?? node.items.at(-1)?.key)
    : isSeq(node)
      ? node.items.at(-1)
      : undefined;
  const isFlow = isCollection(node) && node.flow === true;
  return isNode(last) && !isFlow ? endOf(last) : (node.range?.[1] ?? 0);
}

export function indented(lines: readonly string[], column: number): string[] {
  return lines.map((line) => (line === '' ? '' : `${' '.repeat(column)}${line}`));
}
