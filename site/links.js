import { existsSync } from 'node:fs';
import { posix } from 'node:path';

const LINK = /<(?:a|img|link|script)\s[^>]*?(?:href|src)="([^"]*)"/g;

/** The links of the site's pages that lead nowhere: to a page, a heading or a file that is not there. */
export function brokenLinks(pages) {
  const ids = new Map(pages.map(({ place, html }) => [place, new Set(html.match(/(?<= id=")[^"]+/g))]));
  return pages.flatMap(({ place, html, folder }) =>
    [...html.matchAll(LINK)].flatMap(([, link]) => {
      if (/^(https?|mailto|data):/.test(link)) return [];
      const [path, anchor] = decodeURI(link).split('#');
      const wanted = path === '' ? place : posix.join(posix.dirname(place), path);
      const there = anchor ? ids.get(wanted)?.has(anchor) : existsSync(posix.join(folder, wanted));
      return there ? [] : [`${place}: ${link}`];
    }),
  );
}
