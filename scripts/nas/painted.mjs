// Designs in many colours: illustrations as drawings, photos as pixels (light, haze, hills and grain).
import { ICONS, iconOf } from "./icons.mjs";
import { round } from "./letters.mjs";

const PALETTES = [
  ["#264653", "#2a9d8f", "#e9c46a", "#f4a261", "#e76f51"],
  ["#f72585", "#7209b7", "#3a0ca3", "#4361ee", "#4cc9f0"],
  ["#606c38", "#283618", "#fefae0", "#dda15e", "#bc6c25"],
  ["#ffcdb2", "#ffb4a2", "#e5989b", "#b5838d", "#6d6875"],
  ["#0b132b", "#1c2541", "#3a506b", "#5bc0be", "#ffffff"],
  ["#ef476f", "#ffd166", "#06d6a0", "#118ab2", "#073b4c"],
];
const NAMES = Object.keys(ICONS);

/** A drawing; `transparent`: without its ground. */
export function illustration(random, { width, height, transparent }) {
  const colours = random.shuffle(random.pick(PALETTES));
  const draw = random.pick([landscape, retroSun, mosaic, scatter, flower]);
  const ground = transparent ? "" : `<rect width="${width}" height="${height}" fill="${colours[0]}"/>`;
  const parts = draw(random, { width, height, colours });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${ground}${parts.join("")}</svg>`;
}

function landscape(random, { width, height, colours }) {
  const sun = { x: width * random.between(0.15, 0.85), y: height * random.between(0.15, 0.45) };
  const parts = [circle(sun.x, sun.y, height * random.between(0.07, 0.2), colours[1])];
  const layers = random.int(3, 5);
  for (let layer = 0; layer < layers; layer++) {
    const base = height * (0.4 + (0.5 * layer) / layers);
    const peaks = random.int(2, 6);
    const points = Array.from({ length: peaks * 2 + 1 }, (_, index) => {
      const lift = index % 2 ? height * random.between(0.08, 0.3) : height * random.between(-0.05, 0.04);
      return `${round((index * width) / (peaks * 2))} ${round(base - lift)}`;
    });
    parts.push(path(`M0 ${height}L${points.join("L")}L${width} ${height}Z`, colours[2 + (layer % 3)]));
  }
  for (let tree = random.int(1, 7); tree > 0; tree--) {
    const size = height * random.between(0.1, 0.3);
    const at = { x: random.between(0, width - size), y: height * random.between(0.6, 0.95) - size, size };
    parts.push(`<g color="${random.pick(colours)}">${iconOf(random.pick(["tree", "tree", "leaf"]), at)}</g>`);
  }
  return parts;
}

function retroSun(random, { width, height, colours }) {
  const parts = [];
  const centre = { x: width * random.between(0.3, 0.7), y: height * random.between(0.35, 0.65) };
  const rings = random.int(3, 5);
  for (let ring = 0; ring < rings; ring++) {
    const radius = Math.min(width, height) * (0.45 - (0.32 * ring) / rings);
    parts.push(circle(centre.x, centre.y, radius, colours[1 + (ring % 4)]));
  }
  for (let bar = random.int(2, 5); bar > 0; bar--) {
    const at = height * random.between(0.3, 0.95);
    parts.push(
      `<rect x="0" y="${round(at)}" width="${width}" height="${round(height * random.between(0.015, 0.05))}" fill="${colours[0]}"/>`,
    );
  }
  const size = Math.min(width, height) * random.between(0.35, 0.6);
  const at = {
    x: random.between(0, width - size),
    y: random.between(0, height - size),
    size,
    turn: random.int(-30, 30),
  };
  parts.push(`<g color="${random.pick(["#111111", colours[4]])}">${iconOf(random.pick(NAMES), at)}</g>`);
  return parts;
}

/** Tiles of quarter circles, triangles and squares. */
function mosaic(random, { width, height, colours }) {
  const across = random.int(2, 5);
  const side = width / across;
  const parts = [];
  for (let y = 0; y < height; y += side) {
    for (let x = 0; x < width - 1; x += side) {
      const shape = random.pick([
        `M0 0H100A100 100 0 0 1 0 100Z`,
        "M0 0H100V100Z",
        "M0 0H100V100H0Z",
        "M0 50A50 50 0 1 1 100 50A50 50 0 1 1 0 50Z",
        "M0 0H50V100H0Z",
      ]);
      const turn = random.pick([0, 90, 180, 270]);
      const move = `translate(${round(x)} ${round(y)}) scale(${round(side / 100)}) rotate(${turn} 50 50)`;
      parts.push(`<path transform="${move}" d="${shape}" fill="${random.pick(colours.slice(1))}"/>`);
    }
  }
  return parts;
}

