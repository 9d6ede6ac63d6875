/** Builds images of ISO 9660 with Rock Ridge that no program would write, for tests of what readers must refuse. */

const BLOCK = 2048;

export interface IsoItem {
  /** With slashes; folders in it are made. */
  name: string;
  content?: string | Buffer;
  /** A symbolic link's target. */
  link?: string;
  folder?: true;
  /** With the type. */
  mode?: number;
  /** Stored in parts of this many blocks, as files of 4 GiB are. */
  partBlocks?: number;
}

interface Node {
  name: string;
  item: IsoItem | undefined;
  children: Node[] | undefined;
  id: number;
  block: number;
  /** How long a folder's directory is. */
  bytes: number;
}

const both16 = (value: number) => Buffer.from([value & 255, value >>> 8, value >>> 8, value & 255]);
function both32(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(value, 0);
  bytes.writeUInt32BE(value, 4);
  return bytes;
}
const field = (tag: string, ...data: Buffer[]) => {
  const bytes = Buffer.concat(data);
  return Buffer.concat([Buffer.from(tag), Buffer.from([bytes.length + 4, 1]), bytes]);
};

/** An image; `rock: false` leaves Rock Ridge away, and names are those of ISO 9660: `F1.;1`, `D2`. */
export function iso(items: readonly IsoItem[], { rock = true } = {}): Buffer {
  const root = treeOf(items);
  const folders = allFolders(root);
  const continued = new Continued(folders.length + 18);
  // Lengths do not depend on where things lie, so a first round finds the places, and a second one writes them.
  const round = () => folders.map((folder) => directory(folder, rock, continued));
  const lengths = round().map((bytes) => bytes.length);
  let next = 18;
  for (const [i, folder] of folders.entries()) {
    folder.block = next;
    folder.bytes = lengths[i] ?? 0;
    next += folder.bytes / BLOCK;
  }
  continued.restart(next);
  round();
  next += continued.blocks;
  const files = allNodes(root).filter(({ item }) => item?.content !== undefined);
  for (const file of files) {
    file.block = next;
    next += Math.ceil(Buffer.byteLength(file.item?.content ?? '') / BLOCK);
  }
  continued.restart(continued.start);
  const directories = round();
  const contents = files.map(({ item }) => filled(Buffer.from(item?.content ?? '')));
  const end = descriptor(255);
  return Buffer.concat([
    Buffer.alloc(16 * BLOCK),
    primary(next, record(Buffer.from([0]), root.block, root.bytes, 2)),
    end,
    ...directories,
    continued.bytes(),
    ...contents,
  ]);
}

/** What does not fit into a record. */
class Continued {
  start: number;
  #areas: Buffer[] = [];

  constructor(start: number) {
    this.start = start;
  }

  restart(start: number): void {
    this.start = start;
    this.#areas = [];
  }

  get blocks(): number {
    return this.#areas.length;
  }

