import type { SourceFile } from '../debian/archive.js';

/** The test suites whose archives are unpacked, and where they come from: each from one pinned source. */
export interface Suite {
  name: string;
  from: SourceFile | GoTree;
  /** Its archives: paths below the source's root, without the folder that the source itself is in. */
  archives: RegExp;
}

/** Folders of the sources that come with Go; the digest is that of the archives, by `digestOf`. */
export interface GoTree {
  folders: readonly string[];
  sha256: string;
}

export const SUITES: readonly Suite[] = [
  {
    name: 'libarchive',
    from: {
      package: 'libarchive',
      file: 'libarchive_3.6.2.orig.tar.xz',
      sha256: '9e2c1b80d5fbe59b61308fdfab6c79b5021d7ff4ff2489fb12daf0a96a83551d',
    },
    archives: /^(libarchive|cat|cpio|tar)\/test\/.*\.uu$/,
  },
  {
    name: 'commons-compress',
    from: {
      package: 'libcommons-compress-java',
      file: 'libcommons-compress-java_1.22.orig.tar.xz',
      sha256: 'c0270188ea43f7af708ff384a6421597e2eee5d68db152b60ad6e682f0e88160',
    },
    archives: /^src\/test\/resources\/.*(?<!\.txt|\.xml|\.uncompressed|\.numbers|\/file_to_compare_\d|StreamProvider)$/,
  },
  {
    name: 'libzip',
    from: {
      package: 'libzip',
      file: 'libzip_1.7.3.orig.tar.xz',
      sha256: 'a60473ffdb7b4260c08bfa19c2ccea0438edac11193c3afbbb1f17fbcf6c6132',
    },
    archives: /^regress\/.*\.zip$/,
  },
  {
    name: 'go',
    from: {
      folders: ['archive/tar/testdata', 'archive/zip/testdata'],
      sha256: '1a92b5a055f9cd7f53ec68d48548b17e5f62d1dda8867fcaddbc268c335da84c',
    },
    archives: /\.(tar|zip|notzip|bz2|base64)$/,
  },
  {
    name: 'cpython',
    from: {
      package: 'python3.11',
      file: 'python3.11_3.11.2.orig.tar.gz',
      sha256: '2411c74bda5bbcfcddaf4531f66d1adc73f247f529aee981b029513aefdbf849',
    },
    archives: /^Lib\/test\/.*\.(tar|zip|whl|egg|xz|gz|bz2)$/,
  },
  {
    name: 'node-tar',
    from: {
      package: 'node-tar',
      file: 'node-tar_6.1.13+~cs7.0.5.orig.tar.gz',
      sha256: '3a109051a63b78a00830bf602036cc77b6870be68967a68e2ce1e0ad3eed8870',
    },
    archives: /^test\/.*\.(tar|tgz)$/,
  },
  {
    name: 'rpm',
    from: {
      package: 'rpm',
      file: 'rpm_4.18.0+dfsg.orig.tar.xz',
      sha256: 'd0d9c58c036bc6308de6e195e898c10bf53eaef6f962c48b403e7cd262f4eb4d',
    },
    archives: /^tests\/data\/.*(\.rpm|\.tar\.gz|\.payload)$/,
  },
];

/** Archives that are not unpacked, as they take too long. */
export const TOO_LARGE: Readonly<Record<string, string>> = {
  'src/test/resources/8.posix.tar.gz': 'a file of 8 GB of zeros',
  'src/test/resources/8.star.tar.gz': 'a file of 8 GB of zeros',
  'src/test/resources/COMPRESS-592.7z': '70,001 files',
  'src/test/resources/zip64support.tar.bz2': 'zips of 150 MB in a compression that hides their size',
};
