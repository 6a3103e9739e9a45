/** `godwit init --railway`: a worker that migrates and ends. */
import { docker } from "./docker.ts";
import { DOCKERFILE, type Kit } from "./kit.ts";
import { variablesIn } from "./project.ts";

export const railway: Kit = {
  files: (project) => [
    ...docker.files(project),
    {
      path: "railway.json",
      text: `${JSON.stringify(
        {
          $schema: "https://railway.com/railway.schema.json",
          build: { builder: "DOCKERFILE", dockerfilePath: DOCKERFILE },
          deploy: { restartPolicyType: "ON_FAILURE", restartPolicyMaxRetries: 3 },
        },
        null,
        2,
      )}\n`,
    },
  ],
  next: (project) => [
    `Railway: a service from this repository, without a port; it needs ${variablesIn(project).join(", ")}: the database itself, and not a pooler`,
  ],
};
