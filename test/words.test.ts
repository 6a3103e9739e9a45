/** Names say what they name; what is exported is used; and words that were given up do not come back. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: root })
  .toString()
  .split("\n")
  .filter((path) => /\.(?:ts|mts|mjs|md)$/.test(path));
const texts = new Map(
  files.flatMap((path) => {
    try {
      return [[path, readFileSync(join(root, path), "utf8")] as const];
    } catch {
      // Deleted, and not committed yet.
      return [];
    }
  }),
);
const OF_TESTS = /\.(?:test|fixture)\.ts$|^src\/core\/(?:fixtures|arbitraries)\.ts$/;
const product = [...texts].filter(([path]) => path.startsWith("src/") && !OF_TESTS.test(path));

/** Participles and pronouns: whoever reads such a name has to look up what it stands for. */
const SAYS_NOTHING =
  /^(?:export )?(?:type|interface|class|async function|function) (Work|Job|Known|Seen|Found|Told|Asked|Wanted|Said|Left|Now|Look|Looking|Looked|Everything|Standing|Surroundings|Untold|World|look|all|once|again|theirs|untold|so)\b/gm;
/** Each is the name of one thing. */
const ONE_THING = ["Place", "Outcome", "Session", "Progress", "Origin", "Held", "Provenance", "StepContext"];
const DECLARED = /^(?:export )?(?:type|interface|class) (\w+)/gm;

test("a type or a function is not called by a word that says nothing", () => {
  const found = product.flatMap(([path, text]) =>
    [...text.matchAll(SAYS_NOTHING)].map(([, name]) => `${path} ${name}`),
  );
  expect(found).toEqual([]);
});

test.each(ONE_THING)("%s is one thing", (name) => {
  const declared = product.flatMap(([path, text]) =>
    [...text.matchAll(DECLARED)].filter(([, each]) => each === name).map(() => path),
  );
  expect(declared.length, declared.join(", ")).toBeLessThanOrEqual(1);
});

/** Given up in favour of the word that is named. Former names that are still read say so once, in one file. */
const RETIRED: readonly (readonly [word: RegExp, now: string, except: RegExp])[] = [
  [/\bkeepHistory|GODWIT_KEEP\b|--keep (?:dbmate|prisma|flyway|drizzle|alembic)/, "mirror", /former-names/],
];

test.each(RETIRED)("%s was given up for %s", (word, _, except) => {
  const found = [...texts].filter(
    ([path, text]) => !/^CHANGELOG|^test\/words/.test(path) && !except.test(path) && word.test(text),
  );
  expect(found.map(([path]) => path)).toEqual([]);
});

/** They are called by their names, from outside. */
const ENTRIES = /^src\/(?:index|health|testing|source\/module\/hooks)\.ts$|^src\/cli\/commands\//;

test("what is exported is used by another file, and what the product does not use is not part of it", () => {
  const words = new Map([...texts].map(([path, text]) => [path, new Set(text.match(/\w+/g))]));
  const unused = product
    .filter(([path]) => !ENTRIES.test(path))
    .flatMap(([path, text]) => {
      const importers = [...texts].filter(
        ([other, each]) => other !== path && each.includes(`/${basename(path)}"`),
      );
      const usedBy = (name: string) =>
        importers.filter(([other]) => words.get(other)?.has(name)).map(([other]) => other);
      return [...text.matchAll(EXPORTED)].flatMap(([, name = ""]) => {
        const isUsedHere = text.split(new RegExp(`\\b${name}\\b`)).length > 2;
        const users = usedBy(name).filter(
          (other) => isUsedHere || (/^(?:src|scripts)\//.test(other) && !OF_TESTS.test(other)),
        );
        return users.length > 0 ? [] : [`${path} ${name}`];
      });
    });
  expect(unused).toEqual([]);
});

const EXPORTED = /^export (?:async )?(?:function\*?|const|class) (\w+)/gm;
