/**
 * From the server's text to what a migration is handed: nothing is lost on the way. A type becomes a JavaScript
 * value of its own only where that value is exact; everything else stays the text that the server wrote, and that
 * it reads again. Which of the two depends on the type alone, never on the data.
 */
import { parseArray } from "./arrays.ts";

type Row = Readonly<Record<string, unknown>>;

export interface RawField {
  readonly name: string;
  /** The type's number in `pg_type`. */
  readonly typeId: number;
}

/** An answer as it came over the wire: can be cloned, and read anywhere. */
export interface RawResult {
  readonly fields: readonly RawField[];
  readonly rows: readonly (readonly (string | null)[])[];
  readonly rowCount: number | null;
  readonly command: string;
}

/** The rows as objects. A column of any name is one of their own properties. */
export function readRows({ fields, rows }: Pick<RawResult, "fields" | "rows">): Row[] {
  const readers = fields.map(({ typeId }) => readerOf(typeId));
  return rows.map((row) =>
    Object.fromEntries(
      fields.map(({ name }, index) => {
        const text = row[index] ?? null;
        return [name, text === null ? null : (readers[index] as Reader)(text)];
      }),
    ),
  );
}

/** Whether any column holds numbers whose text depends on `extra_float_digits`. */
export function hasFloats({ fields }: Pick<RawResult, "fields">): boolean {
  return fields.some(({ typeId }) => FLOATS.has(ELEMENTS.get(typeId) ?? typeId));
}

const FLOATS: ReadonlySet<number> = new Set([700, 701]);

type Reader = (text: string) => unknown;

function readerOf(typeId: number): Reader {
  const scalar = SCALARS.get(typeId);
  if (scalar !== undefined) return scalar;
  const element = ELEMENTS.get(typeId);
  if (element === undefined) return (text) => text;
  const read = SCALARS.get(element) ?? ((text: string) => text);
  return (text) => parseArray(text, read);
}

const SCALARS: ReadonlyMap<number, Reader> = new Map<number, Reader>([
  [16, (text) => text === "t"],
  [17, readBytes],
  // int2, int4, oid, float4, float8; the server writes as many digits as tell the number from every other.
  ...[21, 23, 26, 700, 701].map((id): [number, Reader] => [id, Number]),
]);

/** Hexadecimal, or what `bytea_output = escape` writes. */
function readBytes(text: string): Uint8Array {
  if (text.startsWith("\\x")) return Buffer.from(text.slice(2), "hex");
  const bytes = text.replace(/\\(?:\\|([0-7]{3}))/g, (_, octal?: string) =>
    octal === undefined ? "\\" : String.fromCharCode(Number.parseInt(octal, 8)),
  );
  return Buffer.from(bytes, "latin1");
}

/** Array types of PostgreSQL itself, with the type of their elements. That of `box` separates with `;`. */
export const ELEMENTS: ReadonlyMap<number, number> = new Map([
  ...pairs(
    "1000:16 1001:17 1002:18 1003:19 1016:20 1005:21 1007:23 1008:24 1009:25 1028:26 1010:27 1011:28 1012:29",
  ),
  ...pairs(
    "143:142 199:114 1017:600 1018:601 1019:602 1027:604 629:628 651:650 719:718 791:790 1021:700 1022:701",
  ),
  ...pairs("1040:829 1041:869 775:774 1014:1042 1015:1043 1182:1082 1183:1083 1115:1114 1185:1184 1187:1186"),
  ...pairs(
    "1270:1266 1561:1560 1563:1562 1231:1700 2201:1790 2951:2950 3221:3220 3643:3614 3645:3615 3807:3802",
  ),
  ...pairs(
    "3905:3904 3907:3906 3909:3908 3911:3910 3913:3912 3927:3926 4073:4072 2949:2970 6150:4451 6151:4532",
  ),
  ...pairs("6152:4533 6153:4534 6155:4535 6157:4536"),
]);

function pairs(list: string): readonly (readonly [number, number])[] {
  return list.split(" ").map((pair) => {
    const [array = 0, element = 0] = pair.split(":").map(Number);
    return [array, element] as const;
  });
}
