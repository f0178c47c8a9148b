/** Octets and what people write for them: hex, base64 in its one form, UTF-8; and SHA-256. */

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Lower-case hex. */
export function hex(octets: Uint8Array): string {
  return Array.from(octets, (each) => each.toString(16).padStart(2, "0")).join("");
}

/** The octets of standard base64 with padding, in its one form; null for any other text. */
export function fromBase64(text: string): Uint8Array | null {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null;
  const octets = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  return toBase64(octets) === text ? octets : null;
}

export function toBase64(octets: Uint8Array): string {
  return btoa(Array.from(octets, (each) => String.fromCharCode(each)).join(""));
}

/** The text in *octets*; null where they are not UTF-8. */
export function utf8(octets: Uint8Array): string | null {
  try {
    return UTF8.decode(octets);
  } catch {
    return null;
  }
}

export function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function same(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at += 1) if (one[at] !== other[at]) return false;
  return true;
}

export function startsWith(octets: Uint8Array, head: Uint8Array): boolean {
  return octets.length >= head.length && same(octets.subarray(0, head.length), head);
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, each) => size + each.length, 0));
  let at = 0;
  for (const each of parts) {
    whole.set(each, at);
    at += each.length;
  }
  return whole;
}

/** Where *wanted* first stands in *octets* from *start* on; -1 for nowhere. */
export function indexOf(octets: Uint8Array, wanted: Uint8Array, start = 0): number {
  const first = wanted[0] ?? 0;
  for (let at = octets.indexOf(first, start); at !== -1; at = octets.indexOf(first, at + 1)) {
    if (at + wanted.length > octets.length) return -1;
    if (startsWith(octets.subarray(at), wanted)) return at;
  }
  return -1;
}

/** How often *wanted* stands in *octets*. */
export function count(octets: Uint8Array, wanted: Uint8Array): number {
  let found = 0;
  for (let at = indexOf(octets, wanted); at !== -1; at = indexOf(octets, wanted, at + 1)) found += 1;
  return found;
}

export async function sha256(octets: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", octets as Uint8Array<ArrayBuffer>));
}

/** SHA-256 in hex. */
export async function digestOf(octets: Uint8Array): Promise<string> {
  return hex(await sha256(octets));
}