  /** @returns the field that says where the bytes are */
  add(bytes: Buffer): Buffer {
    this.#areas.push(filled(bytes));
    return field('CE', both32(this.start + this.#areas.length - 1), both32(0), both32(bytes.length));
  }

  bytes(): Buffer {
    return Buffer.concat(this.#areas);
  }
}

function treeOf(items: readonly IsoItem[]): Node {
  let id = 0;
  const node = (name: string, item: IsoItem | undefined, isFolder: boolean): Node => {
    id += 1;
    return { name, item, id, block: 0, bytes: BLOCK, children: isFolder ? [] : undefined };
  };
  const root = node('', undefined, true);
  for (const item of items) {
    const names = item.name.split('/');
    const last = names.pop() ?? '';
    let at = root;
    for (const name of names) {
      let child = at.children?.find((known) => known.name === name && known.children);
      if (child === undefined) {
        child = node(name, undefined, true);
        at.children?.push(child);
      }
      at = child;
    }
    at.children?.push(node(last, item, item.folder === true));
  }
  return root;
}

function allNodes(node: Node): Node[] {
  return [node, ...(node.children ?? []).flatMap(allNodes)];
}

function allFolders(node: Node): Node[] {
  return allNodes(node).filter(({ children }) => children);
}

function directory(folder: Node, rock: boolean, continued: Continued): Buffer {
  const sp = field('SP', Buffer.from([0xbe, 0xef, 0]));
  const self = rock ? Buffer.concat([sp, mode(0o040755)]) : Buffer.alloc(0);
  const records = [
    record(Buffer.from([0]), folder.block, folder.bytes, 2, self),
    record(Buffer.from([1]), folder.block, folder.bytes, 2),
    ...(folder.children ?? []).flatMap((child) => recordsOf(child, rock, continued)),
  ];
  const blocks: Buffer[] = [];
  let block: Buffer = Buffer.alloc(0);
  for (const bytes of records) {
    if (block.length + bytes.length > BLOCK) {
      blocks.push(filled(block));
      block = Buffer.alloc(0);
    }
    block = Buffer.concat([block, bytes]);
  }
  return Buffer.concat([...blocks, filled(block)]);
}

function recordsOf({ name, item, children, id, block, bytes }: Node, rock: boolean, continued: Continued): Buffer[] {
  const isoName = Buffer.from(children ? `D${id}` : `F${id}.;1`);
  const content = Buffer.byteLength(item?.content ?? '');
  const kind = children ? 0o040755 : item?.link === undefined ? 0o100644 : 0o120777;
  const fields = rock ? [mode(item?.mode ?? kind), ...nameFields(name), ...linkFields(item?.link)] : [];
  const all = Buffer.concat(fields);
  const use = all.length > 200 ? continued.add(all) : all;
  if (children) return [record(isoName, block, bytes, 2, use)];
  const part = (item?.partBlocks ?? Number.POSITIVE_INFINITY) * BLOCK;
  if (content <= part) return [record(isoName, block, content, 0, use)];
  return Array.from({ length: Math.ceil(content / part) }, (_, i) => {
    const isLast = (i + 1) * part >= content;
    const size = Math.min(part, content - i * part);
    return record(isoName, block + (i * part) / BLOCK, size, isLast ? 0 : 0x80, use);
  });
}

function mode(value: number): Buffer {
  return field('PX', both32(value), both32(1), both32(0), both32(0));
}

function nameFields(name: string): Buffer[] {
  const bytes = Buffer.from(name);
  const parts = Array.from({ length: Math.max(1, Math.ceil(bytes.length / 200)) }, (_, i) =>
    bytes.subarray(i * 200, (i + 1) * 200),
  );
  return parts.map((part, i) => field('NM', Buffer.from([i < parts.length - 1 ? 1 : 0]), part));
}

function linkFields(target: string | undefined): Buffer[] {
  if (target === undefined) return [];
  const components = target.split('/').map((name, i) => {
    if (name === '') return Buffer.from(i === 0 ? [8, 0] : [0, 0]);
    if (name === '.') return Buffer.from([2, 0]);
    if (name === '..') return Buffer.from([4, 0]);
    const bytes = Buffer.from(name);
    return Buffer.concat([Buffer.from([0, bytes.length]), bytes]);
  });
  return components.map((bytes, i) => field('SL', Buffer.from([i < components.length - 1 ? 1 : 0]), bytes));
}

function record(name: Buffer, block: number, size: number, flags: number, systemUse: Buffer = Buffer.alloc(0)): Buffer {
  const padding = Buffer.alloc(name.length % 2 === 0 ? 1 : 0);
  const head = Buffer.concat([both32(block), both32(size), Buffer.alloc(7), Buffer.from([flags, 0, 0]), both16(1)]);
  const rest = Buffer.concat([head, Buffer.from([name.length]), name, padding, systemUse]);
  const filling = Buffer.alloc(rest.length % 2);
  return Buffer.concat([Buffer.from([2 + rest.length + filling.length, 0]), rest, filling]);
}

function descriptor(kind: number): Buffer {
  return filled(Buffer.from([kind, ...Buffer.from('CD001'), 1]));
}

function primary(blocks: number, root: Buffer): Buffer {
  const bytes = descriptor(1);
  both32(blocks).copy(bytes, 80);
  both16(1).copy(bytes, 120);
  both16(1).copy(bytes, 124);
  both16(BLOCK).copy(bytes, 128);
  root.copy(bytes, 156);
  return bytes;
}

function filled(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)]);
}
