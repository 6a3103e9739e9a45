/** Duplicates see colours: one shape in two colours is two designs, and ink that cannot be seen is compared with nothing. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { describe } from "vitest";
import { colourDistance, coloursOf, SAME_COLOURS } from "../../src/duplicates/colours.ts";
import { imageTables } from "../../src/images/sql.ts";
import { describeImage } from "../../src/pixels/describe.ts";
import { commandIn, type Json } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { temporaryFolder } from "../support/import-place.ts";

const JIGSAW = "M100 120h70a40 40 0 1 1 60 0h70v70a40 40 0 1 1 0 60v70h-200v-70a40 40 0 1 0 0-60z";
const WHITE_INK = [
  '<circle cx="200" cy="200" r="150"/>',
  '<path d="M40 40h120v320h-120zM240 40h120v120h-120z"/>',
  '<path d="M200 20l180 340h-360z"/>',
  '<path d="M20 180h360v40h-360zM180 20h40v360h-40z"/>',
];

function svg(body: string, ground = ""): Buffer {
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="400" height="400">${ground}${body}</svg>`,
  );
}

function jigsaw(colour: string): Buffer {
  return svg(`<path fill="${colour}" d="${JIGSAW}"/>`);
}

function flag(left: string, middle: string, right: string): Buffer {
  const stripe = (x: number, colour: string) => `<rect x="${x}" width="134" height="400" fill="${colour}"/>`;
  return svg(stripe(0, left) + stripe(133, middle) + stripe(266, right));
}

const SMALL_TEXT = (colour: string) =>
  svg(
    `<path fill="${colour}" d="M100 190h12v30h-12zM130 190h40v8h-40zM190 190h10v30h-10zM220 200h60v6h-60z"/>`,
    '<rect width="400" height="400" fill="white"/>',
  );

async function distance(one: Buffer, other: Buffer): Promise<number> {
  const [left, right] = await Promise.all([one, other].map(colours));
  if (!left || !right) throw new Error("no grid");
  return colourDistance(left, right);
}

async function colours(bytes: Buffer) {
  const options = { hashSize: 8, maxPixels: 1e8, maxDecodedBytes: 1e9 };
  const { colours, width, height } = await describeImage(bytes, options);
  return coloursOf(Buffer.from(colours, "hex"), Math.max(width, height));
}

describe("true copies are near in colour:", () => {
  const piece = () => sharp(jigsaw("#d22"));
  test.each<[string, (image: Sharp) => Sharp]>([
    ["JPEG on white", (image) => image.flatten({ background: "#fff" }).jpeg({ quality: 40 })],
    ["JPEG on black", (image) => image.flatten({ background: "#000" }).jpeg({ quality: 70 })],
    ["WebP", (image) => image.webp({ quality: 50 })],
    ["a quarter of the size", (image) => image.resize({ width: 100 })],
    ["16 colours", (image) => image.png({ palette: true, colours: 16 })],
    ["cut by a hundredth", (image) => image.extract({ left: 4, top: 4, width: 392, height: 392 })],
    ["a little brighter", (image) => image.modulate({ brightness: 1.05 })],
    ["another colour space", (image) => image.withIccProfile("p3")],
  ])("%s", async (_, change) => {
    const copy = await change(sharp(await piece().png().toBuffer()))
      .toFormat("png")
      .toBuffer();
    expect(await distance(jigsaw("#d22"), copy)).toBeLessThan(SAME_COLOURS);
  });
});

test.each([
  ["red and blue pieces", jigsaw("#d22"), jigsaw("#22d")],
  ["red and orange pieces", jigsaw("#d22"), jigsaw("#f80")],
  ["two flags", flag("#0055a4", "#fff", "#ef4135"), flag("#008c45", "#fff", "#cd212a")],
  ["flags that differ in one stripe", flag("#169b62", "#fff", "#ff883e"), flag("#169b62", "#fff", "#cd212a")],
  ["thin red and blue ink on white", SMALL_TEXT("#d22"), SMALL_TEXT("#22d")],
])("%s are far apart in colour", async (_, one, other) => {
  expect(await distance(one, other)).toBeGreaterThan(SAME_COLOURS * 1.5);
});

test("a picture that lies on its side in the file has its colours where people see them", async () => {
  const upright = await sharp(flag("#0055a4", "#fff", "#ef4135"))
    .removeAlpha()
    .png()
    .toBuffer();
  const lying = await sharp(upright).rotate(270).withMetadata({ orientation: 6 }).png().toBuffer();
  expect(await distance(upright, lying)).toBeLessThan(3);
});

test("shapes in several colours are for review, copies are one design, and white ink on nothing is none", async ({
  db,
}) => {
  const folder = temporaryFolder();
  const files: Record<string, Buffer> = {
    "red.svg": jigsaw("#d22"),
    "green.svg": jigsaw("#2a2"),
    "blue.svg": jigsaw("#22d"),
    "red copy.svg": jigsaw("#d22"),
    "red.jpg": await sharp(jigsaw("#d22")).flatten({ background: "#fff" }).jpeg({ quality: 70 }).toBuffer(),
    ...Object.fromEntries(
      WHITE_INK.map((shape, at) => [`white ${at}.svg`, svg(`<g fill="white">${shape}</g>`)]),
    ),
  };
  mkdirSync(join(folder, "designs/shop/cards"), { recursive: true });
  for (const [name, bytes] of Object.entries(files))
    writeFileSync(join(folder, "designs/shop/cards", name), bytes);
  const godwit = commandIn({ folder, url: db.url });
  await godwit("init", "--import");
  await godwit("up");
  await godwit("import", "--from", "designs");
  const found = (await godwit("duplicates", "--json")).json;
  const names = (some: Json) => some.map(({ path }: Json) => path.split("/").at(-1)).sort();
  expect(found.groups.map(({ files: members }: Json) => names(members))).toEqual([
    ["red copy.svg", "red.jpg", "red.svg"],
  ]);
  expect(found.groups[0]).toMatchObject({ kind: "same", exactCopies: 1, unsure: [] });
  expect(found.review).toHaveLength(3);
  for (const pair of found.review) expect(pair.colours).toBeGreaterThan(SAME_COLOURS);
  expect(found.counts).toMatchObject({ same: 1, surplus: 2, exactCopies: 1, review: 3, unsure: 0 });

  const text = (await godwit("duplicates")).stdout;
  expect(text).toMatch(/3 files, 1 of them an exact copy of another/);
  expect(text).toMatch(/other colours \(\d+ apart\), 0 of 256 bits differ/);

  const kept = await godwit("duplicates", "--keep", String(found.groups[0].id), "--json");
  expect(names(kept.json.decision.files)).toEqual(["red copy.svg", "red.jpg", "red.svg"]);
});

test("images of an earlier release are told, kept only by name, and read once more when that is asked for", async ({
  db,
}) => {
  const t = imageTables(ledgerSchema);
  const folder = temporaryFolder();
  mkdirSync(join(folder, "designs/shop/cards"), { recursive: true });
  for (const colour of ["#d22", "#22d"])
    writeFileSync(join(folder, `designs/shop/cards/${colour.slice(1)}.svg`), jigsaw(colour));
  const godwit = commandIn({ folder, url: db.url });
  await godwit("init", "--import");
  await godwit("up");
  await godwit("import", "--from", "designs");
  await db.sql(`delete from ${t.colours}`);

  const before = await godwit("duplicates", "--json");
  const [group] = before.json.groups;
  expect(group.unsure).toHaveLength(1);
  const text = await godwit("duplicates");
  expect(text.stdout).toMatch(
    /The colours of 1 file are not known.*`godwit import designs --from .*designs --colours`/,
  );
  const kept = await godwit("duplicates", "--keep", String(group.id));
  expect(kept.stdout).toMatch(/Left open, because their colours are not known/);
  expect(await db.sql(`select * from ${t.decisions}`)).toEqual([]);

  const again = await godwit("import", "--from", "designs", "--json");
  expect(again.json.imports[0]).toMatchObject({ stored: 0, warnings: [{ code: "IMPORT_COLOURS_UNKNOWN" }] });
  const [, way = ""] = /`godwit (.*)`/.exec(again.json.imports[0].warnings[0].hint.split(": ").at(-1)) ?? [];
  const reread = await godwit(...way.split(" "), "--json");
  expect(reread.json.imports[0]).toMatchObject({ stored: 2, warnings: [] });
  const after = (await godwit("duplicates", "--json")).json;
  expect([after.groups, after.review.length, after.counts.unsure]).toEqual([[], 1, 0]);
});

test("a blank look that an earlier release took for a look is no bridge between designs", async ({ db }) => {
  const t = imageTables(ledgerSchema);
  const folder = temporaryFolder();
  mkdirSync(join(folder, "designs/shop/cards"), { recursive: true });
  for (const [at, shape] of WHITE_INK.entries())
    writeFileSync(join(folder, `designs/shop/cards/${at}.svg`), svg(`<g fill="white">${shape}</g>`));
  const godwit = commandIn({ folder, url: db.url });
  await godwit("init", "--import");
  await godwit("up");
  await godwit("import", "--from", "designs");
  await db.sql(`delete from ${t.colours}; update ${t.hashes} set low_information = false, compared = false`);
  expect((await godwit("duplicates", "--json")).json).toMatchObject({ groups: [], review: [] });
});
