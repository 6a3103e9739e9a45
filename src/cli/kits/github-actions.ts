/** `godwit init --github-actions`: what a pull request does to a database that is where production is. */
import { addressOn, type Kit } from "./kit.ts";
import type { Database, Project } from "./project.ts";

const FILE = ".github/workflows/migrations.yml";
const SUM = '"$GITHUB_STEP_SUMMARY"';

export const githubActions: Kit = {
  files: (project) => [{ path: FILE, text: workflow(project) }],
  next: () => [`${FILE}    runs on the next pull request that touches the migrations`],
};

const serverOf = (index: number) => ({
  host: "127.0.0.1",
  port: 5432 + index,
  user: "postgres",
  password: "postgres",
  database: "postgres",
});

function workflow(project: Project): string {
  const { databases, folders, file, frozen, version } = project;
  const paths = [...folders.map((folder) => `${folder}/**`), ...(file === null ? [] : [file]), FILE];
  const there = folders.map((folder) => `[ -d ${folder} ]`).join(" && ");
  return `# Checks the migrations of a pull request on a database that is where the branch below it is, as production will be.
# Its tables are empty: what depends on the data of production, such as a new constraint, is not proved here.
# godwit init --github-actions has made this file. It is yours now, and nothing overwrites it.
name: Migrations

on:
  pull_request:
    paths:
${paths.map((path) => `      - "${path}"`).join("\n")}

# It only reads, so what it runs can change nothing in the repository.
permissions:
  contents: read

concurrency:
  group: migrations-\${{ github.ref }}
  cancel-in-progress: true

jobs:
  migrations:
    runs-on: ubuntu-24.04
    timeout-minutes: 15
    services:
${databases.map(service).join("\n")}
    env:
${databases.flatMap((each, index) => addressOn(each, serverOf(index)).map(([variable, value]) => `      ${variable}: ${value}`)).join("\n")}
${project.said.map(([variable, value]) => `      ${variable}: "${value}"\n`).join("")}${hooksOf(project)}    defaults:
      run:
        # By this name it ends at the first command of a pipe that fails.
        shell: bash
    steps:
      # Of all branches, since the one below the pull request is needed as well.
      - uses: actions/checkout@v4
        with:
          fetch-depth: 0
      - uses: actions/setup-node@v4
        with:
          node-version: 24
      # What the migrations import.
      - if: hashFiles('package-lock.json') != ''
        run: npm ci
      - run: npm install --global godwit@${version}

      - name: Migrate as far as the branch below
        env:
          # Not in the text of the command: a branch may have a name that a shell would run.
          BASE: \${{ github.base_ref }}
        run: |
          git worktree add --quiet --detach "$RUNNER_TEMP/base" "origin/$BASE"
          # Its migrations may import packages as well.
          if [ -d node_modules ]; then ln -s "$PWD/node_modules" "$RUNNER_TEMP/base/node_modules"; fi
          cd "$RUNNER_TEMP/base"
          if ${there}; then godwit up; fi

      # Broken files, several heads, a number that is taken or too late, an applied file that was edited.
      - name: Lint
        run: ${frozen ? "godwit build && godwit plan --quiet" : "godwit plan --quiet"}

      - name: Plan
        run: |
          echo '\`\`\`' >> ${SUM}
          godwit plan | tee -a ${SUM}
          echo '\`\`\`' >> ${SUM}

      # Executed and rolled back, one after the other: what fails is said for all of them.
      - name: Try
        run: godwit up --dry-run

      - name: Migrate
        run: godwit up

      - name: Everything is applied, and every index is valid
        run: godwit status --check
`;
}

function service({ name }: Database, index: number): string {
  return `      ${name}:
        image: postgres:17
        env:
          POSTGRES_PASSWORD: postgres
        ports: ["${5432 + index}:5432"]
        options: --health-cmd "pg_isready --host 127.0.0.1" --health-interval 2s --health-retries 30`;
}

/** Nobody is to be told of a try, and the configuration needs a value. */
function hooksOf({ hooks }: Project): string {
  const values = { url: "http://127.0.0.1:9/", secret: `whsec_${Buffer.alloc(32).toString("base64")}` };
  const lines = hooks.map(({ variable, part }) => `      ${variable}: "${values[part]}"\n`).join("");
  return lines === "" ? "" : `      # Nobody listens there: a try is told to no webhook.\n${lines}`;
}
