// The search. What it searches comes by two scripts when it is first wanted: as files, pages may load scripts and nothing else.
const root = document.currentScript.dataset.root;
const SHOWN = 12;

addEventListener('DOMContentLoaded', () => {
  document.querySelector('search').hidden = false;
  const field = document.querySelector('search input');
  const found = document.getElementById('found');
  let index;

  const show = async () => {
    index ??= load();
    const search = await index;
    const words = field.value.trim();
    found.hidden = words === '';
    found.replaceChildren(...(words === '' ? [] : results(search(words), words)));
  };
  field.addEventListener('focus', () => {
    index ??= load();
  });
  field.addEventListener('input', show);

  // The keyboard alone does: / begins, the arrows choose, Enter opens, Escape ends.
  addEventListener('keydown', (event) => {
    const links = [...found.querySelectorAll('a')];
    const at = links.indexOf(document.activeElement);
    const searching = document.activeElement === field || at >= 0;
    if (event.key === '/' && !searching) field.focus();
    else if (event.key === 'ArrowDown' && searching) links[Math.min(at + 1, links.length - 1)]?.focus();
    else if (event.key === 'ArrowUp' && searching) (links[at - 1] ?? field).focus();
    else if (event.key === 'Enter' && document.activeElement === field) links[0]?.click();
    else if (event.key === 'Escape' && searching) close();
    else return;
    event.preventDefault();
  });
  // A result on this page is a jump within it.
  found.addEventListener('click', (event) => event.target.closest('a') && close());

  function close() {
    field.value = '';
    field.blur();
    show();
  }

  // Menus are open where there is room; without this script everywhere.
  const wide = matchMedia('(min-width: 60rem)');
  const fit = () => {
    for (const part of document.querySelectorAll('.columns details')) part.open = wide.matches;
  };
  wide.addEventListener('change', fit);
  fit();
  document.querySelector('.menu [aria-current]')?.scrollIntoView({ block: 'nearest' });
});

/** A function from words to sections, the best first. */
async function load() {
  const given = new Promise((resolve) => {
    window.sections = resolve;
  });
  await Promise.all(['minisearch.js', 'sections.js'].map(script));
  const all = await given;
  const mini = new MiniSearch({
    fields: ['heading', 'page', 'defined', 'text'],
    // `db.pool.size` is found by "pool" too, and `--prepare-files-only` by "files".
    tokenize: (text) => wordsOf(text).flatMap((word) => (/[-.]/.test(word) ? [word, ...word.split(/[-.]/)] : word)),
    searchOptions: {
      tokenize: wordsOf,
      // How something is used comes before why it was made so, and before its history.
      boostDocument: (id) => (/^(decisions|changelog)/.test(all[id].address) ? 0.3 : 1),
      boost: { heading: 4, page: 2, defined: 3 },
      prefix: true,
      fuzzy: (word) => (word.length > 4 ? 0.2 : 0),
      combineWith: 'AND',
    },
  });
  mini.addAll(all.map((section, id) => ({ id, ...section })));
  return (words) => mini.search(words).map(({ id, terms }) => ({ ...all[id], terms }));
}

function wordsOf(text) {
  return text.match(/[\p{L}\p{N}_]+(?:[-.][\p{L}\p{N}_]+)*/gu) ?? [];
}

function script(name) {
  return new Promise((resolve, reject) => {
    const element = document.createElement('script');
    element.src = root + name;
    element.onload = resolve;
    element.onerror = reject;
    document.head.append(element);
  });
}

function results(sections, words) {
  if (sections.length === 0) {
    const none = document.createElement('p');
    none.textContent = `Nothing has all of: ${words}`;
    return [none];
  }
  return sections.slice(0, SHOWN).map(({ address, page, heading, text, terms }) => {
    const link = document.createElement('a');
    link.href = root + address;
    const title = document.createElement('strong');
    title.textContent = page === heading ? page : `${page} › ${heading}`;
    const excerpt = document.createElement('span');
    excerpt.append(...marked(around(text, terms), terms));
    link.append(title, excerpt);
    return link;
  });
}

/** Some text around the first place where one of the words is. */
function around(text, terms) {
  const flat = text.replace(/\s+/g, ' ');
  const first = flat.search(pattern(terms, 'iu'));
  const from = first < 60 ? 0 : flat.lastIndexOf(' ', first - 40) + 1;
  const end = flat.length - from < 180 ? flat.length : flat.lastIndexOf(' ', from + 180);
  return `${from > 0 ? '… ' : ''}${flat.slice(from, end)}${end < flat.length ? ' …' : ''}`;
}

function marked(text, terms) {
  return text.split(pattern(terms, 'giu')).map((part, i) => {
    if (i % 2 === 0) return part;
    const mark = document.createElement('mark');
    mark.textContent = part;
    return mark;
  });
}

/** The longest word first; of what is in words, only the point means something else in a pattern. */
function pattern(terms, flags) {
  const longestFirst = [...terms].sort((a, b) => b.length - a.length);
  return new RegExp(`(${longestFirst.join('|').replaceAll('.', '\\.')})`, flags);
}
