/**
 * What an SVG may not contain. Drawing fetches nothing from outside the file. An SVG that needs other files is
 * refused: drawn without them it would look like pictures that it does not resemble. Entities that expand to
 * other entities, or many times to long texts, are a known way to fill memory.
 */
import { broken, unsupported } from "./refusal.ts";

const MAX_BYTES = 64 * 2 ** 20;
const MAX_EXPANDED = 4 * 2 ** 20;

/** Throws `ImportFailed`: `IMAGE_UNSUPPORTED`, `IMAGE_BROKEN`. */
export function checkSvg(bytes: Buffer): void {
  if (bytes.length > MAX_BYTES)
    throw unsupported(`an SVG of ${Math.round(bytes.length / 2 ** 20)} MB`, "Export it as PNG.");
  const text = bytes.toString(isWide(bytes) ? "utf16le" : "utf8");
  checkEntities(text);
  const outside = outsideOf(text);
  if (outside !== undefined)
    throw unsupported(
      `an SVG that needs another file (${outside.length > 80 ? `${outside.slice(0, 79)}…` : outside})`,
      "Embed what it refers to, or export it as PNG.",
    );
}

function isWide(bytes: Buffer): boolean {
  if (bytes[0] === 0xfe && bytes[1] === 0xff)
    throw unsupported("an SVG in UTF-16, big end first", "Save it as UTF-8.");
  return bytes[0] === 0xff && bytes[1] === 0xfe;
}

function checkEntities(text: string): void {
  let expanded = 0;
  for (const [, isParameter, name = "", rest = ""] of text.matchAll(
    /<!ENTITY\s+(%\s+)?([^\s"'>]+)\s+((?:[^\s"'>]+\s*)?(?:"[^"]*"|'[^']*'))/g,
  )) {
    if (isParameter || !/^["']/.test(rest))
      throw unsupported("an SVG with entities from elsewhere", "Export it again, without a DOCTYPE.");
    if (/[&%]/.test(rest)) throw broken("svg", "has entities made of entities");
    expanded += (text.split(`&${name};`).length - 1) * rest.length;
    if (expanded > MAX_EXPANDED) throw broken("svg", "grows beyond all bounds by its entities");
  }
}

/** The first reference that leads outside the document. A link to click on (`a`) does not count. */
function outsideOf(text: string): string | undefined {
  for (const [, element, attributes = ""] of text.matchAll(/<([\w:-]+)(\s[^<>]*)>/g)) {
    if (/(^|:)(a|script|metadata|title|desc)$/.test(element ?? "")) continue;
    const reference = /\s(?:xlink:)?href\s*=\s*(?:"([^"]*)"|'([^']*)')/.exec(attributes);
    const target = (reference?.[1] ?? reference?.[2] ?? "").trim();
    // Elements that are not drawn (licences, RDF) may refer to anything.
    if (target !== "" && !/^(#|data:)/i.test(target) && DRAWN.test(element ?? "")) return target;
  }
  const styled = /\burl\(\s*["']?\s*(?!["']?(?:#|data:|&quot;\s*(?:#|data:)))([^\s"')]+)/i.exec(text)?.[1];
  return (
    styled ??
    /@import\s+(?:url\()?["']?([^"');]+)/i.exec(text)?.[1] ??
    /<\?xml-stylesheet\s[^>]*?href\s*=\s*["']([^"']*)/i.exec(text)?.[1]
  );
}

const DRAWN =
  /(^|:)(image|use|feImage|pattern|linearGradient|radialGradient|textPath|tref|filter|mpath|cursor|font-face-uri)$/;
