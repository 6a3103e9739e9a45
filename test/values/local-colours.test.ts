/** A small part in another colour makes another design, beside however much black; and copies keep their small parts. */
import sharp, { type Sharp } from "sharp";
import { describe } from "vitest";
import { colourDistance, coloursOf, SAME_COLOURS } from "../../src/duplicates/colours.ts";
import { describeImage } from "../../src/pixels/describe.ts";
import { expect, test } from "../support/database.ts";

const STAR = '<path d="M450 60l120 255 270 30-210 180 75 285-255-150-255 150 75-285L60 345l270-30z"/>';
const CIRCLE = '<circle cx="450" cy="350" r="250"/>';
/** Letters without a font: strokes of an eighth of their height. */
const letters = (height: number, colour: string) => {
  const stroke = height / 8;
  const letter = (x: number) =>
    `M${x} 700h${stroke}v${height}h-${stroke}zM${x} ${700 + height - stroke}h${height / 2}v${stroke}h-${height / 2}z`;
  return `<path fill="${colour}" d="${Array.from({ length: 7 }, (_, at) => letter(200 + at * height * 0.75)).join("")}"/>`;
};

const DESIGNS: readonly (readonly [string, (colour: string) => string])[] = [
  ["large letters below a circle", (colour) => CIRCLE + letters(90, colour)],
  ["small letters below a circle", (colour) => CIRCLE + letters(45, colour)],
  ["a line", (colour) => `${CIRCLE}<rect x="150" y="700" width="600" height="15" fill="${colour}"/>`],
  [
    "a row of ticks",
    (colour) =>
      CIRCLE +
      [0, 1, 2, 3, 4, 5, 6]
        .map((at) => `<rect x="${150 + at * 90}" y="700" width="12" height="50" fill="${colour}"/>`)
        .join(""),
  ],
  ["a dot on a star", (colour) => `${STAR}<circle cx="450" cy="450" r="20" fill="${colour}"/>`],
  [
    "a frame",
    (colour) =>
      `${CIRCLE}<rect x="20" y="20" width="860" height="860" fill="none" stroke="${colour}" stroke-width="12"/>`,
  ],
];
const WHITE = '<rect width="900" height="900" fill="white"/>';

function picture(body: string): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="900" height="900">${body}</svg>`;
  return sharp(Buffer.from(svg)).png().toBuffer();
}

async function colours(bytes: Buffer) {
  const options = { hashSize: 8, maxPixels: 1e8, maxDecodedBytes: 1e9 };
  const { colours: grid, width, height } = await describeImage(bytes, options);
  const known = coloursOf(Buffer.from(grid, "hex"), Math.max(width, height));
  if (known === null) throw new Error("no grid");
  return known;
}

describe.each([
  ["on white", WHITE],
  ["on nothing", ""],
])("%s", (_, ground) => {
  test.each(DESIGNS)("%s in red, green, blue, orange and black are five designs", async (_name, draw) => {
    const drawn = await Promise.all(
      ["#c00", "#080", "#22d", "#f80", "#000"].map(async (colour) =>
        colours(await picture(ground + draw(colour))),
      ),
    );
    for (const [at, one] of drawn.entries())
      for (const other of drawn.slice(at + 1))
        expect(colourDistance(one, other)).toBeGreaterThan(SAME_COLOURS * 1.2);
  });
});

test("a small green part of a large red one is told from a blue one", async () => {
  const draw = (colour: string) =>
    picture(
      `${WHITE}<circle cx="450" cy="450" r="350" fill="#d22"/><circle cx="450" cy="450" r="40" fill="${colour}"/>`,
    );
  const [green, blue] = await Promise.all([colours(await draw("#080")), colours(await draw("#22d"))]);
  expect(colourDistance(green, blue)).toBeGreaterThan(SAME_COLOURS);
});

test("small parts that changed places are told apart", async () => {
  const draw = (left: string, right: string) =>
    picture(
      `${WHITE}${STAR}<circle cx="90" cy="800" r="30" fill="${left}"/><circle cx="810" cy="800" r="30" fill="${right}"/>`,
    );
  const [one, other] = await Promise.all([
    colours(await draw("#c00", "#080")),
    colours(await draw("#080", "#c00")),
  ]);
  expect(colourDistance(one, other)).toBeGreaterThan(SAME_COLOURS);
});

const COPIES: readonly (readonly [string, (image: Sharp) => Sharp])[] = [
  ["JPEG 70", (image) => image.jpeg({ quality: 70 })],
  ["JPEG 30", (image) => image.jpeg({ quality: 30 })],
  ["WebP", (image) => image.webp({ quality: 60 })],
  ["GIF", (image) => image.gif()],
  ["100 pixels wide", (image) => image.resize({ width: 100 })],
  ["16 colours", (image) => image.png({ palette: true, colours: 16 })],
  ["more saturated", (image) => image.modulate({ saturation: 1.15 })],
];

test.each(COPIES)("copies are near, whatever their small part is: %s", async (_, copy) => {
  for (const [at, [name, draw]] of DESIGNS.entries()) {
    const original = await picture(WHITE + draw(["#c00", "#080", "#22d"][at % 3] ?? ""));
    const copied = await copy(sharp(original)).toBuffer();
    const apart = colourDistance(await colours(original), await colours(copied));
    expect(apart, name).toBeLessThan(SAME_COLOURS);
  }
});
