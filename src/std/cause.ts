/** Makes a thrown value safe to print, with everything attached to it. */
import { presentable, presentableData } from "./secret.ts";

/**
 * A copy of the same class, with its texts made presentable. The thrown value itself is not changed, because it is not
 * ours: the settings of a client that is still in use may be attached to it.
 */
export function presentableCause(thrown: unknown): unknown {
  try {
    return copyOf(thrown, 0);
  } catch {
    // It throws where it is looked at.
    return undefined;
  }
}

function copyOf(thrown: unknown, depth: number): unknown {
  if (typeof thrown === "string") return presentable(thrown);
  if (typeof thrown !== "object" || thrown === null) return thrown;
  if (!(thrown instanceof Error)) return plain(thrown);
  if (depth > DEEPEST) return undefined;
  const copy = Object.create(Object.getPrototypeOf(thrown)) as object;
  for (const key of Object.getOwnPropertyNames(thrown)) {
    const value = shown(key, Reflect.get(thrown, key), depth);
    if (value === undefined) continue;
    const enumerable = Object.prototype.propertyIsEnumerable.call(thrown, key);
    Object.defineProperty(copy, key, { value, enumerable, writable: true, configurable: true });
  }
  return copy;
}

const DEEPEST = 8;

function shown(key: string, value: unknown, depth: number): unknown {
  if (key === "cause") return copyOf(value, depth + 1);
  if (key === "errors" && Array.isArray(value)) return value.map((one) => copyOf(one, depth + 1));
  return value instanceof Error ? copyOf(value, depth + 1) : plain(value);
}

/** Objects that are not plain data are left out, because their content is unknown. */
function plain(value: unknown): unknown {
  if (typeof value === "function") return undefined;
  if (typeof value !== "object" || value === null) return presentableData(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === Object.prototype || prototype === null || Array.isArray(value);
  return isPlain ? presentableData(value) : undefined;
}
