/** What a kit is, and the words that several of them share. */
import type { AddressVariable, Database, Project } from "./project.ts";

export interface KitFile {
  /** From the root of the project, with slashes. */
  readonly path: string;
  readonly text: string;
}

export interface Kit {
  readonly files: (project: Project) => readonly KitFile[];
  /** What to do with them, one line each. */
  readonly next: (project: Project) => readonly string[];
}

export const DOCKERFILE = "deploy/Dockerfile";

/** The bundle of a project whose migrations are frozen, from the working directory of the image. */
export const BUNDLE = "dist/migrations";

/**
 * Our own deadline, in seconds. The limits around it are longer, because only ours says what it was doing. An import
 * reads a NAS for hours.
 */
export function timeoutOf({ imports }: Pick<Project, "imports">): number {
  return imports ? 6 * 3600 : 600;
}

/** How often a Job tries again what can pass by itself. */
export const BACKOFF_LIMIT = 3;

/** For all tries of a Job together: each until our deadline, and the pauses of 10, 20 and 40 seconds between them. */
export function jobDeadlineOf(project: Pick<Project, "imports">): number {
  return (BACKOFF_LIMIT + 1) * timeoutOf(project) + 300;
}

/** What an import needs from the environment, beside the database. Without them it is skipped, which is said. */
export const IMPORT_VARIABLES = ["QNAP_HOST", "QNAP_USERNAME", "QNAP_PASSWORD", "QNAP_HOST_KEY"] as const;

/** A text of several lines, moved to the right. */
export function indented(text: string, spaces: number): string {
  return text
    .split("\n")
    .map((line) => (line === "" ? line : " ".repeat(spaces) + line))
    .join("\n");
}

export interface Server {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** What each variable of a database's address is, for a server that the kit starts itself. */
export function addressOn({ variables }: Database, server: Server): readonly (readonly [string, string])[] {
  return variables.map(({ part, variable }) => [variable, partOf(part, server)] as const);
}

function partOf(part: AddressVariable["part"], { host, port, user, password, database }: Server): string {
  switch (part) {
    case "url":
      return `postgres://${user}:${password}@${host}:${port}/${database}`;
    case "host":
      return host;
    case "port":
      return `"${port}"`;
    case "user":
      return user;
    case "password":
      return password;
    case "name":
      return database;
  }
}

/** The name of what a project calls its migrations: the image, the service, the Job. */
export function imageName({ name }: Pick<Project, "name">): string {
  return `${name}-migrate`;
}
