/** The one form that JSON has where it is hashed or signed: keys sorted by code point, no white space, no floats. */

import { encoded, same, utf8 } from "../octets";
import { require } from "./refusal";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

const NOT_IN_FORM = "A file of the package is not in the form that it must have.";

/** The value of canonical octets; raises Refused for any that {@link canonical} does not give back. */
export function decode(octets: Uint8Array): Json {
  const text = utf8(octets);
  require(text !== null && nested(text) <= 100, NOT_IN_FORM);
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    value = undefined as unknown as Json;
  }
  require(value !== undefined && same(encoded(canonical(value)), octets), NOT_IN_FORM);
  return value;
}

/** An object's fields; raises Refused for any other value. */
export function fields(value: Json | undefined): { readonly [name: string]: Json } {
  require(typeof value === "object" && value !== null && !Array.isArray(value), NOT_IN_FORM);
  return value as { readonly [name: string]: Json };
}

export function canonical(value: Json): string {
  if (typeof value === "number") {
    require(Number.isSafeInteger(value), NOT_IN_FORM);
    return String(value);
  }
  if (typeof value === "string") {
    require(!/\p{Surrogate}/u.test(value), NOT_IN_FORM);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const names = Object.keys(value).sort(byCodePoint);
    const object = value as { readonly [name: string]: Json };
    return `{${names.map((name) => `${canonical(name)}:${canonical(object[name] ?? null)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

/** As Python sorts texts: below zero where *one* comes first. */
export function byCodePoint(one: string, other: string): number {
  const [left, right] = [Array.from(one), Array.from(other)];
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    const difference = (left[at]?.codePointAt(0) ?? 0) - (right[at]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** How deep brackets go, those in texts counted too. */
function nested(text: string): number {
  let [depth, deepest] = [0, 0];
  for (const each of text) {
    if (each === "[" || each === "{") deepest = Math.max(deepest, (depth += 1));
    if (each === "]" || each === "}") depth -= 1;
  }
  return deepest;
}
