// Pictures for designs in one colour: each fills a box of 100 x 100, none of them symmetric enough to be confused.

/** `stroke` is drawn with a line of 7, `fill` is filled. */
export const ICONS = {
  mountain: { fill: "M4 88L38 22L54 52L66 34L96 88Z" },
  peaks: { stroke: "M5 88L36 20L52 55L66 38L95 88ZM25 44L36 54L47 42" },
  star: { fill: "M50 4L62 38L97 38L69 59L80 94L50 73L20 94L31 59L3 38L38 38Z" },
  heart: { fill: "M50 90C-20 46 16 -6 50 24C84 -6 120 46 50 90Z" },
  sun: {
    fill: "M50 28A22 22 0 1 1 49.9 28Z",
    stroke: "M50 4V14M50 86V96M4 50H14M86 50H96M17 17L25 25M75 75L83 83M17 83L25 75M75 25L83 17",
  },
  cup: {
    fill: "M12 36H70V66A22 22 0 0 1 48 90H34A22 22 0 0 1 12 66Z",
    stroke: "M70 44H80A12 12 0 0 1 80 70H68M30 8C24 16 36 20 30 28M50 8C44 16 56 20 50 28",
  },
  anchor: {
    stroke:
      "M50 22V90M30 38H70M8 58C10 84 34 90 50 90C66 90 90 84 92 58M50 22A8 8 0 1 1 50.1 6A8 8 0 1 1 50 22",
  },
  bolt: { fill: "M58 2L18 58H46L36 98L82 38H52Z" },
  leaf: { fill: "M92 6C30 4 4 30 14 78C60 88 94 58 92 6Z", stroke: "M4 96L30 66" },
  paw: {
    fill: "M50 48C68 48 84 70 78 82C72 94 60 84 50 84C40 84 28 94 22 82C16 70 32 48 50 48ZM18 34A9 13 0 1 1 17.9 34ZM40 14A10 14 0 1 1 39.9 14ZM64 14A10 14 0 1 1 63.9 14ZM86 34A9 13 0 1 1 85.9 34Z",
  },
  wave: {
    stroke:
      "M2 40C18 10 34 10 44 34C50 52 66 52 74 34C82 20 92 22 98 30M2 66C18 40 34 44 46 62C58 78 76 66 98 58M10 88H86",
  },
  arrow: { stroke: "M6 94L90 10M90 10H52M90 10V48M6 94L10 70M6 94L30 90" },
  crown: { fill: "M6 82L2 26L30 50L50 12L70 50L98 26L94 82Z" },
  bicycle: {
    stroke:
      "M22 86A18 18 0 1 1 22.1 50A18 18 0 1 1 22 86M78 86A18 18 0 1 1 78.1 50A18 18 0 1 1 78 86M22 68L40 34H68L78 68M40 34L52 68H22M68 34L52 68M62 22H78M34 26H46",
  },
  camera: { stroke: "M6 28H30L38 14H62L70 28H94V86H6ZM50 74A18 18 0 1 1 50.1 38A18 18 0 1 1 50 74" },
  fish: { fill: "M4 50C24 16 60 16 78 44L98 24V78L78 58C60 84 24 84 4 50Z" },
  tree: { fill: "M50 2L84 46H66L94 84H58V98H42V84H6L34 46H16Z" },
  moon: { fill: "M64 4A47 47 0 1 0 96 70A40 40 0 0 1 64 4Z" },
  note: {
    fill: "M20 92A14 11 0 1 1 20.1 70A14 11 0 1 1 20 92ZM72 82A14 11 0 1 1 72.1 60A14 11 0 1 1 72 82Z",
    stroke: "M33 80V18L85 8V70",
  },
  skull: {
    stroke:
      "M28 92V74C-4 54 8 6 50 6C92 6 104 54 72 74V92ZM34 50A8 9 0 1 1 33.9 50ZM70 50A8 9 0 1 1 69.9 50ZM44 92V80M58 92V80",
  },
};

/** At (x, y), `size` wide and high, turned about its centre. */
export function iconOf(name, { x, y, size, turn = 0 }) {
  const { fill, stroke } = ICONS[name];
  const scale = Math.round(size) / 100;
  const move = `translate(${Math.round(x)} ${Math.round(y)}) scale(${scale}) rotate(${turn} 50 50)`;
  const filled = fill ? `<path d="${fill}" fill="currentColor"/>` : "";
  const line = `fill="none" stroke="currentColor" stroke-width="7" stroke-linecap="round" stroke-linejoin="round"`;
  return `<g transform="${move}">${filled}${stroke ? `<path d="${stroke}" ${line}/>` : ""}</g>`;
}
