import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { databaseCertificates, TRUSTSTORE_PASSWORD } from './certificates.js';

const REGIONS = ['us-east-1', 'eu-central-1', 'eu-west-1', 'ap-southeast-2', 'il-central-1', 'ca-west-1'];

test.each(REGIONS)('the authorities of RDS in %s are three, roots, and good for ten years', (region) => {
  const { pem } = databaseCertificates(region);
  const certificates = pem.content
    .toString()
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .map((text) => new X509Certificate(text));
  expect(certificates).toHaveLength(3);
  for (const certificate of certificates) {
    expect(certificate.subject).toContain(`CN=Amazon RDS ${region} Root CA `);
    expect(certificate.ca).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(Date.parse(certificate.validTo)).toBeGreaterThan(Date.now() + 10 * 365 * 24 * 60 * 60 * 1000);
  }
});

test('a region whose authorities are not known is an error before anything is made', () => {
  expect(() => databaseCertificates('xx-moon-1')).toThrow(
    expect.objectContaining({ code: 'AWS_SETTINGS', context: { found: 'xx-moon-1' } }),
  );
});

function hasKeytool(): boolean {
  try {
    execFileSync('keytool', ['-help'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test.skipIf(!hasKeytool())('the keystore is one that Java reads, with the same certificates', () => {
  const { pem, truststore } = databaseCertificates('eu-central-1');
  const folder = mkdtempSync(join(tmpdir(), 'prestage-truststore-'));
  try {
    const file = join(folder, 'ca.jks');
    writeFileSync(file, truststore.content);
    const args = ['-list', '-rfc', '-keystore', file, '-storetype', 'JKS', '-storepass', TRUSTSTORE_PASSWORD];
    const listed = execFileSync('keytool', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const found = listed.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    const fingerprints = (texts: string[]) => texts.map((text) => new X509Certificate(text).fingerprint256).sort();
    expect(fingerprints(found)).toEqual(fingerprints(pem.content.toString().split(/(?<=-----END CERTIFICATE-----\n)/)));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
