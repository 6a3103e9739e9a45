import { backfill } from "godwit";

/** Gives every shop the name it has in URLs; the oldest shop of a name gets it without a suffix. */
export default backfill({
  depends: ["add_multi_tenant_schema"],
  phase: "complex",
  table: "shops",
  columns: ["name"],
  where: "slug is null",

  async rows(shops, { sql }) {
    const wanted = shops.map(({ name }) => slugOf(String(name)));
    const taken = await sql<{ slug: string }>`
      select slug from shops where slug ~ ${`^(${[...new Set(wanted)].join("|")})(-[0-9]+)?$`}`;
    const slugs = new Set(taken.map(({ slug }) => slug));
    return wanted.map((name) => {
      const slug = firstFree(name, slugs);
      slugs.add(slug);
      return { slug };
    });
  },

  async down({ sql }) {
    await sql`update shops set slug = null where slug is not null`;
  },
});

// Only a-z, 0-9 and hyphens come out, so nothing in a slug means something to a pattern.
function slugOf(name: string): string {
  const slug = name
    .toLowerCase()
    .replaceAll("ß", "ss")
    .replaceAll("ł", "l")
    .replaceAll("&", " and ")
    .normalize("NFKD")
    .replace(/[\p{M}'’]/gu, "")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return slug === "" ? "shop" : slug;
}

function firstFree(wanted: string, taken: ReadonlySet<string>): string {
  if (!taken.has(wanted)) return wanted;
  let suffix = 2;
  while (taken.has(`${wanted}-${suffix}`)) suffix += 1;
  return `${wanted}-${suffix}`;
}
