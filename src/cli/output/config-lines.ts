import { Document, isCollection, isScalar } from 'yaml';
import type { ConfigResult } from '../../deploy/index.js';
import { shown } from './text/shown.js';

type Setting = ConfigResult['settings'][number];

/** The configuration as YAML, each value with a comment that says where it comes from. */
export function configOutput({ environment, file, config, settings }: ConfigResult): string[] {
  const document = new Document(config, { aliasDuplicateObjects: false });
  document.commentBefore = ` ${file}, for ${environment}`;
  const origins = settings.values();
  comment(document.contents, () => origins.next().value);
  return document.toString({ lineWidth: 0 }).trimEnd().split('\n').map(shown);
}

/** Goes through the single values, which are in the order of the settings. */
function comment(node: unknown, next: () => Setting | undefined): void {
  if (isCollection(node) && node.items.length > 0) {
    for (const item of node.items)
      comment(isScalar(item) || isCollection(item) ? item : (item as { value: unknown }).value, next);
    return;
  }
  const setting = next();
  if (setting && (isScalar(node) || isCollection(node))) node.comment = ` ${originOf(setting)}`;
}

function originOf({ from, line, references }: Setting): string {
  const place = line === undefined ? '' : `line ${line}`;
  const own =
    from === 'default' ? 'default' : [from === 'environment' ? 'environment' : '', place].filter(Boolean).join(', ');
  return [own, ...references.map(referenceText)].filter(Boolean).join('; ');
}

function referenceText({ name, from, line }: Setting['references'][number]): string {
  const place = line === undefined ? '' : `, line ${line}`;
  const where = { file: '', environment: ' of the environment', input: ' as it is set', default: ', by default' }[from];
  return `${name}${where}${place}`;
}
