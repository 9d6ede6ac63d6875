import { describe, expect, test } from 'vitest';
import { folderWith } from '../../test/folder-with.js';
import { PrestageError } from '../core/errors.js';
import { loadConfig } from './load-config.js';

const PACKAGE = `name: portal
packages:
  app:
    source: app.tar
`;
const SERVICES = `name: portal
packages: {}
services:
`;

async function failure(name: string, text: string): Promise<PrestageError> {
  const folder = await folderWith({ [name]: text });
  const error = await loadConfig(folder).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof PrestageError)) throw new Error(`expected a PrestageError, got ${error}`);
  return error;
}

/** The message's lines, with the folder and the name of the file left out of each: `yaml:5: …`. */
function linesOf(error: PrestageError): string[] {
  const lines = error.message.replaceAll(/\S*prestage\.config\./g, '').split('\n');
  if (lines.length > 1) expect(lines.shift()).toBe(`${lines.length} problems in the configuration:`);
  return lines;
}

test.each<[string, string, string[]]>([
  ['an empty file', '', ['yaml: expected a map, found nothing']],
  ['a list', `[]`, ['yaml:1: expected a map, found an empty list']],
  ['a name alone', `name: portal`, ['yaml:1: packages: expected a map, found nothing']],
  [
    'a name in capitals',
    `name: Portal
packages: {}`,
    ['yaml:1: name: expected up to 31 lower-case letters, digits and hyphens, beginning with a letter, found "Portal"'],
  ],
  [
    'a number for a name, and packages without any',
    `name: 12
packages:
`,
    ['yaml:1: name: expected text, found the number 12', 'yaml:2: packages: expected a map, found nothing'],
  ],
  [
    'a misspelt top-level key',
    `name: portal
pakcages: {}
`,
    [
      'yaml:2: pakcages: expected one of name, mode, packages, servers, services, database, dns, environments, values, inputs, found the unknown key pakcages; did you mean packages?',
    ],
  ],
  [
    'logins that cannot be',
    `name: portal
packages:
  app: {source: 'http://repo.test/a.tar', integrity: 'sha256:${'0'.repeat(64)}'}
servers:
  https://repo.test: {auth: {fromEnv: A}}
  repo.test: {auth: {fromEnv: A-B}}
  Repo.test:443: {auth: {header: Range, fromEnv: A}}
  a.test: {auth: {header: X, user: me, fromEnv: A}}
  b.test: {cert: a.pem}
  c.test: {auth: {token: secret}}
`,
    [
      'yaml:5: servers["https://repo.test"]: expected a host as in the address of a source, with its port where that has one: repo.example.com, localhost:8443, found "https://repo.test"',
      'yaml:6: servers["repo.test"].auth.fromEnv: expected the name of a variable of the environment, found "A-B"',
      'yaml:7: servers["Repo.test:443"].auth.header: expected a header that lets us in, such as X-JFrog-Art-Api, found "Range"',
      'yaml:8: servers["a.test"].auth: expected either header or user, found a map of header, user, fromEnv',
      'yaml:9: servers["b.test"]: expected cert and key together, found a map of cert',
      'yaml:10: servers["c.test"].auth.fromEnv: expected text, found nothing',
      'yaml:10: servers["c.test"].auth.token: expected one of fromEnv, header, user, found the unknown key token',
    ],
  ],
  [
    'coordinates of Maven that name no one file, and what stands beside a source of another kind',
    `name: portal
packages:
  a: {source: 'maven:com.example:app:1.0-SNAPSHOT'}
  b: {source: 'maven:com.example:app'}
  c: {source: c.tar, repository: 'https://repo.test'}
  d: {source: 'oci://ghcr.io/team/app', layer: 0}
  e: {source: 's3://bucket/key', platform: linux/amd64}
  f: {source: 's3://bucket/key', endpoint: 'http://minio.test:9000'}
  g: {source: g.tar, profile: vendor}
`,
    [
      'yaml:3: packages.a.source: expected maven:group:artifact:version[:classifier][@type], with a version that stays the same file (of a snapshot: 1.2-20260101.120000-3), found "maven:com.example:app:1.0-SNAPSHOT"',
      'yaml:4: packages.b.source: expected maven:group:artifact:version[:classifier][@type], with a version that stays the same file (of a snapshot: 1.2-20260101.120000-3), found "maven:com.example:app"',
      'yaml:5: packages.c.repository: expected no repository beside this source, found "https://repo.test"',
      'yaml:6: packages.d.source: expected oci://registry/repository with :tag or @sha256:<64 hex digits>, found "oci://ghcr.io/team/app"',
      'yaml:7: packages.e.platform: expected no platform beside this source, found "linux/amd64"',
      'yaml:8: packages.f.endpoint: expected https://…, or an integrity beside http://, where anyone on the way may change the bytes, found "http://minio.test:9000"',
      'yaml:9: packages.g.profile: expected no profile beside this source, found "vendor"',
    ],
  ],
  [
    'a password itself, and one where no machine has the variable',
    `name: portal
packages:
  a: {source: a.zip, password: secret}
`,
    ['yaml:3: packages.a.password: expected a map, found "secret"'],
  ],
  [
    'a password for a worker on AWS',
    `name: portal
packages:
  a: {source: a.zip, password: {fromEnv: VENDOR_PASSWORD}}
environments:
  prod: {target: aws, region: eu-central-1}
`,
    [
      'yaml:3: packages.a.password: expected no password with environment prod, whose worker on AWS does not have your variables: unpack the archive first, found one',
    ],
  ],
  [
    'how a service handles its program, in words that there are not',
    `name: portal
packages:
  tomcat: {source: t.tar, destination: opt/tomcat}
services:
  web: {run: run.sh, files: {../x: opt/tomcat}}
  app: {run: run.sh, stop: {signal: KILL, timeout: 1h}, restart: sometimes, logs: [/var/log/app]}
`,
    [
      'yaml:5: services.web.files["../x"]: expected a path inside the working folder, with forward slashes and without . or .., found "../x"',
      'yaml:6: services.app.stop.signal: expected one of SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH, found "KILL"',
      'yaml:6: services.app.stop.timeout: expected a duration such as 500ms, 120s or 2m, found "1h"',
      'yaml:6: services.app.restart: expected one of always, on-failure, never, found "sometimes"',
      'yaml:6: services.app.logs[0]: expected a path inside the working folder, with forward slashes and without . or .., found "/var/log/app"',
    ],
  ],
  [
    'what a service does with its program where there is none, and files that are in no package',
    `name: portal
packages:
  tomcat: {source: t.tar, destination: opt/tomcat}
services:
  web: {boot: boot.sh, restart: never, logs: [a.log], files: {conf: opt/tomcatt/conf}}
`,
    [
      'yaml:5: services.web.restart: expected a run beside restart, found none',
      'yaml:5: services.web.logs: expected a run beside logs, found none',
      'yaml:5: services.web.files.conf: expected a path in a package of the release (opt/tomcat), found "opt/tomcatt/conf"; did you mean opt/tomcat?',
    ],
  ],
  [
    'a layer and a platform that cannot be',
    `name: portal
packages:
  a: {source: 'oci://ghcr.io/team/app:1', layer: -1, platform: linux}
`,
    [
      'yaml:3: packages.a.layer: expected the title of a layer, or its number from 0, found the number -1',
      'yaml:3: packages.a.platform: expected a platform such as linux/amd64, found "linux"',
    ],
  ],
  [
    'a login for a source by http, and a server twice',
    `name: portal
packages:
  app: {source: 'http://repo.test/a.tar', integrity: 'sha256:${'0'.repeat(64)}'}
servers:
  repo.test: {auth: {fromEnv: A}}
  Other.test: {auth: {fromEnv: A}}
  other.test: {auth: {fromEnv: A}}
`,
    [
      'yaml:3: packages.app.source: expected https://…, since repo.test is under servers, and no login goes over http, found "http://repo.test/a.tar"',
      'yaml:7: servers["other.test"]: expected a server of its own, found that of "Other.test"',
    ],
  ],
  [
    'a misspelt key of a package',
    `${PACKAGE}    destinaton: x
`,
    [
      'yaml:5: packages.app.destinaton: expected one of source, repository, layer, platform, endpoint, profile, integrity, extract, limits, password, destination, steps, found the unknown key destinaton; did you mean destination?',
    ],
  ],
  [
    'an unknown key that resembles none',
    `${PACKAGE}    zzz: 1
`,
    [
      'yaml:5: packages.app.zzz: expected one of source, repository, layer, platform, endpoint, profile, integrity, extract, limits, password, destination, steps, found the unknown key zzz',
    ],
  ],
  [
    'an id in capitals',
    `name: portal
packages:
  App: {source: a}
`,
    ['yaml:3: packages.App: expected lower-case letters, digits and hyphens, beginning with a letter, found "App"'],
  ],
  [
    'a package without a source',
    `name: portal
packages:
  app: {destination: a}
`,
    ['yaml:3: packages.app.source: expected a path, found nothing'],
  ],
  [
    'a package that is a text',
    `name: portal
packages:
  app: files/a.tar
`,
    ['yaml:3: packages.app: expected a map, found "files/a.tar"'],
  ],
  [
    'a YAML 1.1 yes',
    `${PACKAGE}    extract: yes
`,
    ['yaml:5: packages.app.extract: expected true, false or {strip, include, exclude, accept}, found "yes"'],
  ],
  [
    'a negative strip',
    `${PACKAGE}    extract: {strip: -1}
`,
    ['yaml:5: packages.app.extract.strip: expected a whole number from 0, found the number -1'],
  ],
  [
    'a misspelt key of extract',
    `${PACKAGE}    extract: {strp: 1}
`,
    [
      'yaml:5: packages.app.extract.strp: expected one of strip, include, exclude, encoding, accept, found the unknown key strp; did you mean strip?',
    ],
  ],
  [
    'a digest of another algorithm',
    `${PACKAGE}    integrity: sha512-abc
`,
    [
      'yaml:5: packages.app.integrity: expected a SHA-256 (other algorithms are not supported): sha256-<base64> or sha256:<hex>, found "sha512-abc"',
    ],
  ],
  [
    'an integrity that is no digest',
    `${PACKAGE}    integrity: md5
`,
    ['yaml:5: packages.app.integrity: expected sha256-<base64> (44 characters) or sha256:<64 hex digits>, found "md5"'],
  ],
  [
    'steps that are a map',
    `${PACKAGE}    steps: {patch: a}
`,
    ['yaml:5: packages.app.steps: expected a list, found a map of patch'],
  ],
  [
    'two kinds in one step',
    `${PACKAGE}    steps:
      - patch: a
        remove: b
`,
    [
      'yaml:6: packages.app.steps[0]: expected one of patch, replace, set, template, copy, remove, chmod, extract in each item of the list, found a map of patch, remove',
    ],
  ],
  [
    'a misspelt kind of step',
    `${PACKAGE}    steps:
      - pathc: a
`,
    [
      'yaml:6: packages.app.steps[0].pathc: expected one of patch, replace, set, template, copy, remove, chmod, extract, found the unknown key pathc; did you mean patch?',
    ],
  ],
  [
    'an empty step',
    `${PACKAGE}    steps:
      - {}
`,
    [
      'yaml:6: packages.app.steps[0]: expected one of patch, replace, set, template, copy, remove, chmod, extract in each item of the list, found an empty map',
    ],
  ],
  [
    'a step that is a text',
    `${PACKAGE}    steps:
      - patch
`,
    ['yaml:6: packages.app.steps[0]: expected a map, found "patch"'],
  ],
  [
    'optional beside the step',
    `${PACKAGE}    steps:
      - patch: a
        optional: true
`,
    [
      'yaml:7: packages.app.steps[0].optional: expected optional inside the step, as in remove: {files: …, optional: true}, found it beside the step',
    ],
  ],
  [
    'a misspelt key of a patch',
    `${PACKAGE}    steps:
      - patch: {file: a, fuz: 2}
`,
    [
      'yaml:6: packages.app.steps[0].patch.fuz: expected one of file, files, strip, fuzz, optional, found the unknown key fuz; did you mean fuzz?',
    ],
  ],
  [
    'a patch with file and files',
    `${PACKAGE}    steps:
      - patch: {file: a, files: [b]}
`,
    ['yaml:6: packages.app.steps[0].patch: expected either file or files, found a map of file, files'],
  ],
  [
    'an empty list of patches',
    `${PACKAGE}    steps:
      - patch: []
`,
    ['yaml:6: packages.app.steps[0].patch: expected at least one patch, found an empty list'],
  ],
  [
    'a number for a patch',
    `${PACKAGE}    steps:
      - patch: 3
`,
    [
      'yaml:6: packages.app.steps[0].patch: expected the path of a patch, a list of them, or {file, strip, fuzz}, found the number 3',
    ],
  ],
  [
    'a number in a list of patches',
    `${PACKAGE}    steps:
      - patch: [a, 3]
`,
    ['yaml:6: packages.app.steps[0].patch[1]: expected a path, found the number 3'],
  ],
  [
    'an empty text to find',
    `${PACKAGE}    steps:
      - replace: {files: a, from: "", to: x}
`,
    ['yaml:6: packages.app.steps[0].replace.from: expected text that is not empty, found ""'],
  ],
  [
    'a broken regular expression',
    `${PACKAGE}    steps:
      - replace: {files: a, from: "(", to: x, regex: true}
`,
    ['yaml:6: packages.app.steps[0].replace.from: expected a regular expression (unterminated group), found "("'],
  ],
  [
    'a replace without to',
    `${PACKAGE}    steps:
      - replace: {files: a, from: x}
`,
    ['yaml:6: packages.app.steps[0].replace.to: expected text, found nothing'],
  ],
  [
    'an absolute pattern and an expect of none',
    `${PACKAGE}    steps:
      - replace: {files: /etc/a, from: x, to: y, expect: 0}
`,
    [
      'yaml:6: packages.app.steps[0].replace.files: expected a pattern relative to the package, without a leading / and without .., found "/etc/a"',
      'yaml:6: packages.app.steps[0].replace.expect: expected a whole number from 1, found the number 0',
    ],
  ],
  [
    'wildcards in file and a list for a value',
    `${PACKAGE}    steps:
      - set: {file: "conf/*.x", values: {a: [1]}}
`,
    [
      'yaml:6: packages.app.steps[0].set.file: expected the path of one file, without wildcards (patterns go under `files`), found "conf/*.x"',
      'yaml:6: packages.app.steps[0].set.values.a: expected text, a number, true, false or null, found a list',
    ],
  ],
  [
    'a number that YAML changes, and neither file nor files',
    `${PACKAGE}    steps:
      - set: {values: {a: 1.10}}
`,
    [
      'yaml:6: packages.app.steps[0].set: expected either file or files, found a map of values',
      "yaml:6: packages.app.steps[0].set.values.a: expected quotes ('1.10') or the number 1.1, found 1.10, which YAML reads as 1.1",
    ],
  ],
  [
    'a misspelt format',
    `${PACKAGE}    steps:
      - set: {file: a, format: yml, values: {}}
`,
    [
      'yaml:6: packages.app.steps[0].set.format: expected one of properties, ini, json, yaml, xml, toml, found "yml"; did you mean yaml?',
    ],
  ],
  [
    'a template value of nothing',
    `${PACKAGE}    steps:
      - template: {files: a, values: {a: null}}
`,
    ['yaml:6: packages.app.steps[0].template.values.a: expected text, a number, true or false, found nothing'],
  ],
  [
    'a copy to a folder above',
    `${PACKAGE}    steps:
      - copy: {from: a, to: ../b}
`,
    [
      'yaml:6: packages.app.steps[0].copy.to: expected a relative path inside the package, with forward slashes and without . or .., found "../b"',
    ],
  ],
  [
    'a pattern that leads upwards',
    `${PACKAGE}    steps:
      - remove: [a, ../b]
`,
    [
      'yaml:6: packages.app.steps[0].remove[1]: expected a pattern relative to the package, without a leading / and without .., found "../b"',
    ],
  ],
  [
    'a mode without quotes',
    `${PACKAGE}    steps:
      - chmod: {files: a, mode: 755}
`,
    ["yaml:6: packages.app.steps[0].chmod.mode: expected an octal mode in quotes, such as '755', found the number 755"],
  ],
  [
    "a mode in JavaScript's octal",
    `${PACKAGE}    steps:
      - chmod: {files: a, mode: "0o755"}
`,
    [
      `yaml:6: packages.app.steps[0].chmod.mode: expected an octal mode of three digits in quotes, such as '755', found "0o755"`,
    ],
  ],
  [
    "a mode in C's octal, without quotes",
    `${PACKAGE}    steps:
      - chmod: {files: a, mode: 0755}
`,
    ["yaml:6: packages.app.steps[0].chmod.mode: expected an octal mode in quotes, such as '755', found the number 755"],
  ],
  [
    'a number for a truth value',
    `${PACKAGE}    steps:
      - extract: {file: a, keep: 1}
`,
    ['yaml:6: packages.app.steps[0].extract.keep: expected true or false, found the number 1'],
  ],
  [
    'an absolute destination',
    `${PACKAGE}    destination: /opt
`,
    [
      'yaml:5: packages.app.destination: expected a relative path with forward slashes and without . or .., found "/opt"',
    ],
  ],
  [
    'a destination with dots',
    `${PACKAGE}    destination: a/../b
`,
    [
      'yaml:5: packages.app.destination: expected a relative path with forward slashes and without . or .., found "a/../b"',
    ],
  ],
  [
    "a destination that is Prestage's own",
    `${PACKAGE}    destination: .prestage/x
`,
    [
      'yaml:5: packages.app.destination: expected a destination that does not begin with .prestage or release.json, which a release uses itself, found ".prestage/x"',
    ],
  ],
  [
    'a destination with a backslash',
    `${PACKAGE}    destination: a\\b
`,
    [
      'yaml:5: packages.app.destination: expected a relative path with forward slashes and without . or .., found "a\\\\b"',
    ],
  ],
  [
    'a destination inside another',
    `${PACKAGE}  b: {source: b, destination: app/x}
`,
    ['yaml:5: packages.b.destination: expected a destination of its own, found "app/x", inside that of app ("app")'],
  ],
  [
    'a destination that another has',
    `${PACKAGE}  b: {source: b, destination: app}
`,
    ['yaml:5: packages.b.destination: expected a destination of its own, found "app", the same as that of app ("app")'],
  ],
  [
    'a destination around another',
    `name: portal
packages:
  a: {source: b, destination: app/x}
  b: {source: b, destination: app/}
`,
    ['yaml:4: packages.b.destination: expected a destination of its own, found "app", around that of a ("app/x")'],
  ],
  [
    'http without an integrity',
    `name: p
packages:
  a: {source: "http://u:pw@h/x.tar"}
`,
    [
      'yaml:3: packages.a.source: expected https://…, or an integrity beside http://, where anyone on the way may change the bytes, found "http://***@h/x.tar"',
    ],
  ],
  [
    'an unknown scheme',
    `name: p
packages:
  a: {source: "ftp://h/x.tar"}
`,
    [
      'yaml:3: packages.a.source: expected the path of a file or a folder, https://…, s3://bucket/key, maven:… or oci://…, found "ftp://h/x.tar"',
    ],
  ],
  [
    'an s3 bucket without a key',
    `name: p
packages:
  a: {source: "s3://b"}
`,
    [
      'yaml:3: packages.a.source: expected the path of a file or a folder, https://…, s3://bucket/key, maven:… or oci://…, found "s3://b"',
    ],
  ],
  [
    'a script outside the folder',
    `${SERVICES}  api: {boot: /x.sh}
`,
    [
      `yaml:4: services.api.boot: expected a path inside the configuration's folder, with forward slashes, found "/x.sh"`,
    ],
  ],
  [
    'unknown names in needs and after, and a service after itself',
    `${SERVICES}  api: {run: a.sh, needs: [x], after: [ap, api]}
  app: {run: a.sh}
`,
    [
      'yaml:4: services.api.needs[0]: expected the name of a package (there is none), found "x"',
      'yaml:4: services.api.after[0]: expected a service (api, app), found "ap"; did you mean api?',
      'yaml:4: services.api.after: expected services that do not wait for each other, found the circle api → api',
    ],
  ],
  [
    'limits of nothing, and of no unit that is known',
    `name: portal
packages:
  app:
    source: a
    limits:
      count: 0
      depth: 1.5
      size: 80GB
      nameLength: 256
      ratio: '10'
`,
    [
      'yaml:6: packages.app.limits.count: expected a whole number from 1, found the number 0',
      'yaml:7: packages.app.limits.depth: expected a whole number, found the number 1.5',
      'yaml:8: packages.app.limits.size: expected a size such as 512MiB or 80GiB, or a whole number of bytes, found "80GB"',
      'yaml:9: packages.app.limits.nameLength: expected a whole number from 1 to 255, found the number 256',
      'yaml:10: packages.app.limits.ratio: expected a whole number, found "10"',
    ],
  ],
  [
    'a size beyond all numbers',
    `name: portal
packages: {app: {source: a, limits: {size: 9000TiB}}}
`,
    [
      'yaml:2: packages.app.limits.size: expected a size such as 512MiB or 80GiB, or a whole number of bytes, found "9000TiB"',
    ],
  ],
  [
    'a service without scripts',
    `${SERVICES}  a: {port: 80}
`,
    ['yaml:4: services.a: expected boot, run or both, found neither'],
  ],
  [
    'a port of 0',
    `${SERVICES}  a: {run: x, port: 0}
`,
    ['yaml:4: services.a.port: expected a port from 1 to 65535, found the number 0'],
  ],
  [
    'a port in quotes',
    `${SERVICES}  a: {run: x, port: "80"}
`,
    ['yaml:4: services.a.port: expected a port from 1 to 65535, found "80"'],
  ],
  [
    'a health check without a port',
    `${SERVICES}  a: {run: x, health: tcp}
`,
    ['yaml:4: services.a.health: expected a port beside health, which asks there, found none'],
  ],
  [
    'an unknown health check',
    `${SERVICES}  a: {run: x, port: 80, health: http}
`,
    [
      'yaml:4: services.a.health: expected tcp, {http: /path, timeout}, {https: /path, timeout} or {tcp: true, timeout}, found "http"',
    ],
  ],
  [
    'a health path without a slash',
    `${SERVICES}  a: {run: x, port: 80, health: {http: health}}
`,
    ['yaml:4: services.a.health.http: expected a path that begins with /, found "health"'],
  ],
  [
    'a timeout without a unit',
    `${SERVICES}  a: {run: x, port: 80, health: {http: /h, timeout: 120}}
`,
    ['yaml:4: services.a.health.timeout: expected a duration such as 500ms, 120s or 2m, found the number 120'],
  ],
  [
    'a health check that checks nothing',
    `${SERVICES}  a: {run: x, port: 80, health: {timeout: 1s}}
`,
    ['yaml:4: services.a.health: expected one of http (a path), https (a path) and tcp: true, found a map of timeout'],
  ],
  [
    'a status that is none',
    `${SERVICES}  a: {run: x, port: 80, health: {http: /h, status: [200, 99]}}
`,
    ['yaml:4: services.a.health.status[1]: expected a status from 100 to 599, found the number 99'],
  ],
  [
    'statuses of a connection',
    `${SERVICES}  a: {run: x, port: 80, health: {tcp: true, status: 200}}
`,
    ['yaml:4: services.a.health: expected status and headers with http or https only, found a map of tcp, status'],
  ],
  [
    'a header of two lines',
    `${SERVICES}  a: {run: x, port: 80, health: {http: /h, headers: {X-A: "1\\n2"}}}
`,
    ['yaml:4: services.a.health.headers.X-A: expected plain text on one line, found "1\\n2"'],
  ],
  [
    'a misspelt timeout',
    `${SERVICES}  a: {run: x, port: 80, health: {http: /h, timout: 1s}}
`,
    [
      'yaml:4: services.a.health.timout: expected one of http, https, status, headers, tcp, timeout, found the unknown key timout; did you mean timeout?',
    ],
  ],
  [
    'two services on one port',
    `${SERVICES}  a: {run: x, port: 80}
  b: {run: x, port: 80}
`,
    ['yaml:5: services.b.port: expected a port of its own, found 80, the port of a'],
  ],
  [
    'a misspelt role',
    `${SERVICES}  a: {run: x, role: jmp}
`,
    ['yaml:4: services.a.role: expected one of jump, service, found "jmp"; did you mean jump?'],
  ],
  [
    'two jump services',
    `${SERVICES}  a: {role: jump}
  b: {role: jump, count: 2}
`,
    [
      'yaml:5: services.b.role: expected one jump service (there is a), found 2',
      'yaml:5: services.b.count: expected 1 for a jump service, found 2',
    ],
  ],
  [
    'single-phase without a jump service',
    `mode: single-phase
name: portal
packages: {}
services:
  a: {run: x}
`,
    ['yaml:1: mode: expected a service with role: jump, which prepares the files in single-phase mode, found none'],
  ],
  [
    'a misspelt mode',
    `mode: singel-phase
name: portal
packages: {}
services:
  a: {run: x}
`,
    ['yaml:1: mode: expected one of two-phase, single-phase, found "singel-phase"; did you mean single-phase?'],
  ],
  [
    'bad variables',
    `${SERVICES}  a: {run: x, environment: {PRESTAGE_X: 1, "a b": 2, C: [3]}}
`,
    [
      'yaml:4: services.a.environment.PRESTAGE_X: expected the name of a variable: letters, digits and underscores, not beginning with PRESTAGE_, found "PRESTAGE_X"',
      'yaml:4: services.a.environment["a b"]: expected the name of a variable: letters, digits and underscores, not beginning with PRESTAGE_, found "a b"',
      'yaml:4: services.a.environment.C: expected text, a number, true or false, or one of {secret, key}, {parameter}, {file} and {command}, found a list',
    ],
  ],
  [
    'secrets of another target',
    `${SERVICES}  a: {run: x, environment: {A: {secret: portal/db, key: password}, B: {file: x}}}
environments:
  local: {target: local, services: {a: {environment: {C: {parameter: /x}}}}}
  prod: {target: aws, region: eu-west-1, services: {a: {environment: {B: 1}}}}
`,
    [
      'yaml:4: services.a.environment.A: expected {file} or {command}, as local has the target local, found {secret}',
      'yaml:6: environments.local.services.a.environment.C: expected {file} or {command}, as local has the target local, found {parameter}',
    ],
  ],
  [
    'bad secrets',
    `${SERVICES}  a:
    run: x
    environment:
      A: { secret: "a b" }
      B: { secrt: portal/db }
      C: { file: 3 }
      D: { secret: portal/db, file: x }
      E: { parameter: "/a b" }
      F: { key: password }
      G: { command: "" }
      H: { secret: portal/db, key: " x" }
`,
    [
      'yaml:7: services.a.environment.A.secret: expected the name or the whole ARN of a secret, found "a b"',
      'yaml:8: services.a.environment.B: expected text, a number, true or false, or one of {secret, key}, {parameter}, {file} and {command}, found a map of secrt',
      'yaml:9: services.a.environment.C: expected text, a number, true or false, or one of {secret, key}, {parameter}, {file} and {command}, found a map of file',
      'yaml:10: services.a.environment.D: expected text, a number, true or false, or one of {secret, key}, {parameter}, {file} and {command}, found a map of secret, file',
      'yaml:11: services.a.environment.E.parameter: expected the name of a parameter, such as /portal/token, or its ARN, found "/a b"',
      'yaml:12: services.a.environment.F: expected text, a number, true or false, or one of {secret, key}, {parameter}, {file} and {command}, found a map of key',
      'yaml:13: services.a.environment.G.command: expected a command, found ""',
      'yaml:14: services.a.environment.H.key: expected a key, without blanks around it, found " x"',
    ],
  ],
  [
    'names of services that name something else',
    `${SERVICES}  worker: {run: x}
  a: {run: x, count: 2}
  a-1: {run: x}
`,
    [
      'yaml:4: services.worker: expected another name, found worker, which is what Prestage calls its own',
      'yaml:6: services.a-1: expected another name, found a-1, which is the name of host 1 of the service a',
    ],
  ],
  [
    'half a host',
    `${SERVICES}  a: {run: x, count: 1.5}
`,
    ['yaml:4: services.a.count: expected a whole number, found the number 1.5'],
  ],
  [
    'an unknown database',
    `name: p
packages: {}
database: {engine: oracle}
`,
    ['yaml:3: database.engine: expected one of postgres, mysql, found "oracle"'],
  ],
  [
    'a version that YAML changes',
    `name: p
packages: {}
database: {engine: postgres, version: 16.10}
`,
    ["yaml:3: database.version: expected quotes ('16.10') or the number 16.1, found 16.10, which YAML reads as 16.1"],
  ],
  [
    'a zone with a space',
    `name: p
packages: {}
dns: {zone: "a b"}
`,
    ['yaml:3: dns.zone: expected a domain such as portal.internal, found "a b"'],
  ],
  [
    'no environments',
    `name: p
packages: {}
environments: {}
`,
    ['yaml:3: environments: expected at least one environment, found an empty map'],
  ],
  [
    'an unknown target',
    `name: p
packages: {}
environments: {dev: {target: azure}}
`,
    ['yaml:3: environments.dev.target: expected one of local, aws, found "azure"'],
  ],
  [
    'a misspelt target',
    `name: p
packages: {}
environments: {dev: {target: locl, root: x}}
`,
    ['yaml:3: environments.dev.target: expected one of local, aws, found "locl"; did you mean local?'],
  ],
  [
    'an environment without a target',
    `name: p
packages: {}
environments: {dev: {}}
`,
    ['yaml:3: environments.dev.target: expected one of local, aws, found nothing'],
  ],
  [
    'an aws environment with everything wrong',
    `name: p
packages: {}
environments: {dev: {target: aws, region: moon, vpcCidr: 10.20.0.0/8, account: 123456789012}}
`,
    [
      'yaml:3: environments.dev.region: expected a region such as eu-west-1, found "moon"',
      'yaml:3: environments.dev.account: expected an account number of 12 digits, in quotes, found the number 123456789012',
      'yaml:3: environments.dev.vpcCidr: expected an IPv4 network from /16 to /24, such as 10.20.0.0/16, found "10.20.0.0/8"',
    ],
  ],
  [
    'a region on the local target',
    `name: p
packages: {}
environments: {dev: {target: local, region: x}}
`,
    ['yaml:3: environments.dev.region: expected one of target, root, services, values, found the unknown key region'],
  ],
  [
    'two environments with one root',
    `name: p
packages: {}
environments: {a: {target: local, root: x}, b: {target: local, root: ./x}}
`,
    ['yaml:3: environments.b.root: expected a root of its own, found that of a'],
  ],
])('YAML: %s', async (_, text, lines) => {
  const error = await failure('prestage.config.yaml', text);
  expect(linesOf(error)).toEqual(lines);
  expect(error.code).toBe('CONFIG_INVALID');
});

