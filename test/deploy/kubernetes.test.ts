/** The manifests for Kubernetes, Helm and Argo CD: their types, what they promise, and what a Job does with exit codes. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/fresh.mjs";
import { COMMANDS } from "../../src/cli/commands.ts";
import { codesForPeople, DETAILED } from "../../src/cli/output/exit.ts";
import { commandIn, type Json } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { type Manifest, manifests, render, typeErrors } from "../support/manifests.ts";
import { folderOf } from "../support/target.ts";

const HAS_COMPATIBLE = COMMANDS.some(({ name }) => name === "compatible");

const all = manifests();
const named = (file: string): Json => all.find((each) => each.file === file)?.content;
const podOf = ({ content }: Manifest): Json => content.spec.template.spec;
const ours = all.filter(({ file }) => file.startsWith("deploy/"));
const jobs = ours.filter(({ content }) => content.kind === "Job");
const migrating = jobs.filter((each) => podOf(each).containers[0].name === "migrate");

test("every manifest has the type of its kind, and a mistake in one is found", () => {
  expect(all.length).toBeGreaterThan(8);
  expect(typeErrors(all)).toBe("");
  const wrong = structuredClone(named("deploy/kubernetes/job.yaml"));
  wrong.spec.podFailurePolicy.rules[0].onPodCondition = [];
  expect(typeErrors([{ file: "job.yaml", content: wrong }])).toContain("onPodCondition");
});

test("every container is no root, writes to no root file system, and has a request and a limit", () => {
  for (const each of all) {
    const { securityContext, containers, initContainers = [], automountServiceAccountToken } = podOf(each);
    expect(securityContext, each.file).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
    expect(automountServiceAccountToken, each.file).toBe(false);
    for (const container of [...initContainers, ...containers]) {
      expect(container.securityContext, each.file).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      if (container.name === "app" || container.name === "api") continue;
      expect(container.resources, each.file).toMatchObject({ requests: {}, limits: {} });
      expect(container.volumeMounts, each.file).toHaveLength(1);
    }
  }
  for (const file of ["job", "init-container"]) {
    const { initContainers, containers } = named(`deploy/kubernetes/${file}.yaml`).spec.template.spec;
    expect((initContainers ?? containers)[0].resources).toEqual({
      requests: { memory: "128Mi", cpu: "100m" },
      limits: { memory: "256Mi", cpu: "200m" },
    });
  }
});

test("our own deadline ends first, and the Job's leaves time for all of its tries", () => {
  expect(migrating).toHaveLength(3);
  for (const each of migrating) {
    const { backoffLimit, activeDeadlineSeconds } = each.content.spec;
    const [{ env }] = podOf(each).containers;
    const timeout = Number(env.find(({ name }: Json) => name === "MIGRATION_TIMEOUT").value);
    expect(timeout, each.file).toBeGreaterThan(0);
    // Kubernetes pauses 10, 20 and 40 seconds between the tries.
    expect(activeDeadlineSeconds, each.file).toBeGreaterThan((backoffLimit + 1) * timeout + 70);
    expect(backoffLimit).toBe(3);
  }
});

test("a Job ends at a code after which a person must look, and tries the others again", () => {
  const passing = DETAILED.filter(({ again }) => again === true).map(({ code }) => code);
  for (const each of migrating) {
    const { podFailurePolicy } = each.content.spec;
    // It is allowed with no other.
    expect(podOf(each).restartPolicy, each.file).toBe("Never");
    const [drained, people] = podFailurePolicy.rules;
    expect(drained).toEqual({
      action: "Ignore",
      onPodConditions: [{ type: "DisruptionTarget", status: "True" }],
    });
    expect(people).toMatchObject({ action: "FailJob", onExitCodes: { containerName: "migrate" } });
    expect(people.onExitCodes.values).toEqual(codesForPeople());
    expect(people.onExitCodes.values.filter((code: number) => passing.includes(code))).toEqual([]);
    expect(podOf(each).containers[0].env).toContainEqual({ name: "GODWIT_EXIT_CODES", value: "detailed" });
  }
});

/** The tries of a Job: each is the real command with the variables of the manifest. */
async function triesOf(
  job: Json,
  { folder, url }: { folder: string; url: string },
): Promise<readonly number[]> {
  const [{ args, env }] = job.spec.template.spec.containers;
  const plain = env.filter(({ value }: Json) => value !== undefined);
  const variables = Object.fromEntries(plain.map(({ name, value }: Json) => [name, value]));
  const quick = { MIGRATION_RETRY_COUNT: "1", MIGRATION_RETRY_DELAY: "1ms" };
  const codes: number[] = [];
  while (codes.length <= job.spec.backoffLimit) {
    const running = commandIn({ folder, url, env: { ...variables, ...quick } }).start(...args);
    const every = Array.from({ length: 256 }, (_, code) => code);
    const code = (await running.exits(...every)).code ?? -1;
    codes.push(code);
    const rules = job.spec.podFailurePolicy.rules;
    if (code === 0 || rules.some(({ onExitCodes }: Json) => onExitCodes?.values.includes(code))) break;
  }
  return codes;
}

