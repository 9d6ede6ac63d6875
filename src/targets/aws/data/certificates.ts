import { X509Certificate } from 'node:crypto';
import { sha256 } from '../../../core/digest.js';
import { PrestageError } from '../../../core/errors.js';
import { certificateKey } from '../bucket/layout.js';
import pem from './rds-certificates.pem?raw';
import { truststoreOf } from './truststore.js';

/** What a host verifies the database's certificate by: an object in the bucket, under its digest. */
export interface CertificateFile {
  sha256: string;
  key: string;
  content: Buffer;
}

export interface DatabaseCertificates {
  /** As text, for all but one. */
  pem: CertificateFile;
  /** As a keystore of Java: MySQL's driver reads nothing else. */
  truststore: CertificateFile;
}

/** Everybody may read it: it holds certificates alone, and Java wants a password to check that it is whole. */
export const TRUSTSTORE_PASSWORD = 'changeit';

const BEGIN = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * The certificate authorities of RDS in a region. They come with Prestage: a host may have no way to where AWS publishes them, and
 * what is downloaded at each deployment would be trusted unseen.
 * @throws AWS_SETTINGS where there is none
 */
export function databaseCertificates(region: string): DatabaseCertificates {
  const certificates = (pem.match(BEGIN) ?? [])
    .map((text) => ({ text, certificate: new X509Certificate(text) }))
    .filter(({ certificate }) => certificate.subject.includes(`CN=Amazon RDS ${region} Root CA `));
  if (certificates.length === 0) throw unknown(region);
  const text = certificates.map((each) => `${each.text}\n`).join('');
  return {
    pem: fileOf(Buffer.from(text)),
    truststore: fileOf(
      truststoreOf(
        certificates.map(({ certificate }) => certificate.raw),
        TRUSTSTORE_PASSWORD,
      ),
    ),
  };
}

function fileOf(content: Buffer): CertificateFile {
  const digest = sha256(content);
  return { sha256: digest, key: certificateKey(digest), content };
}

function unknown(region: string): PrestageError {
  return new PrestageError(
    'AWS_SETTINGS',
    `Prestage has no certificate of RDS in ${region}, which hosts need to verify the database.`,
    {
      hint: 'Use a newer version of Prestage, or leave `database` out and tell services of a database of your own by `environment`.',
      context: { found: region },
    },
  );
}