test.each<[string, string, string, string[]]>([
  [
    'a circle in after',
    'CONFIG_CYCLE',
    `${SERVICES}  a: {run: a.sh, after: [b]}
  b: {run: a.sh, after: [c]}
  c:
    run: a.sh
    after: [a]
`,
    ['yaml:4: services.a.after: expected services that do not wait for each other, found the circle a → b → c → a'],
  ],
  [
    'a key twice',
    'CONFIG_SYNTAX',
    `name: p
name: q
`,
    ['yaml:2: not valid YAML: map keys must be unique'],
  ],
  [
    'a list without its end',
    'CONFIG_SYNTAX',
    `name: [p
`,
    ['yaml:2: not valid YAML: flow sequence in block collection must be sufficiently indented and end with a ]'],
  ],
  [
    'tabs for indentation',
    'CONFIG_SYNTAX',
    `a:
	- b
`,
    ['yaml:2: not valid YAML: tabs are not allowed as indentation'],
  ],
  [
    'an alias without an anchor',
    'CONFIG_SYNTAX',
    `name: *x
`,
    ['yaml:1: not valid YAML: unresolved alias (the anchor must be set before the alias): x'],
  ],
])('YAML: %s', async (_, code, text, lines) => {
  const error = await failure('prestage.config.yaml', text);
  expect(linesOf(error)).toEqual(lines);
  expect(error.code).toBe(code);
});

