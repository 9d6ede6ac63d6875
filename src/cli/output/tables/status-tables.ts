import type { StatusResult } from '../../../deploy/index.js';
import { hostAddress, hostName } from '../summaries.js';
import type { Style } from '../text/style.js';
import { hanging } from '../text/wrap.js';
import { table } from './table.js';

/** What `status` found. Pure. */
export function statusTables(status: StatusResult, options: { style: Style; width?: number }): string[] {
  const { style, width } = options;
  const { database } = status;
  const facts: [string, string][] = [
    ['environment', status.environment],
    ['root', status.root],
    ['release', status.release ?? 'none is deployed'],
    ['prepared', status.releases.length === 0 ? 'none' : status.releases.join(', ')],
    ...(database
      ? ([
          ['database', `${database.engine} ${database.version} on ${hostAddress(database)}, ${database.state}`],
        ] satisfies [string, string][])
      : []),
  ];
  const hosts = status.hosts.map((host) => [
    hostName(host),
    hostAddress(host),
    host.release,
    {
      text: host.detail === undefined ? host.state : `${host.state}: ${host.detail}`,
      mark: host.state === 'healthy' ? style.good : style.bad,
    },
  ]);
  const temporary = status.temporary.map(({ kind, id, detail }) => [kind, id, detail]);
  return [
    ...facts.flatMap(([label, text]) => {
      const head = `${label.padEnd(11)}  `;
      const [first = '', ...rest] = width === undefined ? [head + text] : hanging(head, text, width);
      return [first.replace(head, style.dim(head)), ...rest];
    }),
    ...(hosts.length > 0 ? ['', ...table(['host', 'address', 'release', 'state'], hosts, options)] : []),
    ...(temporary.length > 0 ? ['', ...table(['temporary', 'id', 'what'], temporary, options)] : []),
  ];
}
