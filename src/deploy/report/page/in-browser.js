// What the page does in a browser: the tree of files, made as folders are opened; tables that can be sorted; printing.
// Text of the deployment only ever becomes text here: by textContent, never as HTML.

/** Rows that are added at once, of a folder or of what was found. */
const ROWS = 300;
const DIGITS = 16;

const lists = JSON.parse(document.getElementById('files-data').textContent);

/** An element with attributes and children; strings become text. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function formatSize(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1023.5 && unit < units.length - 1; unit++) value /= 1024;
  return `${value.toFixed(unit > 0 && value < 9.95 ? 1 : 0)} ${units[unit]}`;
}

const formatCount = (count, name) => `${count.toLocaleString('en')} ${name}${count === 1 ? '' : 's'}`;

/** All paths of a list, in its order; made when they are first needed. */
function pathsOf(list) {
  if (list.paths === undefined) {
    let last = '';
    list.paths = list.rest.map((rest, at) => {
      last = last.slice(0, list.shared[at]) + rest;
      return last;
    });
  }
  return list.paths;
}

/** What is in a folder: whatever begins with its path stands together in the list. */
function childrenOf(list, { prefix, from, to }) {
  const paths = pathsOf(list);
  const folders = new Map();
  const files = [];
  for (let at = from; at < to; at++) {
    const slash = paths[at].indexOf('/', prefix.length);
    if (slash < 0) {
      files.push(at);
      continue;
    }
    const name = paths[at].slice(prefix.length, slash);
    const folder = folders.get(name);
    if (folder) folder.to = at + 1;
    else folders.set(name, { name, prefix: paths[at].slice(0, slash + 1), from: at, to: at + 1 });
  }
  return { folders: [...folders.values()], files };
}

function stepLink(list, number) {
  const id = `step-${encodeURIComponent(list.package)}-${number}`;
  return make('a', { href: `#${encodeURIComponent(id)}`, 'data-step': id }, `step ${number}`);
}

/** Where a file comes from, in words. */
function originOf(list, at) {
  const added = list.addedBy[at];
  const changed = list.changedBy[at] ?? [];
  const parts = [];
  if (added !== undefined) parts.push('by ', stepLink(list, added));
  else parts.push(list.traced ? list.source : `${list.source}, or a step`);
  for (const [i, number] of changed.entries()) parts.push(i === 0 ? '; changed by ' : ', ', stepLink(list, number));
  // Steps that changed more files than they told of.
  for (const number of list.unnamed)
    if (number !== added && !changed.includes(number)) parts.push('; perhaps also by ', stepLink(list, number));
  return parts;
}

function leaf(list, at, shown) {
  const link = list.links[at];
  const mode = list.modes[at];
  const digest = list.digests.slice(at * DIGITS, (at + 1) * DIGITS).trim();
  const size = link === undefined ? formatSize(list.sizes[at]) : 'link';
  return make(
    'li',
    { class: 'leaf' },
    make('code', {}, shown, ...(link === undefined ? [] : [` → ${link}`])),
    make('span', { class: 'from' }, ...originOf(list, at)),
    make('span', { class: 'size' }, mode === undefined ? size : `${size}, mode ${mode}`),
    ...(digest === '' ? [] : [make('span', { class: 'size' }, make('code', {}, digest))]),
  );
}

/** Adds rows a part at a time, so that a folder of 50,000 files opens at once. */
function addRows(parent, rows) {
  const add = (from) => {
    parent.append(...rows.slice(from, from + ROWS).map((row) => row()));
    const left = rows.length - from - ROWS;
    if (left <= 0) return;
    const item = make('li');
    const button = make('button', { type: 'button', class: 'more' }, `Show ${Math.min(left, ROWS)} of ${left} more`);
    button.addEventListener('click', () => {
      const { length } = parent.children;
      item.remove();
      add(from + ROWS);
      const next = parent.children[length - 1];
      next?.setAttribute('tabindex', '-1');
      next?.focus();
    });
    item.append(button);
    parent.append(item);
  };
  add(0);
}

function folderElement(list, folder, title) {
  const count = folder.to - folder.from;
  const summary = make(
    'summary',
    {},
    make('code', {}, title),
    ' ',
    make('span', { class: 'note' }, formatCount(count, 'file')),
  );
  const element = make('details', {}, summary);
  element.addEventListener('toggle', () => element.open && element.childElementCount === 1 && fill());
  return element;

  function fill() {
    const { folders, files } = childrenOf(list, folder);
    const items = make('ul', { class: 'files' });
    addRows(items, [
      ...folders.map((child) => () => make('li', {}, folderElement(list, child, `${child.name}/`))),
      ...files.map((at) => () => leaf(list, at, pathsOf(list)[at].slice(folder.prefix.length))),
    ]);
    element.append(items);
  }
}

function showTree() {
  const tool = document.getElementById('files-tool');
  if (tool === null) return;
  const tree = document.getElementById('tree');
  const items = make('ul', { class: 'files' });
  for (const list of lists) {
    const root = { prefix: '', from: 0, to: list.rest.length };
    items.append(make('li', {}, folderElement(list, root, `${list.destination}/`)));
  }
  tree.append(items);
  tool.hidden = false;
  findIn(document.getElementById('find'), tree);
}

function findIn(input, tree) {
  const matches = document.getElementById('matches');
  const found = document.getElementById('found');
  input.addEventListener('input', () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    matches.replaceChildren();
    tree.hidden = words.length > 0;
    found.textContent = '';
    if (words.length === 0) return;
    const rows = [];
    for (const list of lists)
      for (const [at, path] of pathsOf(list).entries()) {
        const whole = `${list.destination}/${path}`;
        const lower = whole.toLowerCase();
        if (words.every((word) => lower.includes(word))) rows.push(() => leaf(list, at, whole));
      }
    found.textContent = `${formatCount(rows.length, 'path')} with ${words.join(' and ')}`;
    addRows(matches, rows);
  });
}

/** A link into something that is closed opens it. */
function openTarget(id) {
  const target = document.getElementById(id);
  for (let at = target; at; at = at.parentElement) if (at instanceof HTMLDetailsElement) at.open = true;
  target?.scrollIntoView();
  target?.querySelector('summary')?.focus();
}

document.addEventListener('click', (event) => {
  const link = event.target.closest?.('a[data-step]');
  if (!link) return;
  event.preventDefault();
  openTarget(link.dataset.step);
});

/** By what is written in `data-value`, as numbers where they are. */
function makeSortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  for (const [column, head] of heads.entries()) {
    const button = make('button', { type: 'button' }, ...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => {
      const isDown = head.getAttribute('aria-sort') !== 'descending';
      for (const other of heads) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', isDown ? 'descending' : 'ascending');
      const rows = [...table.tBodies[0].rows];
      rows.sort((a, b) => compare(a.cells[column].dataset.value, b.cells[column].dataset.value) * (isDown ? -1 : 1));
      table.tBodies[0].append(...rows);
    });
  }
}

function compare(a, b) {
  const [x, y] = [Number(a), Number(b)];
  if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** On paper nothing can be opened: steps and logs are, while the page is printed. The tree stays as it is shown. */
const opened = [];
addEventListener('beforeprint', () => {
  for (const element of document.querySelectorAll('details.step, details.log')) {
    if (element.open) continue;
    element.open = true;
    opened.push(element);
  }
});
addEventListener('afterprint', () => {
  for (const element of opened.splice(0)) element.open = false;
});

for (const table of document.querySelectorAll('table.sortable')) makeSortable(table);
showTree();
