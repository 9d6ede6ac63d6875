import type { DatabasePlan } from '../../../plan/index.js';
import type { Scope } from '../environment/names.js';

/** Where each engine listens. */
export const DATABASE_PORTS = { postgres: 5432, mysql: 3306 } as const;

/** What the database's stack is made from. */
export interface DataInputs {
  scope: Scope;
  database: DatabasePlan;
  ha: boolean;
  instanceClass: string;
  vpcId: string;
  /** In two zones. */
  subnetIds: readonly string[];
}

/** The outputs of the database's stack, by the name of the output. */
export interface DataOutputs {
  DatabaseInstance: string;
  /** `{username, password, host, port, dbname, engine}` */
  DatabaseSecretArn: string;
  /** Which hosts are let in by. */
  DatabaseGroupId: string;
}
