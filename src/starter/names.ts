/** Text as a name of the configuration: lower-case letters, digits and hyphens, beginning with a letter. '' where nothing is left. */
export function asName(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 31)
    .replace(/-+$/, '');
}

/** `apache-tomcat` of `files/apache-tomcat-9.0.85.tar.gz`: without the endings, and without the version. */
export function productName(path: string): string {
  const [name = ''] = path.split('/').slice(-1);
  const stem = name.replace(/(\.(tar|tgz|txz|zip|7z|deb|rpm|cpio|jar|war|ear|gz|xz|bz2|zst|bin|[a-z]{2,10}))+$/i, '');
  return (
    asName(
      stem.replace(/[-_.]v?\d+(\.\d+)*([-_.+~](final|ga|release|rc\d*|sp\d+|\d\w*|all|noarch|x86_64|amd64))*$/i, ''),
    ) || asName(stem)
  );
}

/** A name that is not in `taken` yet, and then is. */
export function uniqueName(wanted: string, taken: Set<string>): string {
  const base = wanted === '' ? 'part' : wanted;
  let name = base;
  for (let number = 2; taken.has(name); number += 1) name = `${base.slice(0, 28)}-${number}`;
  taken.add(name);
  return name;
}

/** `9-b.patch` before `10-a.patch`. */
export function comparePaths(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
