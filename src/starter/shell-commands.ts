/** A command of a shell script, with its words as the shell would give them, as far as variables are known. */
export interface ShellCommand {
  words: string[];
  /** Where its input comes from: `patch -p1 < fix.patch`. */
  input?: string;
  /** From 1. */
  line: number;
  /** As it is written. */
  text: string;
}

/**
 * The simple commands of a script, in order, whatever is around them (conditions, loops, functions). Variables that the script sets to a
 * text are put in, and those of `known`; others stay as `${name}`. This is no shell: it finds what people write in scripts that
 * lay out files.
 */
export function shellCommands(script: string, known: ReadonlyMap<string, string> = new Map()): ShellCommand[] {
  const variables = new Map(known);
  const commands: ShellCommand[] = [];
  for (const { text, line } of logicalLines(script)) {
    for (const part of split(text)) {
      const words = wordsOf(part, variables);
      const assigned = assignment(words);
      if (assigned) variables.set(...assigned);
      else if (words.length > 0) commands.push({ ...withInput(words), line, text: part.trim() });
    }
  }
  return commands;
}

function logicalLines(script: string): { text: string; line: number }[] {
  const lines: { text: string; line: number }[] = [];
  let open: { text: string; line: number } | undefined;
  for (const [index, raw] of script.split(/\r?\n/).entries()) {
    const text = raw.trim();
    const joined = open ? { text: `${open.text} ${text}`, line: open.line } : { text, line: index + 1 };
    open = joined.text.endsWith('\\') ? { ...joined, text: joined.text.slice(0, -1) } : undefined;
    if (!open && joined.text !== '' && !joined.text.startsWith('#')) lines.push(joined);
  }
  return lines;
}

/** At `;`, `&&`, `||` and `|`, outside of quotes. */
function split(text: string): string[] {
  const parts: string[] = [];
  let [quote, part] = ['', ''];
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (char === '\\' && quote !== "'") {
      part += char + (text[at + 1] ?? '');
      at += 1;
    } else if (quote !== '' || char === '"' || char === "'") {
      quote = quote === '' ? char : quote === char ? '' : quote;
      part += char;
    } else if (char === ';' || char === '|' || (char === '&' && text[at + 1] === '&')) {
      parts.push(part);
      part = '';
      if (text[at + 1] === char) at += 1;
    } else if (char === '#' && /\s$/.test(part)) break;
    else part += char;
  }
  return [...parts, part]
    .map((each) => each.replace(/^\s*((then|do|else|if|while|!|\{|sudo)\s+)+/, '').trim())
    .filter(Boolean);
}

function wordsOf(text: string, variables: ReadonlyMap<string, string>): string[] {
  const words = text.match(/(?:\\.|'[^']*'|"(?:\\.|[^"\\])*"|\$\{[^}]*\}|[^\s'"\\])+/g) ?? [];
  return words.map((word) =>
    word.replace(/\\(.)|'([^']*)'|"((?:\\.|[^"\\])*)"|([^'"\\]+)/g, (_, escaped, single, double, plain) => {
      if (escaped !== undefined) return escaped;
      if (single !== undefined) return single;
      const text = double === undefined ? plain : double.replace(/\\(["\\$`])/g, '$1');
      return withVariables(text, variables);
    }),
  );
}

function withVariables(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(/\$\{(\w+)(?::?-([^}]*))?\}|\$(\w+)/g, (_, braced, fallback, bare) => {
    const name = braced ?? bare;
    return variables.get(name) ?? fallback ?? `\${${name}}`;
  });
}

function assignment(words: readonly string[]): [string, string] | undefined {
  const rest = /^(export|readonly|local|declare)$/.test(words[0] ?? '') ? words.slice(1) : words;
  const [, name, value] = /^(\w+)=(.*)$/s.exec(rest[0] ?? '') ?? [];
  return rest.length === 1 && name !== undefined && value !== undefined && !/[`$]\(/.test(value)
    ? [name, value]
    : undefined;
}

function withInput(words: string[]): Pick<ShellCommand, 'words' | 'input'> {
  const at = words.findIndex((word) => word.startsWith('<') && !word.startsWith('<<'));
  if (at < 0) return { words };
  const word = words[at] ?? '';
  const input = word === '<' ? words[at + 1] : word.slice(1);
  const rest = words.filter((_, index) => index !== at && !(word === '<' && index === at + 1));
  return input === undefined ? { words } : { words: rest, input };
}
