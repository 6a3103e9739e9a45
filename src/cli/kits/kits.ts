/** The files for a deployment, a kit for each place to deploy to. Pure: a project in, texts out. */
import { argo } from "./argo.ts";
import { compose } from "./compose.ts";
import { docker } from "./docker.ts";
import { githubActions } from "./github-actions.ts";
import { helm } from "./helm.ts";
import type { Kit } from "./kit.ts";
import { kubernetes } from "./kubernetes.ts";
import { railway } from "./railway.ts";

/** By the flag of `godwit init`, in camelCase. */
export const KITS: Readonly<Record<string, Kit>> = {
  docker,
  compose,
  kubernetes,
  helm,
  argo,
  railway,
  githubActions,
};
