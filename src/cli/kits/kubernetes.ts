/** `godwit init --kubernetes`: a Job, an init container, and an app with its migrations beside it. */
import { codesForPeople } from "../output/exit.ts";
import { imageName, indented, type Kit } from "./kit.ts";
import {
  addressFrom,
  jobSpec,
  migrating,
  NO_IMAGE,
  SCRATCH,
  SECURITY_OF_CONTAINER,
  SECURITY_OF_POD,
} from "./manifest.ts";
import { type Project, variablesIn } from "./project.ts";

const FOLDER = "deploy/kubernetes";

export const kubernetes: Kit = {
  files: (project) => [
    { path: `${FOLDER}/job.yaml`, text: job(project) },
    { path: `${FOLDER}/init-container.yaml`, text: initContainer(project) },
    { path: `${FOLDER}/beside-app.yaml`, text: besideApp(project) },
  ],
  next: (project) => [
    `${secretCommand(project)}`,
    `kubectl create --filename ${FOLDER}/job.yaml    once ${NO_IMAGE} in it is the image`,
  ],
};

function head(project: Project, what: string): string {
  return `# ${what}
# ${NO_IMAGE} is no valid name, so that nothing starts before you have written your own there.
# The address of the database is in a secret:
#   ${secretCommand(project)}
# godwit init --kubernetes has made this file. It is yours now, and nothing overwrites it.`;
}

export function secretName({ name }: Project): string {
  return `${name}-database`;
}

export function secretCommand(project: Project): string {
  const keys = variablesIn(project).map((variable) => `--from-literal ${variable}=…`);
  return `kubectl create secret generic ${secretName(project)} ${keys.join(" ")}`;
}

const words = (project: Project) => ({ image: NO_IMAGE, secret: secretName(project) });

function job(project: Project): string {
  const name = imageName(project);
  return `${head(project, "Migrates once, before a release.")}
apiVersion: batch/v1
kind: Job
metadata:
  # A Job can't be changed, so each release makes one of its own: kubectl create, not apply.
  generateName: ${name}-
  labels: { app.kubernetes.io/name: ${name} }
spec:
  ttlSecondsAfterFinished: 86400
${indented(jobSpec(project, words(project), codesForPeople()), 2)}
`;
}

function initContainer(project: Project): string {
  const { name } = project;
  return `${head(project, "Migrates in front of the app, in each of its pods.")}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  labels: { app.kubernetes.io/name: ${name} }
spec:
  replicas: 3
  # A release that can't migrate is given up after this time, and the pods of the one before go on serving.
  progressDeadlineSeconds: 900
  selector:
    matchLabels: { app.kubernetes.io/name: ${name} }
  template:
    metadata:
      labels: { app.kubernetes.io/name: ${name} }
    spec:
${indented(SECURITY_OF_POD, 6)}
      initContainers:
        # All pods start at once: the first migrates, the others wait for it and find nothing to do. Probes do not count
        # before it has ended. After a failure the kubelet starts it again, whatever its exit code; a Job can do better.
        - ${indented(migrating(project, words(project)), 10).trimStart()}
      containers:
        - name: app
          image: ${NO_IMAGE}-OF-THE-APP
          env:
${indented(addressFrom(project, secretName(project)), 10)}
${indented(SECURITY_OF_CONTAINER, 10)}
          volumeMounts:
            - { name: tmp, mountPath: /tmp }
${indented(SCRATCH, 6)}
`;
}

function besideApp(project: Project): string {
  const { name } = project;
  return `${head(project, "The app is up at once, and migrates beside it. Its image starts with: tini -g -- godwit run -- <app>")}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  labels: { app.kubernetes.io/name: ${name} }
spec:
  replicas: 3
  selector:
    matchLabels: { app.kubernetes.io/name: ${name} }
  template:
    metadata:
      labels: { app.kubernetes.io/name: ${name} }
    spec:
${indented(SECURITY_OF_POD, 6)}
      containers:
        - name: app
          image: ${NO_IMAGE}-OF-THE-APP
          env:
            # Beside an app, migrations run only where this is production or staging.
            - { name: NODE_ENV, value: production }
${indented(addressFrom(project, secretName(project)), 10)}
            # The kubelet asks from outside of the pod.
            - { name: GODWIT_HEALTH_HOST, value: 0.0.0.0 }
            - { name: GODWIT_HEALTH_PORT, value: "9187" }
          ports:
            - { name: health, containerPort: 9187 }
          # Live during long work, and after a migration has failed: a restart would help neither.
          livenessProbe:
            httpGet: { path: /livez, port: health }
            periodSeconds: 10
            failureThreshold: 6
          # Ready when everything that is required is applied. Until then the pods of the release before serve.
          readinessProbe:
            httpGet: { path: /readyz, port: health }
            periodSeconds: 5
${indented(SECURITY_OF_CONTAINER, 10)}
          volumeMounts:
            - { name: tmp, mountPath: /tmp }
${indented(SCRATCH, 6)}
`;
}
