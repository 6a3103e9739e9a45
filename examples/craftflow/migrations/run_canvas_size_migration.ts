import { migration } from "godwit";

const PAGE_SIZE = 300;

/** Micrometres per unit. Sizes without a unit were typed in the first shop, which is American. */
const MICROMETRES = { in: 25_400, cm: 10_000, mm: 1_000 } as const;

const PAPER: ReadonlyMap<string, Size> = new Map([
  ["a2", { width_um: 420_000, height_um: 594_000 }],
  ["a3", { width_um: 297_000, height_um: 420_000 }],
  ["a4", { width_um: 210_000, height_um: 297_000 }],
]);

interface Size {
  readonly width_um: number;
  readonly height_um: number;
}

/**
 * Turns the free text of order items into rows of canvas_sizes. What cannot be understood is listed in
 * canvas_size_review, for a person to decide; the text itself stays as it was typed.
 */
export default migration({
  depends: ["assign_tenants", "migration_add_printers_and_canvas_updates"],
  phase: "complex",

  async up({ sql, log, signal }) {
    await sql`
      create table canvas_size_review (
        order_item_id bigint primary key references order_items (id) on delete cascade,
        written text not null
      )`;

    let after = "0";
    let understood = 0;
    let puzzling = 0;
    for (;;) {
      signal.throwIfAborted();
      const items = await sql<{ id: string; canvas_size: string | null }>`
        select id, canvas_size from order_items where id > ${after} order by id limit ${PAGE_SIZE}`;
      const last = items.at(-1);
      if (last === undefined) return;
      after = last.id;

      const sized: (Size & { id: string })[] = [];
      const unclear: { id: string; written: string }[] = [];
      for (const item of items) {
        const written = item.canvas_size?.trim() ?? "";
        if (written === "") continue;
        const size = parseSize(written);
        if (size === null) unclear.push({ id: item.id, written });
        else sized.push({ id: item.id, ...size });
      }

      const json = JSON.stringify(sized);
      await sql`
        insert into canvas_sizes (width_um, height_um)
        select distinct width_um, height_um
        from jsonb_to_recordset(${json}::jsonb) as sized (width_um integer, height_um integer)
        order by width_um, height_um
        on conflict do nothing`;
      await sql`
        update order_items set canvas_size_id = canvas_sizes.id
        from jsonb_to_recordset(${json}::jsonb) as sized (id bigint, width_um integer, height_um integer)
        join canvas_sizes using (width_um, height_um)
        where order_items.id = sized.id`;
      await sql`
        insert into canvas_size_review (order_item_id, written)
        select id, written
        from jsonb_to_recordset(${JSON.stringify(unclear)}::jsonb) as unclear (id bigint, written text)`;

      understood += sized.length;
      puzzling += unclear.length;
      log.info(`up to item ${after}: ${understood} sizes understood, ${puzzling} left for review`);
    }
  },

  async down({ sql }) {
    await sql`drop table canvas_size_review`;
    await sql`update order_items set canvas_size_id = null where canvas_size_id is not null`;
    await sql`delete from canvas_sizes`;
  },
});

const TWO_LENGTHS =
  /^(\d+(?:[.,]\d+)?)\s*("|in|cm|mm)?\s*(?:x|×|by)\s*(\d+(?:[.,]\d+)?)\s*("|in|inch|inches|cm|mm)?$/;

function parseSize(written: string): Size | null {
  const text = written.toLowerCase();
  const match = TWO_LENGTHS.exec(text);
  if (match === null) return PAPER.get(text) ?? null;
  const [, width = "", widthUnit, height = "", heightUnit] = match;
  const unit = unitOf(heightUnit ?? widthUnit);
  // "12 in x 40 cm" is more likely a slip than a size.
  if (widthUnit !== undefined && unitOf(widthUnit) !== unit) return null;
  const size = {
    width_um: micrometres(width, MICROMETRES[unit]),
    height_um: micrometres(height, MICROMETRES[unit]),
  };
  return size.width_um > 0 && size.height_um > 0 ? size : null;
}

function unitOf(written: string | undefined): keyof typeof MICROMETRES {
  return written === "cm" || written === "mm" ? written : "in";
}

function micrometres(length: string, factor: number): number {
  return Math.round(Number(length.replace(",", ".")) * factor);
}
