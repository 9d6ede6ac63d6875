/** A text whose length somebody else decides, for a message or an event: at most `max` characters of it. */
export function shortened(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max)}…` : text;
}
