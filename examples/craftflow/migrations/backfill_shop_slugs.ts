import { migration } from "godwit";

const PAGE_SIZE = 200;

/** Gives every shop the name it has in URLs; the oldest shop of a name gets it without a suffix. */
export default migration({
  depends: ["add_multi_tenant_schema"],
  phase: "complex",

  async up({ sql, log, signal }) {
    let after = "0";
    let filled = 0;
    for (;;) {
      signal.throwIfAborted();
      const shops = await sql<{ id: string; name: string }>`
        select id, name from shops where slug is null and id > ${after} order by id limit ${PAGE_SIZE}`;
      for (const shop of shops) {
        const wanted = slugOf(shop.name);
        const taken = await sql<{ slug: string }>`
          select slug from shops where slug = ${wanted} or slug like ${`${wanted}-%`}`;
        const slug = firstFree(wanted, new Set(taken.map((row) => row.slug)));
        await sql`update shops set slug = ${slug} where id = ${shop.id}`;
      }
      const last = shops.at(-1);
      if (last === undefined) return;
      after = last.id;
      filled += shops.length;
      log.info(`${filled} shops have a slug`);
    }
  },

  async down({ sql }) {
    await sql`update shops set slug = null where slug is not null`;
  },
});

// Only a-z, 0-9 and hyphens come out, so nothing in a slug means something to LIKE.
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
