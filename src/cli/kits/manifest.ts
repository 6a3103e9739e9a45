/** What the manifests for Kubernetes share: the container that migrates, and the Job around it. */
import { BACKOFF_LIMIT, BUNDLE, IMPORT_VARIABLES, indented, jobDeadlineOf, timeoutOf } from "./kit.ts";
import { type Project, variablesIn } from "./project.ts";

/** Where Kubernetes refuses a manifest that nobody has completed: an image's name has no capitals. */
export const NO_IMAGE = "SET-THE-IMAGE";

export interface Words {
  readonly image: string;
  readonly secret: string;
}

export const SECURITY_OF_POD = `automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  fsGroup: 1000
  seccompProfile: { type: RuntimeDefault }`;

export const SCRATCH = `volumes:
  # The only place that is written: compiled migrations, and what a migration puts into /tmp.
  - name: tmp
    emptyDir: { sizeLimit: 64Mi }`;

export const SECURITY_OF_CONTAINER = `securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: ["ALL"] }`;

/** The item of a list of containers, without its dash. */
export function migrating(
  project: Project,
  { image, secret }: Words,
  args: readonly string[] = ["up"],
): string {
  return `name: migrate
image: ${image}
args: ${JSON.stringify(args).replaceAll(",", ", ")}
env:
${addressFrom(project, secret)}${project.imports ? importFrom(secret) : ""}
  # Waits for a database that is not there yet: 5, 10, 20 and 40 seconds.
  - { name: MIGRATION_RETRY_COUNT, value: "5" }
  - { name: MIGRATION_RETRY_DELAY, value: "5" }
  # In seconds, and shorter than every limit around it: only this one says what it was doing.
  - { name: MIGRATION_TIMEOUT, value: "${timeoutOf(project)}" }
  - { name: GODWIT_LOG_FORMAT, value: json }
  # Then the exit code says whether a person must look.
  - { name: GODWIT_EXIT_CODES, value: detailed }
${SECURITY_OF_CONTAINER}
resources:
  requests: { memory: ${project.imports ? "512Mi" : "128Mi"}, cpu: 100m }
  limits: { memory: ${project.imports ? "1Gi" : "256Mi"}, cpu: ${project.imports ? '"2"' : "200m"} }
volumeMounts:
  - { name: tmp, mountPath: /tmp }`;
}

/** A key that the secret lacks keeps the pod from starting, by name. */
export function addressFrom(project: Project, secret: string): string {
  return variablesIn(project)
    .map(
      (name) => `  - name: ${name}
    valueFrom:
      secretKeyRef:
        name: ${secret}
        key: ${name}`,
    )
    .join("\n");
}

/** Where a key is missing, the import is skipped with a warning, and the rest goes on. */
function importFrom(secret: string): string {
  return `\n  # Where the files to import are. QNAP_HOST_KEY pins the key of that host.\n${IMPORT_VARIABLES.map(
    (name) =>
      `  - name: ${name}\n    valueFrom: { secretKeyRef: { name: ${secret}, key: ${name}, optional: true } }`,
  ).join("\n")}`;
}

/** The `spec` of a Job that migrates. */
export function jobSpec(project: Project, words: Words, codes: readonly number[]): string {
  return `backoffLimit: ${BACKOFF_LIMIT}
# For all tries together: each until MIGRATION_TIMEOUT, and the pauses between them. It only stops what hangs.
activeDeadlineSeconds: ${jobDeadlineOf(project)}
podFailurePolicy:
  rules:
    # A node that is drained has nothing to do with the migrations, so it is no try.
    - action: Ignore
      onPodConditions: [{ type: DisruptionTarget, status: "True" }]
    # A person must do something first: the configuration, the files, a decision, the SQL, the server, an import.
    # What can pass by itself has another code, and is tried again.
    - action: FailJob
      onExitCodes: { containerName: migrate, operator: In, values: [${codes.join(", ")}] }
template:
  spec:
    # podFailurePolicy needs it. A new pod is started instead of a new container, and the log of each try stays.
    restartPolicy: Never
    # Time to cancel the statement, roll back and free the lock.
    terminationGracePeriodSeconds: 30
${indented(SECURITY_OF_POD, 4)}
    containers:
      # No livenessProbe: it could only kill a migration that is at work, again and again.
      - ${indented(migrating(project, words), 8).trimStart()}
${indented(SCRATCH, 4)}`;
}

/** The `spec` of a Job that only asks whether this image can live with the database. */
export function compatibleSpec(project: Project, words: Words): string {
  return `# The answer is yes or no, and another try has the same one.
backoffLimit: 0
activeDeadlineSeconds: 300
template:
  spec:
    restartPolicy: Never
${indented(SECURITY_OF_POD, 4)}
    containers:
      - name: compatible
        image: ${words.image}
        args: ["compatible", "--image-revisions", "${BUNDLE}"]
        env:
${indented(addressFrom(project, words.secret), 8)}
${indented(SECURITY_OF_CONTAINER, 8)}
        resources:
          requests: { memory: 64Mi, cpu: 50m }
          limits: { memory: 128Mi, cpu: 200m }
        volumeMounts:
          - { name: tmp, mountPath: /tmp }
${indented(SCRATCH, 4)}`;
}
