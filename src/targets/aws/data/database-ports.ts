/** Where each engine listens. */
export const DATABASE_PORTS = { postgres: 5432, mysql: 3306 } as const;
