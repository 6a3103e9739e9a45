/** `godwit init --railway`: a worker that migrates and ends. */
import { docker } from "./docker.ts";
import { DOCKERFILE, type Kit } from "./kit.ts";

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
  next: () => [
    "Railway: a service from this repository, without a port; set its DATABASE_URL to the direct URL, not to a pooler's",
  ],
};
