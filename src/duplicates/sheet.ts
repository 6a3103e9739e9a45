/**
 * The contact sheet: one HTML file with everything in it, because people judge pictures by looking. Reading it needs
 * no network and no script. A few lines of script copy a command and filter by name. Every text from outside is
 * escaped. Of thumbnails only base64 data of a picture type is used.
 */

import { whole } from "../std/number.ts";
import type { DuplicateFile, DuplicateGroup, Duplicates, GroupKind, ReviewPair } from "./duplicates.ts";
import { SHEET_SCRIPT, SHEET_STYLE } from "./sheet-style.ts";
import {
  bytes,
  copiesOf,
  count,
  differenceOf,
  distinctCommand,
  KIND_TITLES,
  keepCommand,
  keepOfPairCommand,
  showing,
  targetFlag,
} from "./words.ts";

export interface Thumbnail {
  readonly mime: string;
  readonly base64: string;
}

export interface SheetInput extends Duplicates {
  /** Thumbnails by the id of the file. A file without one gets a blank. */
  readonly thumbnails: ReadonlyMap<number, Thumbnail>;
  /** Of several configured targets, the one that the commands are about. */
  readonly target?: string | undefined;
  /** Default: "Duplicates". */
  readonly title?: string | undefined;
  /** When the sheet was made, as text for people. Default: left out. */
  readonly madeAt?: string | undefined;
}

