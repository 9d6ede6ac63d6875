/** A step as the configuration has it. Paths of `from` lie in the folder, all others in the package. */
export type ProposedChange =
  | { kind: 'patch'; from: string; strip: number }
  | { kind: 'copy'; from: string; to: string }
  | { kind: 'replace'; files: string[]; search: string; to: string; regex: boolean }
  | { kind: 'extract'; file: string; to: string; strip: number }
  | { kind: 'chmod'; file: string; mode: string }
  | { kind: 'remove'; file: string };

export type ProposedStep = ProposedChange & {
  /** Why it is proposed. */
  about: string;
  /** Where it may belong instead: packages that hold files of the same names. */
  others?: { id: string; strip: number }[];
  /** Why it cannot be taken as it is: then it stands as a comment. */
  fault?: string;
};

export interface ProposedPackage {
  id: string;
  source: string;
  /** What was found there. */
  about: string;
  strip?: number;
  /** `false`: it stays one file. */
  extract?: false;
  destination: string;
  steps: ProposedStep[];
}

export interface ProposedService {
  name: string;
  boot?: string;
  run?: string;
  /** What says the rest of it. */
  about?: string;
  after?: string[];
  port?: number;
  /** The path of its check. */
  health?: string;
}

/** An environment on AWS, as other tools' files describe it. */
export interface ProposedEnvironment {
  name: string;
  region: string;
  vpcCidr?: string;
  /** What else that file says: a text of the configuration may want it. */
  values?: Record<string, string | number | boolean>;
  /** The file that says so. */
  from: string;
}

/** What a configuration could say, from what lies in a folder. */
export interface Proposal {
  packages: ProposedPackage[];
  services: ProposedService[];
  environments: ProposedEnvironment[];
  /** Services of Docker Compose, as comments. */
  hints: string[];
  /** Scripts that destinations and steps were taken from. */
  read: string[];
  /** What was found and is not used, with the reason. */
  unused: { path: string; why: string }[];
}
