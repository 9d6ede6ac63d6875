/** A change to files that an older script makes. Paths are where the script has them, without the mount point. */
export type OldWork = OldChange & {
  /** `deploy.sh:12` */
  at: string;
  /** The command, as it is written. */
  text: string;
};

export type OldChange =
  | { kind: 'unpack'; archive: string; to: string; strip: number }
  | { kind: 'replace'; files: string[]; search: string; to: string; regex: boolean; firstOnly: boolean }
  /** `from` is where `file` lies on the machine. `isWhole`: what is in it, not it. */
  | { kind: 'copy'; file: string; from: string; to: string; isWhole: boolean }
  | { kind: 'patch'; file: string; folder: string; strip: number }
  | { kind: 'chmod'; file: string; mode: string }
  | { kind: 'remove'; file: string }
  /** To a bucket, from where the machines fetched it. */
  | { kind: 'upload'; file: string }
  | { kind: 'download'; url: string }
  /** What may change files, and is none of these. The paths that it names tell whether these are a package's. */
  | { kind: 'unknown'; paths: string[] };
