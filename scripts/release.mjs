// Says whether a tag may be published; what it is called on npm; and what its notes are.
//   node scripts/release.mjs v0.2.0               refuses, and says why
//   node scripts/release.mjs v0.2.0 --dist-tag    latest, or next for a version with a hyphen
//   node scripts/release.mjs v0.2.0 --notes       its section of the changelog
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What is in the way of publishing this tag; nothing if all fits. */
export function obstaclesTo(tag, { description, lock, changelog }) {
  const version = tag.replace(/^v/, "");
  return [
    [tag === `v${description.version}`, `the tag is ${tag}, package.json says ${description.version}`],
    [
      lock.version === description.version,
      `package-lock.json says ${lock.version}: npm install --package-lock-only`,
    ],
    [
      description.repository !== undefined,
      "package.json has no repository, which npm's provenance is compared with",
    ],
    [
      new RegExp(`^## ${escaped(version)} \\(\\d{4}-\\d\\d-\\d\\d\\)$`, "m").test(changelog),
      `CHANGELOG.md has no section "## ${version} (<date>)"`,
    ],
  ].flatMap(([fits, why]) => (fits ? [] : [why]));
}

export function distTagOf(tag) {
  return tag.includes("-") ? "next" : "latest";
}

/** The section of the changelog, without its head; `null` if there is none. */
export function notesOf(tag, changelog) {
  const [, section] = changelog.split(new RegExp(`^## ${escaped(tag.replace(/^v/, ""))}(?: .*)?$`, "m"));
  return section?.split(/^## /m)[0]?.trim() ?? null;
}

function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function main([tag = "", what]) {
  const read = (name) => readFileSync(join(root, name), "utf8");
  const changelog = read("CHANGELOG.md");
  if (what === "--dist-tag") return console.log(distTagOf(tag));
  if (what === "--notes") return console.log(notesOf(tag, changelog) ?? `See CHANGELOG.md for ${tag}.`);
  const description = JSON.parse(read("package.json"));
  const found = obstaclesTo(tag, { description, lock: JSON.parse(read("package-lock.json")), changelog });
  for (const why of found) console.error(`✗ ${why}`);
  if (found.length > 0) process.exit(1);
  console.log(`${tag} can be published.`);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) main(process.argv.slice(2));
