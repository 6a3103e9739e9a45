/** The contact sheet and the text for a terminal: the same information, and names that cannot do harm. */
import { expect, test } from "vitest";
import type { DuplicateFile, DuplicateGroup, Duplicates } from "./duplicates.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { renderSheet } from "./sheet.ts";
import { formatGroups } from "./text.ts";

const NAUGHTY = `<script>alert(1)</script>" onerror='x' & \u202egnp\u001b[31m.png`;
const COMMANDS = { sheet: "SHEET", next: "NEXT", again: "AGAIN", colours: "COLOURS" };
const NOTHING = {
  files: 10,
  exact: 0,
  same: 0,
  surplus: 0,
  exactCopies: 0,
  unsure: 0,
  review: 0,
  settled: 0,
  pending: 0,
  crowded: 0,
};

test("a name is text and nothing else", () => {
  const html = renderSheet({
    ...duplicatesOf([groupOf(1, [NAUGHTY, "b.png"])]),
    title: "<b>",
    thumbnails: new Map([[1, { mime: 'image/png"><script>', base64: "AAAA" }]]),
  });
  expect(html.match(/<script/g)).toHaveLength(1);
  expect(html).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
  expect(html).not.toMatch(/[^\P{Cc}\n]|\u202e|<b>(?!\d)|onerror='/u);
  expect(formatGroups(duplicatesOf([groupOf(1, [NAUGHTY, "b.png"])]), COMMANDS)).not.toMatch(
    /[^\P{Cc}\n]|\u202e/u,
  );
});

test("it is one file: nothing is fetched, and every element is closed", () => {
  const groups = Array.from({ length: 2000 }, (_, at) =>
    groupOf(at * 2 + 1, [`${at}.png`, `copy of ${at}.png`]),
  );
  const pair = { files: filesOf(9001, ["x.png", "y.png"]), distance: 6, distance256: 33, colours: 40 };
  const html = renderSheet({
    ...duplicatesOf(groups),
    review: [{ ...pair, files: [pair.files[0], pair.files[1]] as [DuplicateFile, DuplicateFile] }],
    thumbnails: new Map(groups.map(({ id }) => [id, { mime: "image/webp", base64: "UklGRg==" }])),
  });
  expect(html).not.toMatch(/(?:src|href)="(?!data:|#)|url\(|@import|https?:/);
  expect(html).toContain("default-src 'none'");
  expect(html.match(/<img /g)).toHaveLength(2000);
  expect(html.match(/<img loading="lazy"/g)).toHaveLength(2000);
  expect(unbalanced(html)).toEqual([]);
  const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const [, target] of html.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(target);
});

test("both say what to do, what is best and what is not shown", () => {
  const groups = [groupOf(12, ["a.png", "shop/b.png"])];
  const duplicates = {
    ...duplicatesOf(groups),
    counts: { ...NOTHING, exact: 1234, surplus: 2000, settled: 3, pending: 1 },
    page: { offset: 0, limit: 1, groups: 1234, pairs: 0 },
  };
  const text = formatGroups(duplicates, COMMANDS);
  expect(text).toBe(`Exact copies: 1,234 groups

  Group 12, 2 files
    * 12  3000 x 2000  png+alpha  1.5 MB  nas: a.png  (suggested)
      13  3000 x 2000  png+alpha  1.5 MB  nas: shop/b.png
    godwit duplicates --keep 12   or   godwit duplicates --distinct 12 13

10 files: 1,234 groups of exact copies, 0 of the same design (2,000 files to spare), 0 pairs for review.
3 groups are settled.
1 look waits to be compared: run AGAIN again.
showing 1 of 1,234 groups
Next: NEXT
To judge by looking: SHEET
`);
  const html = renderSheet({ ...duplicates, thumbnails: new Map() });
  for (const part of [
    "showing 1 of 1,234 groups",
    "godwit duplicates --keep 12<",
    "godwit duplicates --keep 13<",
    "godwit duplicates --distinct 12 13<",
    "3000 × 2000",
    "no thumbnail",
    'class="best"',
  ])
    expect(html).toContain(part);
});

test("nothing to decide is said, too", () => {
  const html = renderSheet({ ...duplicatesOf([]), thumbnails: new Map() });
  expect(html).toContain("Nothing to decide.");
  expect(unbalanced(html)).toEqual([]);
  expect(formatGroups(duplicatesOf([]), COMMANDS)).toBe("No duplicates to decide about among 10 files.\n");
});

function duplicatesOf(groups: readonly DuplicateGroup[]): Duplicates {
  return {
    groups,
    review: [],
    counts: { ...NOTHING, exact: groups.length },
    page: { offset: 0, limit: 5000, groups: groups.length, pairs: 0 },
    limits: DEFAULT_LIMITS,
  };
}

function groupOf(id: number, paths: readonly string[]): DuplicateGroup {
  return {
    id,
    kind: "exact",
    files: filesOf(id, paths),
    size: paths.length,
    exactCopies: paths.length - 1,
    unsure: [],
    truncated: false,
    settled: false,
  };
}

function filesOf(first: number, paths: readonly string[]): readonly DuplicateFile[] {
  return paths.map((path, at) => ({
    id: first + at,
    import: "nas",
    path,
    sizeBytes: 1_500_000,
    width: 3000,
    height: 2000,
    format: "png",
    hasAlpha: true,
    sha256: "00",
    kept: false,
    suggested: at === 0,
  }));
}

/** Elements that are opened and not closed, or the other way round. */
function unbalanced(html: string): readonly string[] {
  const body = html.replace(/<(script|style)>[\s\S]*?<\/\1>/g, "").replace(/<!doctype html>/, "");
  const open: string[] = [];
  const wrong: string[] = [];
  for (const [, slash, name = ""] of body.matchAll(/<(\/?)([a-z0-9]+)\b(?:"[^"]*"|[^">])*>/g)) {
    if (/^(meta|img|input)$/.test(name)) continue;
    if (slash === "") open.push(name);
    else if (open.pop() !== name) wrong.push(name);
  }
  return [...wrong, ...open];
}