test("what PostgreSQL refuses is one try, and a database that is away is every try", async ({ db }) => {
  const job = named("deploy/kubernetes/job.yaml");
  const wrong = folderOf({ "migrations/0001_wrong.sql": "create tabel shops ()" });
  expect(await triesOf(job, { folder: wrong, url: db.url })).toEqual([23]);
  const away = "postgres://nobody@127.0.0.1:1/none";
  expect(await triesOf(job, { folder: wrong, url: away })).toEqual([10, 10, 10, 10]);
  const right = folderOf({ "migrations/0001_right.sql": "create table shops ()" });
  expect(await triesOf(job, { folder: right, url: db.url })).toEqual([0]);
});

test("nothing starts before somebody has named the image, and the address comes from a secret", () => {
  const reference = /^[a-z0-9]+(?:[._/:-][a-z0-9]+)*$/;
  for (const each of ours) {
    const { containers, initContainers = [] } = podOf(each);
    for (const { image, env } of [...initContainers, ...containers]) {
      if (!each.file.startsWith("deploy/helm")) expect(image, each.file).not.toMatch(reference);
      expect(env.find(({ name }: Json) => name === "DATABASE_URL").valueFrom.secretKeyRef.key).toBe(
        "DATABASE_URL",
      );
    }
  }
  const chart = readFileSync(join(root, "deploy/helm/templates/migrate.yaml"), "utf8");
  expect(() => render(chart, { migrations: { image: "", secret: "a" } })).toThrow(
    "migrations.image is not set",
  );
  expect(() => render(chart, { migrations: { image: "a", secret: "" } })).toThrow(
    "migrations.secret is not set",
  );
});

test.skipIf(spawnSync("kubectl", ["version", "--client"]).status !== 0)(
  "kustomize puts the image in its place, as the files for Argo CD say",
  () => {
    const names = ["migrate.yaml", "compatible.yaml"];
    const folder = folderOf({
      ...Object.fromEntries(
        names.map((name) => [name, readFileSync(join(root, "deploy/argo", name), "utf8")]),
      ),
      "kustomization.yaml": `resources: [${names.join(", ")}]
images: [{ name: SET-THE-IMAGE, newName: registry.example/shop, newTag: "1" }]`,
    });
    const { stdout } = spawnSync("kubectl", ["kustomize", folder], { encoding: "utf8" });
    expect(stdout.match(/image: .*/g)).toEqual(Array(2).fill("image: registry.example/shop:1"));
  },
);

test("probes never end a migration that is at work", () => {
  for (const each of ours) {
    const { containers, initContainers = [] } = podOf(each);
    for (const { name, livenessProbe } of [...initContainers, ...containers])
      if (livenessProbe !== undefined)
        expect({ name, path: livenessProbe.httpGet.path }).toEqual({ name: "app", path: "/livez" });
  }
  const [app] = named("deploy/kubernetes/beside-app.yaml").spec.template.spec.containers;
  expect(app.readinessProbe.httpGet).toEqual({ path: "/readyz", port: "health" });
});

test("what a container is told to do is a command with flags that it honours", () => {
  for (const each of ours)
    for (const { args } of [...(podOf(each).initContainers ?? []), ...podOf(each).containers]) {
      // An image of a release without the command would say so by its exit code.
      if (args === undefined || (args[0] === "compatible" && !HAS_COMPATIBLE)) continue;
      const row = COMMANDS.find(({ name }) => name === args[0]);
      expect(row, `${each.file}: ${args[0]}`).toBeDefined();
      const flags = (row?.flags ?? []).map(({ syntax }) => syntax.split(" ")[0]);
      for (const word of args.filter((word: string) => word.startsWith("--")))
        expect(flags, each.file).toContain(word);
    }
});

test("hooks of Helm and of Argo CD are files of their own, and compatibility is asked first", () => {
  const annotations = (file: string): Json => named(file).metadata.annotations;
  const helm = ["compatible", "migrate"].map((name) => annotations(`deploy/helm/templates/${name}.yaml`));
  const argo = ["compatible", "migrate"].map((name) => annotations(`deploy/argo/${name}.yaml`));
  expect(helm.map((each) => each["helm.sh/hook"])).toEqual([
    "pre-install,pre-upgrade,pre-rollback",
    "pre-install,pre-upgrade",
  ]);
  expect(argo.map((each) => each["argocd.argoproj.io/hook"])).toEqual(["PreSync", "PreSync"]);
  for (const [first, second] of [
    helm.map((each) => Number(each["helm.sh/hook-weight"])),
    argo.map((each) => Number(each["argocd.argoproj.io/sync-wave"])),
  ])
    expect(first).toBeLessThan(second ?? Number.NaN);
  for (const each of helm) expect(Object.keys(each).join()).not.toContain("argocd");
  for (const each of argo) expect(Object.keys(each).join()).not.toContain("helm");
  for (const name of ["deploy/argo/compatible.yaml", "deploy/helm/templates/compatible.yaml"])
    expect(named(name).spec.template.spec.containers[0].args.slice(0, 2)).toEqual([
      "compatible",
      "--image-revisions",
    ]);
});