/** A few large pictures, thrown. */
function scatter(random, { width, height, colours }) {
  return Array.from({ length: random.int(3, 9) }, () => {
    const size = Math.min(width, height) * random.between(0.25, 0.65);
    const at = {
      x: random.between(-0.1, 0.9) * width - size / 4,
      y: random.between(-0.1, 0.9) * height - size / 4,
    };
    const icon = iconOf(random.pick(NAMES), { ...at, size, turn: random.int(-60, 60) });
    return `<g color="${random.pick(colours.slice(1))}">${icon}</g>`;
  });
}

function flower(random, { width, height, colours }) {
  const parts = [];
  for (let blossom = random.int(2, 5); blossom > 0; blossom--) {
    const centre = { x: width * random.between(0.15, 0.85), y: height * random.between(0.12, 0.6) };
    const reach = Math.min(width, height) * random.between(0.12, 0.28);
    const petals = random.int(5, 9);
    const bend = `M${round(centre.x)} ${round(centre.y)}Q${round(centre.x + random.between(-0.3, 0.3) * width)} ${round(height * 0.8)} ${round(width * random.between(0.3, 0.7))} ${height}`;
    parts.push(
      `<path d="${bend}" fill="none" stroke="${colours[1]}" stroke-width="${round(reach * 0.12)}"/>`,
    );
    const colour = random.pick(colours.slice(2));
    for (let petal = 0; petal < petals; petal++) {
      const turn = round((360 * petal) / petals + random.between(-8, 8));
      parts.push(
        `<ellipse cx="${round(centre.x)}" cy="${round(centre.y - reach * 0.65)}" rx="${round(reach * 0.26)}" ry="${round(reach * 0.5)}" fill="${colour}" transform="rotate(${turn} ${round(centre.x)} ${round(centre.y)})"/>`,
      );
    }
    parts.push(circle(centre.x, centre.y, reach * 0.25, colours[1]));
  }
  return parts;
}

/** RGB of a scene: a sky, a light, ridges one behind the other in haze, bright discs out of focus, and grain. */
export function photo(random, { width, height }) {
  const colour = () => [random.int(0, 255), random.int(0, 255), random.int(0, 255)];
  const [top, low, light, earth] = [
    colour(),
    colour(),
    [255, random.int(200, 250), random.int(140, 230)],
    colour(),
  ];
  const sun = {
    x: random.between(0.1, 0.9),
    y: random.between(0.1, 0.6),
    spread: random.between(0.02, 0.12),
  };
  const ridges = Array.from({ length: random.int(1, 4) }, (_, index) => ({
    base: random.between(0.35, 0.6) + index * 0.12,
    waves: Array.from({ length: 4 }, (_, wave) => ({
      many: random.between(1, 4) * 2 ** wave,
      high: random.between(0.03, 0.13) / 1.7 ** wave,
      start: random.between(0, 7),
    })),
  }));
  const discs = Array.from({ length: random.int(2, 8) }, () => ({
    x: random.between(0, 1),
    y: random.between(0, 1),
    radius: random.between(0.04, 0.2),
    colour: colour(),
    strength: random.between(0.25, 0.75),
  }));
  const outlines = ridges.map(({ base, waves }) =>
    Float64Array.from({ length: width }, (_, x) =>
      waves.reduce(
        (sum, { many, high, start }) => sum + high * Math.sin(start + (many * 2 * Math.PI * x) / width),
        base,
      ),
    ),
  );
  const ratio = height / width;
  const grain = random.between(4, 14);
  const pixels = Buffer.allocUnsafe(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    const v = y / height;
    const near = discs.filter((disc) => Math.abs(disc.y - v) * ratio < disc.radius);
    for (let x = 0; x < width; x++) {
      const u = x / width;
      let behind = -1;
      for (let ridge = 0; ridge < outlines.length; ridge++) if (v > outlines[ridge][x]) behind = ridge;
      const far = (u - sun.x) ** 2 + ((v - sun.y) * ratio) ** 2;
      const glow = behind < 0 ? sun.spread / (sun.spread + far * 6) : 0;
      const share = behind < 0 ? v : (behind + 1) / (outlines.length + 0.5);
      const noise = ((random.next() >>> 24) / 255 - 0.5) * grain;
      for (let channel = 0; channel < 3; channel++) {
        const [from, to] = behind < 0 ? [top[channel], low[channel]] : [low[channel], earth[channel] * 0.45];
        let value = from + (to - from) * share;
        value += (light[channel] - value) * glow;
        for (const disc of near) {
          const apart = (u - disc.x) ** 2 + ((v - disc.y) * ratio) ** 2;
          if (apart < disc.radius ** 2) value += (disc.colour[channel] - value) * disc.strength;
        }
        pixels[at++] = Math.max(0, Math.min(255, value + noise));
      }
    }
  }
  return pixels;
}

function circle(x, y, radius, fill) {
  return `<circle cx="${round(x)}" cy="${round(y)}" r="${round(radius)}" fill="${fill}"/>`;
}

function path(data, fill) {
  return `<path d="${data}" fill="${fill}"/>`;
}