test.each<[string, string, string, string[]]>([
  [
    'an unknown key',
    'CONFIG_INVALID',
    '{\n  "name": "portal",\n  "package": {}\n}',
    [
      'json:3: package: expected one of name, mode, packages, servers, services, database, dns, environments, values, inputs, found the unknown key package; did you mean packages?',
    ],
  ],
  [
    'a wrong type',
    'CONFIG_INVALID',
    '{\n  "name": "portal",\n  "packages": {\n    "app": {\n      "source": 3\n    }\n  }\n}',
    ['json:5: packages.app.source: expected a path, found the number 3'],
  ],
  [
    'an item of a list',
    'CONFIG_INVALID',
    '{"name": "portal", "packages": {"app": {"source": "a", "steps": [\n{"remove": "a"},\n{"remove": 1}]}}}',
    ['json:3: packages.app.steps[1].remove: expected a pattern, a list of patterns, or {files}, found the number 1'],
  ],
  [
    'a circle',
    'CONFIG_CYCLE',
    '{"name": "p", "packages": {}, "services": {\n"a": {"run": "a", "after": ["b"]},\n"b": {"run": "a", "after": ["a"]}}}',
    ['json:2: services.a.after: expected services that do not wait for each other, found the circle a → b → a'],
  ],
  ['a comment', 'CONFIG_SYNTAX', '{\n  // mine\n  "name": "portal"\n}', ['json:2: JSON has no comments']],
  [
    'a trailing comma',
    'CONFIG_SYNTAX',
    '{\n  "name": "portal",\n}',
    ['json:3: not valid JSON: property name expected'],
  ],
  ['a missing brace', 'CONFIG_SYNTAX', '{\n  "name": "portal"', ['json:2: not valid JSON: close brace expected']],
  [
    'a key twice',
    'CONFIG_SYNTAX',
    '{\n  "name": "portal",\n  "name": "other"\n}',
    ['json:3: the key "name" is there twice'],
  ],
  ['nothing', 'CONFIG_SYNTAX', '', ['json:1: not valid JSON: value expected']],
])('JSON: %s', async (_, code, text, lines) => {
  const error = await failure('prestage.config.json', text);
  expect(linesOf(error)).toEqual(lines);
  expect(error.code).toBe(code);
});