export function renderSheet(input: SheetInput): string {
  const { counts, groups, review } = input;
  const title = input.title ?? "Duplicates";
  const kinds = (["exact", "same"] as const).filter((kind) => groups.some((group) => group.kind === kind));
  const tabs = [
    ...kinds.map((kind) => tab(kind, KIND_TITLES[kind], counts[kind])),
    ...(review.length > 0 ? [tab("review", KIND_TITLES.review, counts.review)] : []),
  ];
  const notes = [
    ...showing(input),
    ...(counts.settled > 0 ? [`${count(counts.settled, "settled group")} not shown`] : []),
    ...(counts.pending > 0 ? [`${count(counts.pending, "look waits", "looks wait")} to be compared`] : []),
    ...(counts.crowded > 0 ? [`${count(counts.crowded, "crowded look")}: only the nearest are known`] : []),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${escaped(title)}</title>
<style>${SHEET_STYLE}</style>
</head>
<body>
<header>
<div class="top"><h1>${escaped(title)}</h1><p class="figures">${figures(input)}</p></div>
<nav>${tabs.join("")}<input id="filter" type="search" placeholder="Filter by name or id  ( / )" aria-label="Filter" hidden></nav>
</header>
<main>
${notes.length > 0 ? `<p class="notes">${notes.map(escaped).join(" · ")}</p>` : ""}
${kinds.map((kind) => section(kind, input)).join("\n")}
${review.length > 0 ? reviewSection(input) : ""}
${groups.length + review.length === 0 ? `<p class="empty"><strong>Nothing to decide.</strong> No duplicates are open among ${count(counts.files, "file")}.</p>` : ""}
</main>
<script>${SHEET_SCRIPT}</script>
</body>
</html>
`;
}

function figures({ counts, madeAt }: SheetInput): string {
  const parts = [
    count(counts.files, "file"),
    `${count(counts.exact + counts.same, "group")} open`,
    `${count(counts.surplus, "file")} to spare`,
    ...(madeAt === undefined ? [] : [madeAt]),
  ];
  return parts.map(escaped).join(" · ");
}

function tab(id: string, title: string, number: number): string {
  return `<a href="#${id}">${title} <b>${whole(number)}</b></a>`;
}

const EXPLAINED: Readonly<Record<GroupKind, string>> = {
  exact: "The same bytes under several names.",
  same: "The same picture, saved another way: resized, re-encoded, or on another ground.",
};

function section(kind: GroupKind, input: SheetInput): string {
  const groups = input.groups.filter((group) => group.kind === kind);
  return `<section id="${kind}">
<h2>${KIND_TITLES[kind]} <b>${whole(input.counts[kind])}</b></h2><p class="lead">${EXPLAINED[kind]}</p>
${groups.map((group) => groupOf(group, input)).join("\n")}
</section>`;
}

function groupOf(group: DuplicateGroup, input: SheetInput): string {
  const more = group.size - group.files.length;
  const aside =
    more === 0 ? "" : `, ${whole(more)} more ${group.truncated ? "not shown" : "already decided"}`;
  return `<article id="group-${group.id}">
<h3><a href="#group-${group.id}">Group ${group.id}</a> <span>${count(group.size, "file")}${copiesOf(group)}${aside}</span></h3>
<div class="files">${group.files.map((file) => figureOf(file, input)).join("")}</div>
${group.unsure.length === 0 ? "" : `<p class="lead">Colours not compared: ${group.unsure.join(" ")}. They stay open unless they are named.</p>\n`}<footer>${group.settled ? "<span>settled</span>" : `${command("Keep the best", keepCommand(group, input.target))}${command("All different", distinctCommand(group.files, input.target))}`}</footer>
</article>`;
}

function reviewSection(input: SheetInput): string {
  return `<section id="review">
<h2>${KIND_TITLES.review} <b>${whole(input.counts.review)}</b></h2><p class="lead">Alike, but not enough to be sure. Please look.</p>
<div class="pairs">${input.review.map((pair) => pairOf(pair, input)).join("\n")}</div>
</section>`;
}

function pairOf(pair: ReviewPair, input: SheetInput): string {
  const [one, another] = pair.files;
  const id = `pair-${one.id}-${another.id}`;
  return `<article id="${id}">
<h3><a href="#${id}">${one.id} and ${another.id}</a> <span>${differenceOf(pair)}</span></h3>
<div class="files">${pair.files.map((file) => figureOf(file, input, false)).join("")}</div>
<footer>${command("Copies", keepOfPairCommand(pair, input.target))}${command("Different", distinctCommand(pair.files, input.target))}</footer>
</article>`;
}

function figureOf(file: DuplicateFile, { thumbnails, target }: SheetInput, inGroup = true): string {
  const slash = file.path.lastIndexOf("/") + 1;
  const marks = [
    ...(file.kept ? ['<em class="kept">kept</em>'] : []),
    ...(file.suggested ? ['<em class="best">suggested</em>'] : []),
  ].join("");
  const facts = [
    `${file.width} × ${file.height}`,
    `${file.format}${file.hasAlpha ? " with alpha" : ""}`,
    bytes(file.sizeBytes),
  ];
  return `<figure${file.suggested ? ' class="suggested"' : ""}>
<div class="picture">${pictureOf(file, thumbnails.get(file.id))}${marks}</div>
<figcaption><strong title="${escaped(file.path)}">${escaped(file.path.slice(slash))}</strong>
<span class="path">${escaped(`${file.import}: ${file.path.slice(0, slash)}`)}</span>
<span>${facts.map(escaped).join(" · ")}</span>
${inGroup && !file.kept ? command(`#${file.id}`, `godwit duplicates --keep ${file.id}${targetFlag(target)}`) : `<span class="id">#${file.id}</span>`}</figcaption>
</figure>`;
}

function pictureOf(file: DuplicateFile, thumbnail: Thumbnail | undefined): string {
  if (
    thumbnail === undefined ||
    !/^image\/[a-z0-9.+-]+$/i.test(thumbnail.mime) ||
    !/^[A-Za-z0-9+/]+=*$/.test(thumbnail.base64)
  )
    return '<span class="blank">no thumbnail</span>';
  return `<img loading="lazy" decoding="async" alt="${escaped(file.path)}" src="data:${thumbnail.mime};base64,${thumbnail.base64}">`;
}

/** Text that can be selected. With script, a click copies it. */
function command(label: string, text: string): string {
  return `<span class="command"><i>${escaped(label)}</i><code>${escaped(text)}</code></span>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Escapes HTML. Control characters and characters that change the direction of text become a replacement character. */
function escaped(text: string): string {
  return text
    .replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, "\ufffd")
    .replace(/\p{Cs}/gu, "\ufffd")
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}
