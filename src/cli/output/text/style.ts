import { styleText } from 'node:util';

/** How text is marked. Renderers say what a piece of text is; this says how it looks, or that it looks like nothing. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  warn(text: string): string;
  bad(text: string): string;
}

const same = (text: string) => text;

export const plainStyle: Style = { bold: same, dim: same, good: same, warn: same, bad: same };

type Format = Parameters<typeof styleText>[0];
// Whether there is colour is decided once, for each stream, in terminal.ts; newer Node would decide again by stdout.
const marked = (format: Format) => (text: string) => styleText(format, text, { validateStream: false });

export const colourStyle: Style = {
  bold: marked('bold'),
  dim: marked('dim'),
  good: marked('green'),
  warn: marked('yellow'),
  bad: marked(['bold', 'red']),
};
