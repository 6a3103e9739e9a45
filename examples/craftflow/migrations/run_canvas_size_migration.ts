import { backfill } from "godwit";

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
 * canvas_size_review, for a person to decide; the text itself stays as it was typed. What a window finds for those two
 * tables is committed with its rows, so that a crash leaves neither without the other.
 */
export default backfill({
  depends: ["assign_tenants_to_order_items", "add_canvas_size_review"],
  phase: "complex",
  table: "order_items",
  columns: ["canvas_size"],
  where: `canvas_size_id is null and canvas_size ~ '\\S'
    and not exists (select from canvas_size_review where order_item_id = id)`,

  async rows(items, { sql }) {
    const read = items.map(({ id, canvas_size }) => {
      const written = String(canvas_size).trim();
      return { id, written, size: parseSize(written) };
    });
    const sizes = JSON.stringify(read.flatMap(({ size }) => size ?? []));
    await sql`
      insert into canvas_sizes (width_um, height_um)
      select distinct width_um, height_um
      from jsonb_to_recordset(${sizes}::jsonb) as sized (width_um integer, height_um integer)
      order by width_um, height_um
      on conflict do nothing`;
    const known = await sql<Size & { id: string }>`
      select canvas_sizes.* from canvas_sizes
      where (width_um, height_um) in (
        select width_um, height_um
        from jsonb_to_recordset(${sizes}::jsonb) as sized (width_um integer, height_um integer))`;
    const unclear = read.filter(({ size }) => size === null);
    await sql`
      insert into canvas_size_review (order_item_id, written)
      select id, written
      from jsonb_to_recordset(${JSON.stringify(unclear)}::jsonb) as unclear (id bigint, written text)
      on conflict do nothing`;

    const ids = new Map(known.map((size) => [nameOf(size), size.id]));
    return read.map(({ size }) => size && { canvas_size_id: ids.get(nameOf(size)) });
  },

  async down({ sql }) {
    await sql`delete from canvas_size_review`;
    await sql`update order_items set canvas_size_id = null where canvas_size_id is not null`;
    await sql`delete from canvas_sizes`;
  },
});

function nameOf({ width_um, height_um }: Size): string {
  return `${width_um}x${height_um}`;
}

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
