/** `godwit init --helm`: hooks of a chart. For Argo CD there are others, because it runs Helm's hooks on every sync. */
import { codesForPeople } from "../output/exit.ts";
import { imageName, indented, jobDeadlineOf, type Kit } from "./kit.ts";
import { compatibleSpec, jobSpec, type Words } from "./manifest.ts";
import { type Project, variablesIn } from "./project.ts";

const FOLDER = "deploy/helm";

/** In quotes, so that a template is YAML as well, and is checked as such. */
const WORDS: Words = {
  image: `'{{ required "migrations.image is not set: the image that holds the migrations of this release" .Values.migrations.image }}'`,
  secret: `'{{ required "migrations.secret is not set: the secret with the address of the database" .Values.migrations.secret }}'`,
};

export const helm: Kit = {
  files: (project) => [
    { path: `${FOLDER}/Chart.yaml`, text: chart(project) },
    { path: `${FOLDER}/values.yaml`, text: values(project) },
    { path: `${FOLDER}/templates/migrate.yaml`, text: hook(project) },
    ...(project.frozen ? [{ path: `${FOLDER}/templates/compatible.yaml`, text: compatible(project) }] : []),
  ],
  next: (project) => [
    `helm upgrade --install --timeout ${jobDeadlineOf(project)}s --set migrations.image=…,migrations.secret=… … ${FOLDER}`,
  ],
};

function chart(project: Project): string {
  return `# A chart with hooks alone. Put its templates into the chart of the app, or make it a dependency of that.
apiVersion: v2
name: ${imageName(project)}
description: Migrates the database of ${project.name} before a release is rolled out
type: application
version: 0.1.0
`;
}

function values(project: Project): string {
  return `migrations:
  # Both are required: helm refuses to render the chart without them.
  image: ""
  # The name of a secret with ${variablesIn(project).join(", ")}. It must be there before the chart, because hooks run before
  # anything of the chart exists.
  secret: ""
`;
}

function head(project: Project, what: string): string {
  return `# ${what}
# Helm waits for a hook as long as --timeout says, 5 minutes if nothing does: pass --timeout ${jobDeadlineOf(project)}s or more.
# With Argo CD use deploy/argo: it turns this hook into a PreSync hook, and runs it on every sync.
# godwit init --helm has made this file. It is yours now, and nothing overwrites it.`;
}

function hook(project: Project): string {
  return `${head(project, "Migrates before the release is rolled out.")}
apiVersion: batch/v1
kind: Job
metadata:
  name: "{{ .Release.Name }}-migrate"
  labels: { app.kubernetes.io/name: ${imageName(project)} }
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-weight: "0"
    # The Job of a release that failed stays until the next one, with its log.
    helm.sh/hook-delete-policy: before-hook-creation
spec:
${indented(jobSpec(project, WORDS, codesForPeople()), 2)}
`;
}

function compatible(project: Project): string {
  return `${head(project, "Asks whether this image can live with the database, before anything is changed.")}
# A rollback brings back an older image, and the database stays as it is. So this is asked before that as well.
apiVersion: batch/v1
kind: Job
metadata:
  name: "{{ .Release.Name }}-compatible"
  labels: { app.kubernetes.io/name: ${imageName(project)} }
  annotations:
    helm.sh/hook: pre-install,pre-upgrade,pre-rollback
    # Before the hook that migrates.
    helm.sh/hook-weight: "-10"
    helm.sh/hook-delete-policy: before-hook-creation
spec:
${indented(compatibleSpec(project, WORDS), 2)}
`;
}
