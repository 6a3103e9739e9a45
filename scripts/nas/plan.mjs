// What lies on a NAS, before a single pixel is drawn: paths, kinds, copies, and what an import should do with each.
import { fileStem, foldersOf, motto, photoStem } from "./names.mjs";
import { randomFrom } from "./random.mjs";

const FORMATS = {
  text: { png: 82, svg: 6, webp: 5, psd: 3, gif: 2, tiff: 2 },
  badge: { png: 82, svg: 8, webp: 4, psd: 3, tiff: 3 },
  illustration: { png: 62, svg: 14, jpeg: 10, webp: 5, psd: 5, gif: 4 },
  photo: { jpeg: 82, webp: 9, tiff: 3, psd: 3, avif: 3 },
};
const EXTENSIONS = {
  png: ["png", "png", "png", "png", "PNG"],
  jpeg: ["jpg", "jpg", "jpg", "jpeg", "JPG"],
  tiff: ["tif", "tiff"],
};

/** The first ones, so that a small folder has every format, and names that differ only by their Unicode form. */
const FIRST = [
  { kind: "text", format: "png", stem: "Grüße" },
  { kind: "text", format: "png", stem: "Grüße".normalize("NFD") },
  { kind: "text", format: "png", template: "Müsli-Schüssel" },
  { kind: "text", format: "png", template: "Müsli-Schüssel".normalize("NFD") },
  { kind: "text", format: "psd", ways: ["lossless"] },
  { kind: "illustration", format: "psd", ways: ["lossless"] },
  { kind: "photo", format: "avif" },
  { kind: "photo", format: "tiff" },
  { kind: "illustration", format: "gif" },
  { kind: "badge", format: "svg" },
  { kind: "illustration", format: "svg" },
  { kind: "text", format: "webp" },
  { kind: "photo", format: "webp" },
  { kind: "text", format: "png", misnamed: true },
];

const EPOCH_MS = Date.UTC(2021, 0, 4, 8);
const DAY_S = 86_400;

/**
 * `designs`: each with the files that show it, the original first. `debris`: thumbnails and what systems leave.
 * `broken`: what is no image (any more). `emptyFolders`: folders without files.
 */
