// A stroke font of our own: slim images have no fonts, and others have other ones.

/** Path data by letter, capitals 60 units high on the base line y = 60; after the width. */
const GLYPHS = {
  A: [40, "M0 60L20 0L40 60M8 38H32"],
  B: [36, "M0 0V60M0 0H20A14 14 0 0 1 20 28H0M20 28A16 16 0 0 1 20 60H0"],
  C: [40, "M38 12A22 30 0 1 0 38 48"],
  D: [38, "M0 0V60H12A26 30 0 0 0 12 0Z"],
  E: [32, "M32 0H0V60H32M0 29H26"],
  F: [32, "M32 0H0V60M0 29H26"],
  G: [42, "M38 12A22 30 0 1 0 40 46V33H24"],
  H: [38, "M0 0V60M38 0V60M0 29H38"],
  I: [2, "M1 0V60"],
  J: [28, "M28 0V44A14 16 0 0 1 0 44"],
  K: [36, "M0 0V60M34 0L0 36M11 25L36 60"],
  L: [30, "M0 0V60H30"],
  M: [46, "M0 60V0L23 40L46 0V60"],
  N: [38, "M0 60V0L38 60V0"],
  O: [44, "M22 0A22 30 0 1 1 22 60A22 30 0 1 1 22 0Z"],
  P: [34, "M0 60V0H18A16 16 0 0 1 18 32H0"],
  Q: [44, "M22 0A22 30 0 1 1 22 60A22 30 0 1 1 22 0ZM28 44L44 62"],
  R: [36, "M0 60V0H18A16 16 0 0 1 18 32H0M14 32L36 60"],
  S: [34, "M32 10C28 0 2 -4 2 14C2 34 34 24 34 45C34 64 4 64 0 48"],
  T: [38, "M0 0H38M19 0V60"],
  U: [38, "M0 0V40A19 20 0 0 0 38 40V0"],
  V: [40, "M0 0L20 60L40 0"],
  W: [56, "M0 0L14 60L28 10L42 60L56 0"],
  X: [38, "M0 0L38 60M38 0L0 60"],
  Y: [38, "M0 0L19 30L38 0M19 30V60"],
  Z: [36, "M0 0H36L0 60H36"],
  Ä: [40, "M0 60L20 4L40 60M8 40H32M11 -11V-9M29 -11V-9"],
  Ö: [44, "M22 4A22 28 0 1 1 22 60A22 28 0 1 1 22 4ZM13 -11V-9M31 -11V-9"],
  Ü: [38, "M0 4V40A19 20 0 0 0 38 40V4M10 -11V-9M28 -11V-9"],
  É: [32, "M32 4H0V60H32M0 31H26M12 -6L20 -15"],
  0: [36, "M18 0A18 30 0 1 1 18 60A18 30 0 1 1 18 0Z"],
  1: [16, "M0 12L16 0V60"],
  2: [34, "M2 14A16 15 0 1 1 30 24L0 60H34"],
  3: [32, "M2 8A15 14.5 0 1 1 14 29A16 15.5 0 1 1 0 52"],
  4: [36, "M28 60V0L0 42H36"],
  5: [34, "M30 0H4L2 26A18 17 0 1 1 0 54"],
  6: [34, "M28 0C10 10 0 26 0 42A17 18 0 1 0 6 30"],
  7: [32, "M0 0H32L10 60"],
  8: [34, "M17 0A14 14 0 1 1 17 28A14 14 0 1 1 17 0ZM17 28A16 16 0 1 1 17 60A16 16 0 1 1 17 28Z"],
  9: [34, "M6 60C24 50 34 34 34 18A17 18 0 1 0 28 30"],
  "!": [4, "M2 0V40M2 58V60"],
  "?": [30, "M0 14A15 15 0 1 1 15 30V42M15 58V60"],
  ".": [4, "M2 58V60"],
  ",": [6, "M4 56L0 68"],
  "'": [4, "M2 0V14"],
  "-": [20, "M0 32H20"],
  "+": [24, "M12 20V44M0 32H24"],
  "&": [40, "M38 60L10 18A11 11 0 1 1 26 12C26 26 0 28 0 45A15 15 0 0 0 34 42"],
};

const SPACE = 22;

/**
 * What a hand may do to letters: `weight` of the stroke and `spacing` in units of the font, `slant` in degrees,
 * `ends` round or square.
 */
export function lettering(random) {
  return {
    weight: random.pick([6, 8, 10, 12, 14, 16]),
    spacing: random.pick([16, 20, 24, 30]),
    slant: random.pick([0, 0, 0, -10, -16]),
    ends: random.pick(["round", "butt"]),
  };
}

export function widthOf(text, hand) {
  return place(text, hand).width;
}

/** Letters from (0, 0), 60 units high before `scale`; as a group of SVG. */
export function lineOf(text, hand, { x, y, scaleX, scaleY = scaleX }) {
  const paths = place(text, hand).glyphs.map(
    ({ at, data }) => `<path transform="translate(${at} 0)" d="${data}"/>`,
  );
  const move = `translate(${round(x)} ${round(y)}) scale(${round(scaleX)} ${round(scaleY)}) skewX(${hand.slant})`;
  return `<g transform="${move}" ${strokeOf(hand)}>${paths.join("")}</g>`;
}

/** Letters on a circle; `upwards`: along its top, read from outside; else along its bottom. */
export function arcOf(text, hand, { centre, radius, scale, upwards }) {
  const { glyphs, width } = place(text, hand);
  const turn = upwards ? 1 : -1;
  const paths = glyphs.map(({ at, wide, data }) => {
    const degrees = (turn * ((at + wide / 2 - width / 2) * scale * 180)) / (Math.PI * radius);
    const lift = upwards ? -radius : radius - 60 * scale;
    const move = `rotate(${round(degrees)} ${centre.x} ${centre.y}) translate(${round(centre.x)} ${round(centre.y + lift)})`;
    return `<path transform="${move} scale(${round(scale)}) translate(${-wide / 2} 0)" d="${data}"/>`;
  });
  return `<g ${strokeOf(hand)}>${paths.join("")}</g>`;
}

function strokeOf({ weight, ends }) {
  const join = ends === "round" ? "round" : "miter";
  return `fill="none" stroke="currentColor" stroke-width="${weight}" stroke-linecap="${ends === "round" ? "round" : "square"}" stroke-linejoin="${join}"`;
}

function place(text, hand) {
  const glyphs = [];
  let at = 0;
  for (const letter of text.toUpperCase()) {
    if (letter === " ") {
      at += SPACE;
      continue;
    }
    const glyph = GLYPHS[letter];
    if (!glyph) throw new Error(`The font has no "${letter}" (in "${text}").`);
    const [wide, data] = glyph;
    glyphs.push({ at, wide, data });
    at += wide + hand.spacing;
  }
  return { glyphs, width: Math.max(1, at - hand.spacing) };
}

export function round(value) {
  return Math.round(value * 100) / 100;
}
