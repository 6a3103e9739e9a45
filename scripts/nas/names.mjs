// What print shops call their shops, templates, designs and files.

const nfd = (text) => text.normalize("NFD");

/** As the disk spells them: a shop that was made on a Mac has its umlauts in two code points. */
const SHOPS = [
  "Alpenglück Prints",
  "TheMugShop",
  nfd("Björn & Söhne"),
  "🦊 Fuchsbau Studio",
  "Müller's Café",
  "happy-paws",
  "Old Town Tees",
  "Nordlicht_Design_2021",
  nfd("Zwölf Sterne"),
  "日本語ショップ",
  "Grandma's Attic",
  "100% Baumwolle",
];

const TEMPLATES = [
  "T-Shirt schwarz",
  "T-Shirt weiß",
  "Mug 11oz",
  "Hoodie",
  "Poster A3",
  "Tote Bag",
  nfd("Kissenhülle 40x40"),
  "Sticker rund ☀️",
  "Baby body (0-3 M)",
  "Phone Case #7",
  "Cap & Beanie",
  "Wanduhr",
];

const OPENINGS =
  "BORN TO|I'D RATHER|ALWAYS|JUST|TIME TO|LIVE TO|MADE TO|KEEP CALM &|LESS TALK MORE|WORLD'S BEST|TEAM|EAT SLEEP|ICH WILL|ERST MAL|ENDLICH|MEHR|100 PROZENT|NUR NOCH|KEIN TAG OHNE|CLUB DER|PLEASE DON'T|SUPER|HOME OF|MADE WITH".split(
    "|",
  );
const SUBJECTS =
  "HIKING|COFFEE|MOUNTAINS|GRILLMEISTER|KAFFEE|BERGLUFT|BÜCHER|FUSSBALL|DOG MOM|CAT DAD|GÄRTNER|PILZE SAMMELN|YOGA|SURFING|VINYL|KÜCHENCHEF|RENNRAD|WANDERLUST|FEIERABEND|PIZZA|CAMPING|ANGELN|HÄKELN|OMA|OPA|JUNGGESELLE|BIENEN|MATHS TEACHER|NURSE LIFE|TACOS|KAJAK|KÄSE|SCHLAFEN|PLANTS|JAZZ|DINOSAURS|KLETTERN|VANLIFE|SCHOKOLADE|MEERBLICK".split(
    "|",
  );
const ENDINGS =
  "|||SINCE 1987|EST. 1974|CLUB|IS MY THERAPY|FIRST|FOREVER|2024|ALL DAY|AM SEE|TEAM BRAUT|IM HERZEN|CREW|NO. 1|AND CHILL|STATT SORGEN|DANN REST|EVERY DAY|JA GERN!|WARUM NICHT?".split(
    "|",
  );

/** Words of a motto, by line. */
export function motto(random) {
  const lines = [random.pick(OPENINGS), ...random.pick(SUBJECTS).split(" ")];
  const ending = random.pick(ENDINGS);
  if (ending) lines.push(ending);
  return random.chance(0.12) ? lines.slice(1) : lines;
}

/** `shop/template` for all: each shop has a few of the templates. */
export function foldersOf(random, count) {
  const shops = SHOPS.slice(0, Math.max(2, Math.min(SHOPS.length, count)));
  return shops.map((shop) => ({
    shop,
    templates: random.shuffle(TEMPLATES).slice(0, random.int(2, 4)),
  }));
}

const MARKS = ["", "", "", "", "_final", "_v2", " Kopie", " (1)", "-print", "_300dpi", " ✂️", "_FINAL_final"];

/** Without its extension; unique only together with what the caller adds. */
export function fileStem(random, words, number) {
  const text = words.join(" ").toLowerCase();
  const plain = text.replace(/[&!?.,]/g, "").trim();
  const stem = random.pick([
    plain.replace(/[ ']+/g, "_"),
    plain.replace(/[ ']+/g, "-"),
    plain.replace(/(^| )\S/g, (start) => start.toUpperCase()),
    nfd(plain),
    `Design ${String(number).padStart(4, "0")}`,
    `${plain.replace(/[ ']+/g, "").toUpperCase()}_${number}`,
    text.replace(/[?]/g, ""),
  ]);
  return `${stem.trim()}${random.pick(MARKS)}`;
}

/** What a camera or a stock site calls a photo. */
export function photoStem(random, number) {
  return random.pick([
    `IMG_${String(2000 + number)}`,
    `DSC0${4100 + number}`,
    `photo-${number.toString(36)}-unsplash`,
    `Foto ${number}`,
    nfd(`Frühling ${number}`),
  ]);
}
