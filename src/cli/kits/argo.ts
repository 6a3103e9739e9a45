/** `godwit init --argo`: hooks of a sync of Argo CD. */
import { codesForPeople } from "../output/exit.ts";
import { imageName, indented, type Kit } from "./kit.ts";
import { secretCommand, secretName } from "./kubernetes.ts";
import { compatibleSpec, jobSpec, NO_IMAGE } from "./manifest.ts";
import type { Project } from "./project.ts";

const FOLDER = "deploy/argo";

export const argo: Kit = {
  files: (project) => [
    { path: `${FOLDER}/migrate.yaml`, text: hook(project) },
    ...(project.frozen ? [{ path: `${FOLDER}/compatible.yaml`, text: compatible(project) }] : []),
  ],
  next: () => [`${FOLDER}    is for the folder that Argo CD syncs, once ${NO_IMAGE} in it is the image`],
};

const words = (project: Project) => ({ image: NO_IMAGE, secret: secretName(project) });

function head(project: Project, what: string): string {
  return `# ${what}
# ${NO_IMAGE} is no valid name, so that nothing starts before you have written your own there. kustomize can do that:
#   images: [{ name: ${NO_IMAGE}, newName: …, newTag: … }]
# A hook runs before anything of the sync exists, so the secret is made beforehand:
#   ${secretCommand(project)}
# godwit init --argo has made this file. It is yours now, and nothing overwrites it.`;
}

function hook(project: Project): string {
  const name = imageName(project);
  return `${head(project, "Migrates before a sync changes anything. If it fails, the sync fails.")}
apiVersion: batch/v1
kind: Job
metadata:
  name: ${name}
  labels: { app.kubernetes.io/name: ${name} }
  annotations:
    # It runs on every sync, also on one that changes nothing: there is nothing to do then, and it ends in a second.
    argocd.argoproj.io/hook: PreSync
    argocd.argoproj.io/sync-wave: "0"
    # The Job that failed stays until the next sync, with its log. No ttlSecondsAfterFinished: Argo CD would miss its end.
    argocd.argoproj.io/hook-delete-policy: BeforeHookCreation
spec:
${indented(jobSpec(project, words(project), codesForPeople()), 2)}
`;
}

function compatible(project: Project): string {
  const name = `${project.name}-compatible`;
  return `${head(project, "Asks whether this image can live with the database, before anything is changed.")}
# A rollback brings back an older image, and the database stays as it is.
apiVersion: batch/v1
kind: Job
metadata:
  name: ${name}
  labels: { app.kubernetes.io/name: ${name} }
  annotations:
    argocd.argoproj.io/hook: PreSync
    # Before the hook that migrates.
    argocd.argoproj.io/sync-wave: "-10"
    argocd.argoproj.io/hook-delete-policy: BeforeHookCreation
spec:
${indented(compatibleSpec(project, words(project)), 2)}
`;
}
