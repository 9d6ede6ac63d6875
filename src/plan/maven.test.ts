import { expect, test } from 'vitest';
import { mavenUrl } from './maven.js';

// Files that Maven Central has, as its own pages link them.
test.each([
  ['maven:org.apache.commons:commons-lang3:3.14.0', 'org/apache/commons/commons-lang3/3.14.0/commons-lang3-3.14.0.jar'],
  ['maven:junit:junit:4.13.2@pom', 'junit/junit/4.13.2/junit-4.13.2.pom'],
  ['maven:org.apache.tomcat:tomcat:10.1.34@tar.gz', 'org/apache/tomcat/tomcat/10.1.34/tomcat-10.1.34.tar.gz'],
  [
    'maven:org.apache.activemq:apache-activemq:6.1.4:bin@tar.gz',
    'org/apache/activemq/apache-activemq/6.1.4/apache-activemq-6.1.4-bin.tar.gz',
  ],
])('%s is on Maven Central', (written, path) => {
  expect(mavenUrl(written)?.href).toBe(`https://repo1.maven.org/maven2/${path}`);
});

test('a repository of its own, and a snapshot of one moment in it', () => {
  expect(mavenUrl('maven:a.b:c:1.0-20260102.030405-6@zip', 'https://nexus.test/repository/snapshots/')?.href).toBe(
    'https://nexus.test/repository/snapshots/a/b/c/1.0-SNAPSHOT/c-1.0-20260102.030405-6.zip',
  );
});

test.each([
  'maven:a:b',
  'maven:a:b:1.0-SNAPSHOT',
  'maven:a:b:LATEST',
  'maven:a:b:RELEASE',
  'maven:a:b:[1.0,2.0)',
  'maven:a/b:c:1',
  'maven:a:b:1:c:d',
  'maven:a:b:1@',
])('%s is refused', (written) => {
  expect(mavenUrl(written)).toBeUndefined();
});

test('a repository that is no URL of a server is refused', () => {
  expect(mavenUrl('maven:a:b:1', 'file:///repo')).toBeUndefined();
});
