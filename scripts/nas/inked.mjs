// Designs in one colour on nothing: mottos and badges, as they are printed on shirts and mugs.
import { ICONS, iconOf } from "./icons.mjs";
import { arcOf, lettering, lineOf, round, widthOf } from "./letters.mjs";

const NAMES = Object.keys(ICONS);

/** Ink, and whether it is so light that nobody would put it on white. */
export function inkOf(random) {
  const kind = random.weighted({ black: 45, white: 22, coloured: 33 });
  if (kind === "black") return { name: "black", colour: random.pick(["#000000", "#000000", "#1a1a1a"]) };
  if (kind === "white") return { name: "white", colour: "#ffffff" };
  const colours = [
    "#c1121f",
    "#1d4e89",
    "#2d6a4f",
    "#7b2cbf",
    "#f4a261",
    "#ffd166",
    "#118ab2",
    "#d81159",
    "#6f4518",
  ];
  return { name: "coloured", colour: random.pick(colours) };
}

/** A motto in two to five lines; a document of `width` x `height`. */
export function textDesign(random, { words, width, height, colour }) {
  const layout = random.weighted({ stacked: 40, flush: 20, stairs: 14, ribbon: 14, icons: 12 });
  const hand = lettering(random);
  const margin = width * random.between(0.03, 0.1);
  const inner = { x: margin, y: margin, width: width - 2 * margin, height: height - 2 * margin };
  const draw = { stacked, flush, stairs, ribbon, icons }[layout];
  return document(width, height, colour, draw(random, { words, hand, ...inner }));
}

/** A round badge: words along the circle, a picture in the middle. */
export function badgeDesign(random, { words, width, height, colour }) {
  const side = Math.min(width, height);
  const centre = { x: round(width / 2), y: round(height / 2) };
  const hand = { ...lettering(random), slant: 0, weight: random.pick([8, 10, 12]) };
  const radius = side * random.between(0.34, 0.4);
  const half = Math.ceil(words.length / 2);
  const [above, below] = [words.slice(0, half).join(" "), words.slice(half).join(" ")];
  const scaleFor = (text) =>
    Math.min((side * 0.11) / 60, (radius * Math.PI * 0.82) / widthOf(text || "I", hand));
  const parts = [arcOf(above, hand, { centre, radius, scale: scaleFor(above), upwards: true })];
  if (below)
    parts.push(arcOf(below, hand, { centre, radius: radius * 1.02, scale: scaleFor(below), upwards: false }));
  const size = side * random.between(0.3, 0.48);
  const push = { x: side * random.between(-0.06, 0.06), y: side * random.between(-0.05, 0.05) };
  const picture = random.pick(NAMES);
  parts.push(
    iconOf(picture, {
      x: centre.x + push.x - size / 2,
      y: centre.y + push.y - size / 2,
      size,
      turn: random.int(-12, 12),
    }),
  );
  const ring = (at, stroke, dash = "") =>
    `<circle cx="${centre.x}" cy="${centre.y}" r="${round(at)}" fill="none" stroke="currentColor" stroke-width="${round(stroke)}" ${dash}/>`;
  const frame = random.pick(["rings", "dots", "none", "spokes", "bar"]);
  if (frame === "rings") parts.push(ring(side * 0.48, side * 0.012), ring(side * 0.28, side * 0.008));
  if (frame === "dots")
    parts.push(
      ring(side * 0.48, side * 0.02, `stroke-linecap="round" stroke-dasharray="0 ${round(side * 0.045)}"`),
    );
  if (frame === "spokes")
    parts.push(
      ring(side * 0.465, side * 0.05, `stroke-dasharray="${round(side * 0.02)} ${round(side * 0.03)}"`),
    );
  if (frame === "bar") {
    const tall = side * random.between(0.03, 0.07);
    parts.push(box({ x: 0, y: height * random.pick([0.02, 0.5, 0.93]), width, height: tall }));
  }
  return document(width, height, colour, parts);
}

/** Every line as wide as the design, with heights of its own. */
function stacked(random, { words, hand, x, y, width, height }) {
  const gap = height * random.between(0.04, 0.08);
  const shares = words.map(() => random.between(0.5, 2));
  const picture = random.chance(0.45);
  if (picture) shares.splice(random.pick([0, shares.length]), 0, random.between(1.2, 2));
  const atTop = picture && shares.length > words.length && shares[0] > 1.19;
  const total = shares.reduce((sum, share) => sum + share, 0);
  const room = height - gap * (shares.length - 1);
  const parts = [];
  let top = y;
  let next = 0;
  for (const [index, share] of shares.entries()) {
    const tall = (room * share) / total;
    const isPicture = picture && (atTop ? index === 0 : index === shares.length - 1);
    if (isPicture) {
      const size = Math.min(tall, width);
      const many = random.pick([1, 1, 2, 3]);
      const icon = random.pick(NAMES);
      for (let copy = 0; copy < many; copy++) {
        const each = Math.min(size, width / many);
        const left = x + ((copy + 0.5) * width) / many - each / 2;
        parts.push(iconOf(icon, { x: left, y: top, size: each, turn: copy * random.int(0, 25) }));
      }
    } else if (words[next]) {
      parts.push(fitted(words[next++], hand, { x, y: top, width, height: tall }));
    }
    top += tall + gap;
  }
  return parts;
}

