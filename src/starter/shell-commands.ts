/** A command of a shell script, with its words as the shell would give them, as far as variables are known. */
export interface ShellCommand {
  words: string[];
  /** Where its input comes from: `patch -p1 < fix.patch`. */
  input?: string;
  /** Where its output goes: `echo a=1 >> conf/x`. */
  output?: string;
  /** The command before it, whose output it reads. */
  from?: ShellCommand;
  /** From 1. */
  line: number;
  /** As it is written. */
  text: string;
}

/**
 * The simple commands of a script, in order, whatever is around them (conditions, functions); those of a loop over words once for each
 * word. Variables that the script sets to a text are put in, and those of `known`; others stay as `${name}`. This is no shell: it
 * finds what people write in scripts that lay out files.
 */
export function shellCommands(script: string, known: ReadonlyMap<string, string> = new Map()): ShellCommand[] {
  const variables = new Map(known);
  const loops = new Map<string, string[]>();
  const commands: ShellCommand[] = [];
  for (const { text, line } of logicalLines(script)) {
    for (const { part, isPiped } of split(text)) {
      const from = isPiped ? commands.at(-1) : undefined;
      for (const words of rounds(part, loops).map((values) => wordsOf(part, new Map([...variables, ...values])))) {
        const assigned = assignment(words);
        if (words[0] === 'for' && words[2] === 'in') loops.set(words[1] ?? '', loopWords(words.slice(3)));
        else if (assigned) variables.set(...assigned);
        else if (words.length > 0) commands.push({ ...redirected(words), line, text: part, ...(from && { from }) });
      }
    }
  }
  return commands;
}

/** A loop over more than a script's author would write is one over something else. */
const MOST_ROUNDS = 50;

/** What a loop goes over; none where only the shell can know it. */
function loopWords(words: readonly string[]): string[] {
  const all = words.flatMap((word) => word.split(/\s+/)).filter(Boolean);
  return all.length > MOST_ROUNDS || all.some((word) => /[`$]\(|\{\d+\.\./.test(word)) ? [] : all;
}

/** The values of loops' variables that a command uses, a map for each time that it runs. */
function rounds(text: string, loops: ReadonlyMap<string, readonly string[]>): [string, string][][] {
  let found: [string, string][][] = [[]];
  for (const [name, values] of loops) {
    if (values.length === 0 || !new RegExp(`\\$(${name}\\b|\\{${name}\\})`).test(text)) continue;
    found = found.flatMap((before) => values.map((value): [string, string][] => [...before, [name, value]]));
  }
  return found.slice(0, MOST_ROUNDS);
}

/** Without comments, and without the texts of here-documents. */
function logicalLines(script: string): { text: string; line: number }[] {
  const lines: { text: string; line: number }[] = [];
  let open: { text: string; line: number } | undefined;
  let end: string | undefined;
  for (const [index, raw] of script.split(/\r?\n/).entries()) {
    const text = raw.trim();
    if (end !== undefined) {
      if (text === end) end = undefined;
      continue;
    }
    const joined = open ? { text: `${open.text} ${text}`, line: open.line } : { text, line: index + 1 };
    open = joined.text.endsWith('\\') ? { ...joined, text: joined.text.slice(0, -1) } : undefined;
    if (open || joined.text === '' || joined.text.startsWith('#')) continue;
    lines.push(joined);
    end = /(?<!<)<<(?!<)-?\s*["']?(\w+)/.exec(joined.text)?.[1];
  }
  return lines;
}

/** At `;`, `&&`, `||` and `|`, outside of quotes. */
function split(text: string): { part: string; isPiped: boolean }[] {
  const parts: { part: string; isPiped: boolean }[] = [];
  let [quote, part, isPiped] = ['', '', false];
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (char === '\\' && quote !== "'") {
      part += char + (text[at + 1] ?? '');
      at += 1;
    } else if (quote !== '' || char === '"' || char === "'") {
      quote = quote === '' ? char : quote === char ? '' : quote;
      part += char;
    } else if (char === ';' || char === '|' || (char === '&' && text[at + 1] === '&')) {
      parts.push({ part, isPiped });
      part = '';
      isPiped = char === '|' && text[at + 1] !== '|';
      if (text[at + 1] === char) at += 1;
    } else if (char === '#' && /\s$/.test(part)) break;
    else part += char;
  }
  return [...parts, { part, isPiped }]
    .map((each) => ({ ...each, part: each.part.replace(/^\s*((then|do|else|if|while|!|\{|sudo)\s+)+/, '').trim() }))
    .filter((each) => each.part !== '');
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

/** `<file`, `> file`, `2>/dev/null` are no words of the command. What goes to a descriptor or to /dev goes to no file. */
function redirected(all: readonly string[]): Pick<ShellCommand, 'words' | 'input' | 'output'> {
  const words: string[] = [];
  let [input, output]: (string | undefined)[] = [];
  for (let at = 0; at < all.length; at += 1) {
    const word = all[at] ?? '';
    const [, from, sign, rest] = /^(\d|&)?(<(?!<)|>>?)(.*)$/s.exec(word) ?? [];
    if (sign === undefined) {
      if (!word.startsWith('<<')) words.push(word);
      continue;
    }
    const file = rest === '' ? all[++at] : rest;
    if (sign === '<') input = file;
    else if (from !== '2' && file !== undefined && !/^&|^\/dev\//.test(file)) output = file;
  }
  return { words, ...(input !== undefined && { input }), ...(output !== undefined && { output }) };
}
