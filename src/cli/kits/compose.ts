/** `godwit init --compose`: the databases, then the migrations, once, then the app. */
import { docker } from "./docker.ts";
import { addressOn, DOCKERFILE, IMPORT_VARIABLES, imageName, type Kit, timeoutOf } from "./kit.ts";
import type { Database, Project } from "./project.ts";

const FILE = "deploy/compose.yaml";
/** Without a value each is that of the shell, or is not set. */
const PASSED_ON = `
      # Where the files to import are, as the shell has it. Without them the import is skipped, and the rest goes on.
${IMPORT_VARIABLES.map((name) => `      ${name}:`).join("\n")}`;

export const compose: Kit = {
  files: (project) => [...docker.files(project), { path: FILE, text: text(project) }],
  next: (project) => [command(project)],
};

function command(project: Project): string {
  const passwords = project.databases.map(({ name }) => `${passwordVariable(name, project)}=…`);
  return `${passwords.join(" ")} APP_IMAGE=… docker compose --file ${FILE} up`;
}

function text(project: Project): string {
  const { databases, name } = project;
  return `# The database, then the migrations, once, then the app:
#   ${command(project)}
# godwit init --compose has made this file. It is yours now, and nothing overwrites it.
name: ${name}

services:
${databases.map((each, index) => database(each, project, index === 0)).join("\n")}
  migrate:
    image: ${imageName(project)}
    build: { context: .., dockerfile: ${DOCKERFILE} }
    # A failed migration stays failed until somebody looks: starting it again and again would only hide it.
    restart: "no"
    read_only: true
    tmpfs: ["/tmp"]
    cap_drop: ["ALL"]
    security_opt: ["no-new-privileges:true"]
    # Time to cancel the statement, roll back and free the lock.
    stop_grace_period: 30s
    depends_on:
${databases.map((each) => `      ${each.name}: { condition: service_healthy }`).join("\n")}
    environment:
${databases
  .flatMap((each) => addressOn(each, serverOf(each, project)))
  .map(([variable, value]) => `      ${variable}: ${value}`)
  .join("\n")}
${project.hooks.map(({ variable }) => `      ${variable}: \${${variable}:?is not set. A webhook of the configuration needs it}\n`).join("")}      # It says itself what it was doing when its time is over.
      MIGRATION_TIMEOUT: "${timeoutOf(project)}"${project.imports ? PASSED_ON : ""}

  app:
    # In the place of your services. Each of them waits until the migrations have succeeded.
    image: \${APP_IMAGE:?is not set. It is the image of the app that needs these migrations}
    depends_on:
      migrate: { condition: service_completed_successfully }
    environment:
${databases
  .flatMap((each) => addressOn(each, serverOf(each, project)))
  .map(([variable, value]) => `      ${variable}: ${value}`)
  .join("\n")}

volumes:
${databases.map((each) => `  ${each.name}:`).join("\n")}
`;
}

/** Several start with one password each, which is why its variable has the target's name. */
function serverOf({ name }: Database, project: Project) {
  const user = project.name.replaceAll("-", "_");
  const password = `\${${passwordVariable(name, project)}}`;
  return { host: name, port: 5432, user, password, database: user };
}

function passwordVariable(name: string, { databases }: Project): string {
  return databases.length === 1 ? "POSTGRES_PASSWORD" : `${name.replaceAll("-", "_").toUpperCase()}_PASSWORD`;
}

function database({ name }: Database, project: Project, isFirst: boolean): string {
  const { user, database: own } = serverOf({ name, variables: [] }, project);
  const variable = passwordVariable(name, project);
  return `  ${name}:
    image: postgres:17
    environment:
      POSTGRES_USER: ${user}
      POSTGRES_DB: ${own}
      # It becomes a part of a URL: letters and digits alone need no encoding there.
      POSTGRES_PASSWORD: \${${variable}:?is not set. Choose a password of letters and digits}
    volumes: ["${name}:/var/lib/postgresql/data"]
    healthcheck:${isFirst && project.databases.length > 1 ? " &healthy" : ""}${
      isFirst
        ? `
      # Over TCP: the server that only prepares the folder of a new database does not listen there.
      test:
        [
          "CMD-SHELL",
          'pg_isready --quiet --host 127.0.0.1 --username "$$POSTGRES_USER" --dbname "$$POSTGRES_DB"',
        ]
      interval: 2s
      timeout: 2s
      retries: 30`
        : " *healthy"
    }
`;
}
