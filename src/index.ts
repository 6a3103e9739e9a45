/** The library: what people import from "godwit". */
export { GodwitError } from "./errors.ts";
export * from "./migration.ts";
