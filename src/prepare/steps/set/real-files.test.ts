// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the products' files have such placeholders of their own
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { applySet, formatOf, type SetFormat, type SetValue } from './index.js';

const fixture = (name: string) => readFileSync(join(import.meta.dirname, 'fixtures', name));

const FORMATS: Record<string, SetFormat> = { 'my.cnf': 'ini', 'setup.cfg': 'ini', 'example.service': 'ini' };

/** The lines that differ, as `-before` and `+after`, from a diff that expects changed blocks only where lines differ. */
function difference(before: Buffer, after: Buffer): string[] {
  const [a, b] = [before.toString('latin1').split('\n'), after.toString('latin1').split('\n')];
  while (a.length > 0 && b.length > 0 && a[0] === b[0]) [a.shift(), b.shift()];
  while (a.length > 0 && b.length > 0 && a.at(-1) === b.at(-1)) [a.pop(), b.pop()];
  return [...a.map((line) => `-${line}`), ...b.map((line) => `+${line}`)];
}

test.each<[file: string, key: string, value: SetValue, difference: string[]]>([
  // ActiveMQ, Artemis, Jetty: beans, namespaces, comments with elements in them.
  [
    'activemq.xml',
    'beans/broker@brokerName',
    'orders',
    [
      '-    <broker xmlns="http://activemq.apache.org/schema/core" brokerName="localhost" dataDirectory="${activemq.data}">',
      '+    <broker xmlns="http://activemq.apache.org/schema/core" brokerName="orders" dataDirectory="${activemq.data}">',
    ],
  ],
  [
    'activemq.xml',
    "beans/broker/transportConnectors/transportConnector[@name='openwire']@uri",
    'tcp://127.0.0.1:61616?a=1&b=2',
    [
      '-            <transportConnector name="openwire" uri="tcp://0.0.0.0:61616?maximumConnections=1000&amp;wireFormat.maxFrameSize=104857600"/>',
      '+            <transportConnector name="openwire" uri="tcp://127.0.0.1:61616?a=1&amp;b=2"/>',
    ],
  ],
  [
    'activemq.xml',
    'beans/broker/systemUsage/systemUsage/memoryUsage/memoryUsage@percentOfJvmHeap',
    50,
    [
      '-                    <memoryUsage percentOfJvmHeap="70" />',
      '+                    <memoryUsage percentOfJvmHeap="50" />',
    ],
  ],
  [
    'activemq.xml',
    "beans/bean/property[@name='locations']/value",
    '/etc/credentials.properties',
    [
      '-            <value>file:${activemq.conf}/credentials.properties</value>',
      '+            <value>/etc/credentials.properties</value>',
    ],
  ],
  [
    'jetty.xml',
    "beans/bean[@id='jettyPort']/property[@name='port']@value",
    9161,
    ['-        <property name="port" value="8161"/>', '+        <property name="port" value="9161"/>'],
  ],
  [
    'jetty.xml',
    "beans/bean[@id='securityConstraint']/property[@name='authenticate']@value",
    false,
    [
      '-        <property name="authenticate" value="true" />',
      '+        <property name="authenticate" value="false" />',
    ],
  ],
  [
    'web.xml',
    "web-app/filter[filter-name='spring']/filter-class",
    'org.example.Filter',
    [
      '-    <filter-class>org.apache.activemq.web.filter.ApplicationContextFilter</filter-class>',
      '+    <filter-class>org.example.Filter</filter-class>',
    ],
  ],
  [
    'jolokia-access.xml',
    'restrict/cors/allow-origin',
    'https://console.example',
    [
      '-        <allow-origin>*://${http.host}*</allow-origin>',
      '+        <allow-origin>https://console.example</allow-origin>',
    ],
  ],
  ['log4j2.properties', 'rootLogger.level', 'WARN', ['-rootLogger.level=INFO', '+rootLogger.level=WARN']],
  [
    'log4j2.properties',
    'appender.console.layout.pattern',
    '%d [%t] %m%n',
    ['-appender.console.layout.pattern=%5p | %m%n', '+appender.console.layout.pattern=%d [%t] %m%n'],
  ],
  // A servlet container's, with a DOCTYPE, entities and attributes over lines.
  [
    'server.xml',
    "Server/Service/Connector[@protocol='HTTP/1.1']@port",
    80,
    ['-    <Connector port="8080" protocol="HTTP/1.1"', '+    <Connector port="80" protocol="HTTP/1.1"'],
  ],
  [
    'server.xml',
    'Server/Service/Connector[2]@port',
    8010,
    ['-               port = "8009" secret="a&amp;b &lt; c"', '+               port = "8010" secret="a&amp;b &lt; c"'],
  ],
  [
    'server.xml',
    'Server/Service/Engine/Host/Valve@pattern',
    '"%r" %s',
    [
      '-        <Valve pattern="%h %l %u %t &quot;%r&quot; %s %b" prefix="access_log" />',
      '+        <Valve pattern="&quot;%r&quot; %s" prefix="access_log" />',
    ],
  ],
  [
    'server.xml',
    'Server/Service/Engine/Host/Owner',
    'R&D',
    ['-        <Owner>&owner;</Owner>', '+        <Owner>R&amp;D</Owner>'],
  ],
  ['latin1.xml', 'config/x:name', 'Köln', ['-  <x:name>M\xFCnchen</x:name>', '+  <x:name>K&#xF6;ln</x:name>']],
  [
    'latin1.xml',
    'config/script',
    'a && b',
    ['-  <script><![CDATA[if (a < b && c) { run("\xE9"); }]]></script>', '+  <script><![CDATA[a && b]]></script>'],
  ],
  // Properties in Latin-1 with CRLF.
  [
    'messages.properties',
    'greeting',
    'Grüß Gott',
    ['-greeting = Gr\xFC\xDF Gott\r', '+greeting = Gr\\u00fc\\u00df Gott\r'],
  ],
  [
    'messages.properties',
    'with space:and=signs',
    'x',
    ['-with\\ space\\:and\\=signs   value\r', '+with\\ space\\:and\\=signs   x\r'],
  ],
  [
    'messages.properties',
    'long',
    'short',
    ['-long = one, \\\r', '-       two, \\\r', '-       three\r', '+long = short\r'],
  ],
  ['messages.properties', 'twice', 3, ['-twice=2\r', '+twice=3\r']],
  // YAML with anchors, merges, flow maps, block scalars.
  ['application.yml', 'server.port', 80, ['-  port: 8080   # behind the proxy', '+  port: 80   # behind the proxy']],
  [
    'application.yml',
    'server.servlet.session.timeout',
    '1:30',
    [
      '-  servlet: {context-path: /, session: {timeout: 30m}}',
      '+  servlet: {context-path: /, session: {timeout: "1:30"}}',
    ],
  ],
  ['application.yml', 'defaults.timeout', '10s', ['-  timeout: 5s', '+  timeout: 10s']],
  [
    'application.yml',
    'spring.main.banner-mode',
    'log',
    ['-spring.main.banner-mode: "off"', '+spring.main.banner-mode: "log"'],
  ],
  ['application.yml', 'spring.datasource.username', "o'neil", ["-    username: 'app'", "+    username: 'o''neil'"]],
  ['application.yml', 'spring.datasource.hikari.minimum-idle', 2, ['+      minimum-idle: 2']],
  ['application.yml', 'spring.jpa.properties.hibernate', 'on', ['+      hibernate: "on"']],
  ['application.yml', 'clients.0.timeout', '1s', ['+  timeout: 1s']],
  ['application.yml', 'clients.1.name', 'post', ['--   name: mail', '+-   name: post']],
  ['application.yml', 'clients.1.port', 25, ['+    port: 25']],
  ['application.yml', 'motd', 'Hello.\nBye.\n', ['-  Welcome.', '-', '-  Be nice.', '+  Hello.', '+  Bye.']],
  ['application.yml', 'legal', 'None', ['-legal: >-', '-  Some folded', '-  text.', '+legal: None']],
  ['application.yml', 'empty', 'no', ['-empty:', '+empty: "no"']],
  // TOML: every kind of string, table and array.
  [
    'service.toml',
    'root.path',
    'D:\\data',
    ["-root.path = 'C:\\data'   # literal", "+root.path = 'D:\\data'   # literal"],
  ],
  ['service.toml', 'owner.name', 'Ana', ['-name = "Zo\xC3\xAB \\"Z\\" Example"', '+name = "Ana"']],
  ['service.toml', 'limits.ratio', 1, ['-ratio     = 0.5', '+ratio     = 1.0']],
  ['service.toml', 'limits.huge', 1, ['-huge      = 9223372036854775807', '+huge      = 1']],
  ['service.toml', 'database.ports.1', 9001, ['-ports = [ 8000, 8001, # spare', '+ports = [ 8000, 9001, # spare']],
  [
    'service.toml',
    'database.primary.host',
    'db2',
    ['-primary = { host = "db1", port = 5432 }', '+primary = { host = "db2", port = 5432 }'],
  ],
  ['service.toml', 'products.0.sku.code', 1, ['-"sku.code" = 738594937', '+"sku.code" = 1']],
  ['service.toml', 'products.2.box.size', 7, ['-size = 100', '+size = 7']],
  ['service.toml', 'servers.alpha.port', 1, ['+port = 1']],
  // JSON with comments and trailing commas.
  ['settings.json', 'editor.fontSize', 14, ['-    "editor.fontSize": 12,', '+    "editor.fontSize": 14,']],
  [
    'settings.json',
    'files.exclude.**/.git',
    false,
    ['-        "**/.git": true, /* always */', '+        "**/.git": false, /* always */'],
  ],
  ['settings.json', 'compilerOptions.strict', true, ['+        "strict": true,']],
  [
    'settings.json',
    'compilerOptions.paths."@/*"',
    'src',
    ['-        "paths": {},', '+        "paths": {', '+            "@/*": "src"', '+        },'],
  ],
  [
    'settings.json',
    'compilerOptions.lib.1',
    'webworker',
    ['-        "lib": ["es2022", "dom"], // two', '+        "lib": ["es2022", "webworker"], // two'],
  ],
  // What is called ini by many.
  [
    'my.cnf',
    'mysqld.bind-address',
    '0.0.0.0',
    ['-bind-address\t= 127.0.0.1 ; only here', '+bind-address\t= 0.0.0.0 ; only here'],
  ],
  ['my.cnf', 'mysqld.sql_mode', 'ANSI', ['-sql_mode\t= "STRICT_ALL_TABLES,NO_ZERO_DATE"', '+sql_mode\t= "ANSI"']],
  ['my.cnf', 'mysqld.max_connections', 10, ['+max_connections = 10']],
  ['example.service', 'Service.Restart', 'always', ['-Restart=on-failure', '+Restart=always']],
  [
    'example.service',
    'Service.Environment',
    'JAVA_OPTS=-Xmx1g',
    ['-Environment="JAVA_OPTS=-Xmx512m -Dkey=value"', '+Environment="JAVA_OPTS=-Xmx1g"'],
  ],
  ['setup.cfg', 'tool:pytest.testpaths', 'src', ['-testpaths: tests', '+testpaths: src']],
  [
    'setup.cfg',
    'options.install_requires',
    'requests',
    [
      '-install_requires =',
      '-    requests',
      '-    # pinned for now',
      '-    urllib3',
      '+install_requires =requests',
      '+    # pinned for now',
    ],
  ],
])('in %s, %s = %j changes these lines alone', (file, key, value, expected) => {
  const before = fixture(file);
  const format = FORMATS[file] ?? formatOf(file) ?? 'ini';
  const { content, changes } = applySet(before, format, { [key]: value }, file);
  expect(difference(before, content)).toEqual(expected);
  expect(changes).toBe(1);
  expect(applySet(content, format, { [key]: value }, file).changes).toBe(0);
});

test.each([
  ['example.service', 'Unit.ConditionPathExists', 'lines 4 and 5'],
  ['example.service', 'Service.ExecStart', 'example.service:12: some readers'],
  ['activemq.xml', 'beans/broker/transportConnectors/transportConnector@uri', 'matches 5 places'],
  ['application.yml', 'clients.1.limits', 'the alias *defaults'],
  ['service.toml', 'owner.since', 'a date or a time'],
  ['my.cnf', 'mysql.socket.path.x', 'sections: client, mysqld, mysqld_safe'],
])('in %s, %s is refused: %s', (file, key, message) => {
  const format = FORMATS[file] ?? formatOf(file) ?? 'ini';
  expect(() => applySet(fixture(file), format, { [key]: 1 }, file)).toThrow(message);
});
