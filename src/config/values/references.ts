/** What stands for a value in a text of the configuration: `${values.title}`, `${env.BUILD}`. */
export interface Reference {
  kind: 'values' | 'env';
  name: string;
  /** As it is written, for messages. */
  written: string;
}

export type Scalar = string | number | boolean;

/**
 * Only what begins with `${values.` or `${env.` is ours: shells, Java and templates have their own `${…}`, which stay as
 * they are. `$${values.title}` is the text `${values.title}`. A blank inside is a typing error, not somebody else's.
 */
const REFERENCE = /(\$?)\$\{[ \t]*(values|env)[ \t]*\.([^}\r\n]*)(\}?)/g;
const NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/;

export function hasReference(text: string): boolean {
  return text.search(REFERENCE) !== -1;
}

/**
 * A text with what its references stand for. One that is a reference and nothing else is the value itself, so that a number stays a
 * number. `resolve` gives undefined where it has noted a problem, and `malformed` notes one.
 */
export function resolveText(
  text: string,
  resolve: (reference: Reference) => Scalar | undefined,
  malformed: (written: string) => void,
): Scalar {
  let whole: Scalar | undefined;
  const resolved = text.replace(REFERENCE, (written: string, dollar: string, kind: Reference['kind'], name: string) => {
    if (dollar !== '') return written.slice(1);
    if (written !== `\${${kind}.${name}}` || !NAME.test(name)) {
      malformed(written);
      return written;
    }
    const value = resolve({ kind, name, written });
    if (written === text) whole = value;
    return String(value ?? written);
  });
  return whole ?? resolved;
}