const TYPESCRIPT = `import { defineConfig } from 'prestage';

const port: number = 80_80;
export default defineConfig({
  name: 'portal', // the name: of it
  packages: {
    'app-x': { source: \`files/\${'app'}.tar\`, steps: [
      { replace: { files: 'a', from: /x{2},/.source, to: '}' } },
    ] },
  },
  services: {
    api: {
      run: 'api.sh',
      port,
      HERE
    },
  },
});
`;

test.each<[string, string, string, string[]]>([
  [
    'a key deep inside',
    'CONFIG_INVALID',
    TYPESCRIPT.replace('HERE', 'cuont: 2,'),
    [
      'ts:15: services.api.cuont: expected one of role, boot, run, user, bootUser, stop, restart, logs, files, needs, after, count, port, health, allow, environment, found the unknown key cuont; did you mean count?',
    ],
  ],
  [
    'a wrong value',
    'CONFIG_INVALID',
    TYPESCRIPT.replace('HERE', "count: 'two' as unknown as number,"),
    ['ts:15: services.api.count: expected a whole number, found "two"'],
  ],
  [
    'an item of a list',
    'CONFIG_INVALID',
    TYPESCRIPT.replace("to: '}' } },", "to: '}' } },\n      { remove: [] },").replace('HERE', ''),
    ['ts:9: packages.app-x.steps[1].remove: expected at least one pattern, found an empty list'],
  ],
  [
    'a value that is computed',
    'CONFIG_INVALID',
    TYPESCRIPT.replace('HERE', '...{ count: 0 },'),
    ['ts:12: services.api.count: expected a whole number from 1, found the number 0'],
  ],
  [
    'an object in a constant',
    'CONFIG_INVALID',
    "const config = {\n  name: 'portal',\n  packages: 3,\n};\nexport default config;\n",
    ['ts:3: packages: expected a map, found the number 3'],
  ],
  [
    'a configuration that is made elsewhere',
    'CONFIG_INVALID',
    "export default JSON.parse('{}');\n",
    ['ts: name: expected text, found nothing', 'ts: packages: expected a map, found nothing'],
  ],
  [
    'a syntax error',
    'CONFIG_SYNTAX',
    "export default {\n  name: 'portal',\n  packages: [,\n};\n",
    ['ts:4: Unexpected token'],
  ],
  [
    'an exception',
    'CONFIG_SYNTAX',
    'export default {\n  name: undefinedName,\n};\n',
    ['ts:2: undefinedName is not defined'],
  ],
  [
    'no default export',
    'CONFIG_SYNTAX',
    'export const config = {};\n',
    ['ts: expected the configuration as its default export, found none'],
  ],
  [
    'a function that makes nothing',
    'CONFIG_INVALID',
    'export default () => ({});\n',
    ['ts:1: name: expected text, found nothing', 'ts:1: packages: expected a map, found nothing'],
  ],
])('TypeScript: %s', async (_, code, text, lines) => {
  const error = await failure('prestage.config.ts', text);
  expect(linesOf(error)).toEqual(lines);
  expect(error.code).toBe(code);
});