/** Lines of one height, at the left or right edge, and rules between. */
function flush(random, { words, hand, x, y, width, height }) {
  const right = random.chance(0.4);
  const rule = random.chance(0.6);
  const tall = (height / words.length) * random.between(0.55, 0.75);
  const widest = Math.max(...words.map((word) => widthOf(word, hand)));
  const scaleX = Math.min(width / widest, (tall / 60) * 1.3);
  return words.flatMap((word, index) => {
    const top = y + (index * height) / words.length;
    const wide = widthOf(word, hand) * scaleX;
    const line = lineOf(word, hand, { x: right ? x + width - wide : x, y: top, scaleX, scaleY: tall / 60 });
    const under = {
      x: right ? x : x,
      y: top + tall * 1.18,
      width: width * random.between(0.2, 1),
      height: tall * 0.08,
    };
    return rule && index < words.length - 1 ? [line, box(under)] : [line];
  });
}

/** Every line further to the right, or to the left, and the whole of it turned. */
function stairs(random, { words, hand, x, y, width, height }) {
  const down = random.chance(0.5);
  const tilt = random.pick([-14, -9, 9, 14]);
  const tall = (height / words.length) * 0.62;
  const wide = width * random.between(0.6, 0.75);
  const lines = words.map((word, index) => {
    const step = words.length > 1 ? (index * (width - wide)) / (words.length - 1) : 0;
    const left = x + (down ? step : width - wide - step);
    return fitted(word, hand, {
      x: left,
      y: y + (index * height) / words.length + tall * 0.2,
      width: wide,
      height: tall,
    });
  });
  const size = Math.min(width, height) * random.between(0.2, 0.3);
  const corner = { x: down ? x + width - size : x, y, size };
  const turned = `<g transform="rotate(${tilt} ${round(x + width / 2)} ${round(y + height / 2)}) translate(${round(x + width / 2)} ${round(y + height / 2)}) scale(0.86) translate(${-round(x + width / 2)} ${-round(y + height / 2)})">`;
  return [turned, ...lines, "</g>", ...(random.chance(0.6) ? [iconOf(random.pick(NAMES), corner)] : [])];
}

/** One line is cut out of a bar; stripes above or below it. */
function ribbon(random, { words, hand, x, y, width, height }) {
  const cut = random.int(0, words.length - 1);
  const tall = height / words.length;
  const stripes = random.int(0, 4);
  return words.flatMap((word, index) => {
    const area = { x, y: y + index * tall, width, height: tall * 0.84 };
    if (index !== cut)
      return [fitted(word, hand, inset(area, width * random.between(0.02, 0.2), tall * 0.08))];
    const hole = fitted(word, hand, inset(area, width * 0.07, tall * 0.2));
    const mask = `<mask id="cut" maskUnits="userSpaceOnUse" x="${round(x)}" y="${round(area.y)}" width="${round(width)}" height="${round(area.height)}">`;
    const bars = Array.from({ length: stripes }, (_, stripe) =>
      box({
        x: x + stripe * width * 0.05,
        y: y + height + (stripe - stripes / 2) * tall * 0.07,
        width: width * 0.8,
        height: tall * 0.035,
      }),
    );
    const whole = `<rect x="${round(x)}" y="${round(area.y)}" width="${round(width)}" height="${round(area.height)}" fill="white"/>`;
    return [
      `${mask}${whole}<g color="black">${hole}</g></mask>`,
      `<g mask="url(#cut)">${box(area)}</g>`,
      ...bars,
    ];
  });
}

/** A large picture on one side, the words beside or below it. */
function icons(random, { words, hand, x, y, width, height }) {
  const beside = width > height * 0.95 || random.chance(0.3);
  const share = random.between(0.4, 0.58);
  const first = random.chance(0.5);
  const size = beside ? Math.min(width * share, height) : Math.min(height * share, width);
  const picture = { x: x, y: y, size, turn: random.int(-20, 20) };
  const area = { x, y, width, height };
  if (beside) {
    picture.x = first ? x : x + width - size;
    picture.y = y + (height - size) * random.between(0, 1);
    area.x = first ? x + size * 1.08 : x;
    area.width = width - size * 1.08;
  } else {
    picture.x = x + (width - size) * random.between(0, 1);
    picture.y = first ? y : y + height - size;
    area.y = first ? y + size * 1.08 : y;
    area.height = height - size * 1.08;
  }
  const tall = area.height / words.length;
  const lines = words.map((word, index) =>
    fitted(word, hand, {
      ...area,
      y: area.y + index * tall + tall * 0.1,
      height: tall * random.between(0.55, 0.8),
    }),
  );
  return [iconOf(random.pick(NAMES), picture), ...lines];
}

/** Letters that fill an area, without becoming more than twice as wide as they are meant. */
function fitted(text, hand, { x, y, width, height }) {
  const stroke = hand.weight / 2;
  const scaleY = height / (60 + 2 * stroke + (/[ÄÖÜÉ]/.test(text) ? 14 : 0));
  const wide = widthOf(text, hand) + 2 * stroke + Math.abs(Math.tan((hand.slant * Math.PI) / 180)) * 60;
  const scaleX = Math.min(width / wide, scaleY * 2);
  const lead = (width - wide * scaleX) / 2 + (stroke - Math.tan((hand.slant * Math.PI) / 180) * 60) * scaleX;
  const drop = (stroke + (/[ÄÖÜÉ]/.test(text) ? 14 : 0)) * scaleY;
  return lineOf(text, hand, { x: x + lead, y: y + drop, scaleX, scaleY });
}

function inset({ x, y, width, height }, across, down) {
  return { x: x + across, y: y + down, width: width - 2 * across, height: height - 2 * down };
}

function box({ x, y, width, height }) {
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" fill="currentColor"/>`;
}

function document(width, height, colour, parts) {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" color="${colour}">${parts.join("")}</svg>`;
}
