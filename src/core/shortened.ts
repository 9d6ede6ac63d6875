/** A text whose length somebody else decides, for a message or an event: at most `max` characters of it. */
export function shortened(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max)}…` : text;
}

/** A name that somebody else chose, safe to show: its control characters escaped, and not endless. */
export function quoted(name: string): string {
  return JSON.stringify(shortened(name, 300));
}