test.each<[string, string, string[]]>([
  [
    'yaml',
    'name: portal\npackages:\n  app: {source: a}\n  __proto__: {source: b}\n',
    [
      'yaml:4: packages.__proto__: expected lower-case letters, digits and hyphens, beginning with a letter, found "__proto__"',
    ],
  ],
  [
    'yaml',
    'name: portal\npackages:\n  app: {source: a, steps: [{set: {file: f, values: {\n    __proto__: x, y: z}}}]}\n',
    ['yaml:4: packages.app.steps[0].set.values.__proto__: expected another key, found "__proto__"'],
  ],
  [
    'json',
    '{"name": "portal",\n"packages": {"app": {"source": "a"},\n"__proto__": {"source": "b"}}}',
    [
      'json:3: packages.__proto__: expected lower-case letters, digits and hyphens, beginning with a letter, found "__proto__"',
    ],
  ],
])('a key called __proto__ is refused, not dropped: %s', async (ending, text, lines) => {
  expect(linesOf(await failure(`prestage.config.${ending}`, text))).toEqual(lines);
});

test.each<[string, string, string[]]>([
  [
    'two documents',
    'name: portal\n---\nname: other\n',
    ['yaml:2: not valid YAML: a configuration is one document, and a second begins here'],
  ],
  [
    'a root in the home folder as a shell writes it',
    'name: portal\npackages: {}\nenvironments:\n  local: {target: local, root: ~/store}\n',
    [
      'yaml:4: environments.local.root: expected a path without ~, which only a shell reads as the home folder, found "~/store"',
    ],
  ],
])('says of %s what is wrong with it', async (_, text, lines) => {
  expect(linesOf(await failure('prestage.config.yaml', text))).toEqual(lines);
});

describe('an error', () => {
  test('has the place of the first problem in its context', async () => {
    const error = await failure('prestage.config.yaml', `${SERVICES}  api: {run: a.sh, port: x, count: y}\n`);
    expect(error.context).toMatchObject({
      line: 4,
      key: 'services.api.count',
      expected: 'a whole number',
      found: '"y"',
    });
    expect(error.context.file).toMatch(/prestage\.config\.yaml$/);
    expect(error.exitStatus).toBe(2);
  });

  test('shows no password of a URL', async () => {
    const error = await failure(
      'prestage.config.yaml',
      "name: p\npackages: {a: {source: 'http://me:secret@host/x.tar?token=secret'}}\n",
    );
    expect(JSON.stringify(error.serialize())).not.toContain('secret');
  });
});
