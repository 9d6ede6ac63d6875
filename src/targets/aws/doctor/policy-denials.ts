import * as z from 'zod';

const oneOrMore = z.union([z.string(), z.array(z.string())]).transform((it) => (typeof it === 'string' ? [it] : it));
const statement = z.object({
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Action: oneOrMore.optional(),
  NotAction: oneOrMore.optional(),
  Condition: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
});
const policy = z.object({ Statement: z.union([statement.transform((it) => [it]), z.array(statement)]) });

/** What a file system's policy denies: plain connections, and other things, each in a few words. */
export function denialsOf(text: string): { plain: boolean; others: string[] } {
  const denials = policy.parse(JSON.parse(text)).Statement.filter(({ Effect }) => Effect === 'Deny');
  const others = denials.filter((it) => !isOfPlainConnections(it));
  return {
    plain: others.length < denials.length,
    others: others.map(
      ({ Sid, Action, NotAction = [] }) =>
        Sid ?? (Action === undefined ? `all but ${NotAction.join(', ')}` : Action.join(', ')),
    ),
  };
}

/** `Bool: {aws:SecureTransport: false}`, and nothing else that it asks for. */
function isOfPlainConnections({ Condition = {} }: z.output<typeof statement>): boolean {
  const asked = Object.entries(Condition).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, value]) => `${operator} ${key} ${String(value)}`.toLowerCase()),
  );
  return asked.length === 1 && /^bool(ifexists)? aws:securetransport false$/.test(asked[0] ?? '');
}