export function planNas({ seed, designs: count, mix, copies, trouble, twins }) {
  const random = randomFrom(seed, "folders");
  const shops = foldersOf(random, Math.ceil(count / 12) + 1);
  const folders = shops.flatMap(({ shop, templates }) => templates.map((template) => `${shop}/${template}`));
  const taken = new Set();
  const mottos = new Set();
  const claim = (folder, stem, extension, { twin = false } = {}) => {
    for (let number = 1; ; number++) {
      const path = `${folder}/${stem}${number > 1 ? ` ${number}` : ""}.${extension}`;
      const key = twin ? path : path.normalize("NFC").toLowerCase();
      if (taken.has(key)) continue;
      taken.add(key).add(path.normalize("NFC").toLowerCase());
      return path;
    }
  };
  const wordsFor = (own) => {
    for (;;) {
      const words = motto(own);
      if (mottos.has(words.join(" ")) && mottos.size < 5_000) continue;
      mottos.add(words.join(" "));
      return words;
    }
  };

  const designs = [];
  for (let index = 0; index < count; index++) {
    const own = randomFrom(seed, "design", index);
    const fixed = trouble && mix[FIRST[index]?.kind] ? FIRST[index] : undefined;
    const kind = fixed?.kind ?? own.weighted(mix);
    const format = fixed?.format ?? own.weighted(FORMATS[kind]);
    const words = wordsFor(own);
    const stem = (number) => (kind === "photo" ? photoStem(own, number) : fileStem(own, words, number));
    const extension = (name) => own.pick(EXTENSIONS[name] ?? [name]);
    const folder = fixed?.template && twins ? `${shops[1].shop}/${fixed.template}` : own.pick(folders);
    const path =
      fixed?.stem && twins
        ? claim(folders[0], fixed.stem, "png", { twin: true })
        : claim(folder, stem(index), fixed?.misnamed ? "jpg" : extension(format));
    const day = own.int(0, 500);
    const file = (where, how, form) => ({
      path: where,
      how,
      format: form,
      fate: "stored",
      mtimeMs: EPOCH_MS + 1000 * ((how ? day + own.int(1, 300) : day) * DAY_S + own.int(0, DAY_S / 2)),
    });
    const files = [file(path, fixed?.misnamed ? "misnamed" : null, format)];
    const every = ["exact", "jpeg", "webp", "resized50", "resized75", "lossless"];
    const ways = fixed?.ways ?? (own.chance(copies) ? own.shuffle(every) : []);
    for (const how of ways.slice(0, own.pick([1, 1, 2, 3]))) {
      const form = formatOfCopy(how, format, kind);
      if (form)
        files.push(file(claim(own.pick(folders), stem(index + own.int(0, 500)), extension(form)), how, form));
    }
    designs.push({ design: index, kind, words, files });
  }
  if (!trouble) return { designs, debris: [], broken: [], emptyFolders: [] };

  const later = randomFrom(seed, "trouble");
  const at = (path, how, fate) => ({ path, how, fate, mtimeMs: EPOCH_MS + 1000 * later.int(0, 600 * DAY_S) });
  const somewhere = (name) => {
    const [, stem, extension] = /^(.*)\.([^.]+)$/.exec(name);
    return claim(later.pick(folders), stem, extension);
  };
  const broken = [
    at(somewhere("Sommerfest 2020.jpg"), "truncated-jpeg", "quarantined"),
    at(somewhere("upload_abgebrochen.png"), "truncated-png", "quarantined"),
    at(somewhere("neu.png"), "empty", "quarantined"),
    at(somewhere("Notiz für Anna.png"), "text", "unsupported"),
    at(somewhere("restored-0001.webp"), "random", "unsupported"),
    at(somewhere("Logo_vektor.ai"), "document", "unsupported"),
    at(somewhere("Preisliste.pdf"), "document", "unsupported"),
  ];
  // Fine pictures that are not where designs belong; folders that are nested deeper belong to their template.
  const extra = (kind, index, path, fate = "outside") => {
    const file = { path, how: null, format: "png", fate, mtimeMs: EPOCH_MS + index * 1000 };
    designs.push({ design: count + index, kind, words: wordsFor(later), files: [file] });
  };
  extra("illustration", 0, "Logo alle Shops.png");
  extra("badge", 1, `${shops[0].shop}/banner.png`);
  extra("text", 2, `${folders[0]}/alt/2019/Entwurf.png`, "stored");
  const exact = { how: "exact", format: designs[0].files[0].format, fate: "stored", mtimeMs: EPOCH_MS };
  designs[0].files.push({ ...exact, path: `${folders[1]}/Für Etsy/Kopie.png` });

  const split = (path) => [path.slice(0, path.lastIndexOf("/")), path.slice(path.lastIndexOf("/") + 1)];
  const debris = [];
  for (const { design, files } of designs.slice(0, Math.max(6, Math.ceil(count / 20)))) {
    const [folder, name] = split(files[0].path);
    const thumbnail = (path) =>
      debris.push({ ...at(path, "thumbnail", "ignored"), design, of: files[0].path });
    thumbnail(`${folder}/@eaDir/${name}/SYNOPHOTO_THUMB_M.jpg`);
    thumbnail(`${folder}/.@__thumb/s100${name}`);
    debris.push(at(`${folder}/._${name}`, "apple-double", "ignored"));
  }
  for (const path of [".DS_Store", `${shops[0].shop}/.DS_Store`, `${folders[0]}/.DS_Store`]) {
    debris.push(at(path, "finder", "ignored"));
  }
  debris.push(at(`${folders[0]}/Thumbs.db`, "explorer", "ignored"));
  for (const bin of ["@Recycle", "#recycle", "@Recently-Snapshot/GMT+01_2021-02-01_0000"]) {
    const deleted = designs[debris.length % count];
    const path = `${bin}/${deleted.files[0].path}`;
    debris.push({ ...at(path, "deleted", "ignored"), design: deleted.design, of: deleted.files[0].path });
  }
  return { designs, debris, broken, emptyFolders: [`${shops[0].shop}/Neu – noch leer`] };
}

/** Nobody makes a JPEG of what is a JPEG already, or keeps a drawing without loss as anything but PNG. */
function formatOfCopy(how, format, kind) {
  if (how === "exact") return format;
  if (how === "webp") return format === "webp" ? null : "webp";
  if (how === "jpeg") return format === "jpeg" ? null : "jpeg";
  if (how === "lossless") return format === "png" || format === "psd" ? "png" : null;
  return kind === "photo" ? "jpeg" : "png";
}
