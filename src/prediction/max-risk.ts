/** The most that `up --max-risk` takes: as the command line has them, from the least to the worst. `any`: nothing is rehearsed. */
export const MAX_RISKS = ["safe", "brief", "blocks-writes", "blocks-reads", "rewrites", "any"] as const;

export type MaxRisk = (typeof MAX_RISKS)[number];
