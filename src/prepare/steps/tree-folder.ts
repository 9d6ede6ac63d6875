/** A folder of the tree as its entries name it: `./conf/` is `conf`, and the root is ''. */
export function treeFolder(path: string): string {
  return path
    .split('/')
    .filter((name) => name !== '' && name !== '.')
    .join('/');
}

/** A path below a folder of the tree, where '' is the root. */
export function inFolder(folder: string, path: string): string {
  return folder === '' ? path : `${folder}/${path}`;
}
