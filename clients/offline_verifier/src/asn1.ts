/**
 * Reading DER (X.690, 10): one form for each value, definite and shortest lengths. Everything else is Malformed, so
 * that nothing can hide between two forms of one value. Elements are views of the bytes they came in.
 */

export class Malformed extends Error {}

export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
export const OBJECT_IDENTIFIER = 0x06;
export const SEQUENCE = 0x30;
export const SET = 0x31;
const BOOLEAN = 0x01;
const ENUMERATED = 0x0a;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const CONSTRUCTED = 0x20;
const LONG_TAG = 0x1f;
const LONGEST_LENGTH = 4;
const LONGEST_INTEGER = 80;

/** One element: its identifier octet, all of its bytes, and its contents. */
export interface Element {
  readonly tag: number;
  readonly bytes: Uint8Array;
  readonly body: Uint8Array;
}

/** The element that *bytes* begin with. */
export function first(bytes: Uint8Array): Element {
  const tag = bytes[0];
  const short = bytes[1];
  if (tag === undefined || short === undefined || (tag & LONG_TAG) === LONG_TAG || tag === 0) throw new Malformed("tag");
  let start = 2;
  let length = short;
  if (short >= 0x80) {
    const octets = short & 0x7f;
    if (octets === 0 || octets > LONGEST_LENGTH || 2 + octets > bytes.length) throw new Malformed("length");
    start += octets;
    length = bytes.subarray(2, start).reduce((sum, octet) => sum * 256 + octet, 0);
    if (length < 0x80 || bytes[2] === 0) throw new Malformed("length");
  }
  if (start + length > bytes.length) throw new Malformed("cut off");
  return { tag, bytes: bytes.subarray(0, start + length), body: bytes.subarray(start, start + length) };
}

/** The one element that *bytes* are. */
export function whole(bytes: Uint8Array, tag?: number): Element {
  const element = first(bytes);
  if (element.bytes.length !== bytes.length) throw new Malformed("bytes after the element");
  return tag === undefined ? element : expect(element, tag);
}

/** *element* if it has *tag*. */
export function expect(element: Element, tag: number): Element {
  if (element.tag !== tag) throw new Malformed(`tag ${element.tag} instead of ${tag}`);
  return element;
}

/** The elements inside a constructed one. */
export function members(element: Element, tag?: number): Element[] {
  if (tag !== undefined) expect(element, tag);
  if ((element.tag & CONSTRUCTED) === 0) throw new Malformed("not constructed");
  const found: Element[] = [];
  for (let rest = element.body; rest.length > 0; ) {
    const member = first(rest);
    found.push(member);
    rest = rest.subarray(member.bytes.length);
  }
  return found;
}

/** The members of a SEQUENCE one by one; what is left over at `end` is Malformed. */
export class Fields {
  private readonly left: Element[];

  constructor(element: Element, tag: number = SEQUENCE) {
    this.left = members(element, tag);
  }

  /** The next member, which must be there, with *tag* where one is given. */
  next(tag?: number): Element {
    const found = this.left.shift();
    if (found === undefined) throw new Malformed("a member is missing");
    return tag === undefined ? found : expect(found, tag);
  }

  /** The next member if it has *tag*. */
  optional(tag: number): Element | undefined {
    return this.left[0]?.tag === tag ? this.left.shift() : undefined;
  }

  get empty(): boolean {
    return this.left.length === 0;
  }

  end(): void {
    if (!this.empty) throw new Malformed("a member too many");
  }
}

/** An OBJECT IDENTIFIER in dotted form. */
export function oid(element: Element): string {
  const body = expect(element, OBJECT_IDENTIFIER).body;
  const last = body[body.length - 1];
  if (last === undefined || last >= 0x80 || body.length > LONGEST_INTEGER) throw new Malformed("object identifier");
  const parts: bigint[] = [];
  let value = 0n;
  let fresh = true;
  for (const octet of body) {
    if (fresh && octet === 0x80) throw new Malformed("object identifier");
    value = (value << 7n) | BigInt(octet & 0x7f);
    fresh = octet < 0x80;
    if (fresh) {
      parts.push(value);
      value = 0n;
    }
  }
  const [top = 0n, ...rest] = parts;
  const arc = top < 80n ? top / 40n : 2n;
  return [arc, top - arc * 40n, ...rest].join(".");
}

/** An INTEGER (or ENUMERATED) of at most 80 octets. */
export function integer(element: Element, tag: number = INTEGER): bigint {
  const body = expect(element, tag).body;
  const [head, next] = body;
  if (head === undefined || body.length > LONGEST_INTEGER) throw new Malformed("integer");
  if (next !== undefined && ((head === 0 && next < 0x80) || (head === 0xff && next >= 0x80))) throw new Malformed("integer");
  const value = BigInt(`0x${hex(body)}`);
  return head >= 0x80 ? value - (1n << BigInt(8 * body.length)) : value;
}

export function enumerated(element: Element): bigint {
  return integer(element, ENUMERATED);
}

export function boolean(element: Element): boolean {
  const [value, more] = expect(element, BOOLEAN).body;
  if (more !== undefined || (value !== 0 && value !== 0xff)) throw new Malformed("boolean");
  return value === 0xff;
}

/** An optional BOOLEAN DEFAULT FALSE, which DER leaves out when false. */
export function flag(fields: Fields): boolean {
  const found = fields.optional(BOOLEAN);
  if (found !== undefined && !boolean(found)) throw new Malformed("a default that is written");
  return found !== undefined;
}

/** The octets of a BIT STRING without unused bits, which keys and signatures are. */
export function bits(element: Element): Uint8Array {
  const body = expect(element, BIT_STRING).body;
  if (body[0] !== 0) throw new Malformed("unused bits");
  return body.subarray(1);
}

/** The numbers of the bits that are set in a BIT STRING of names (RFC 5280, 4.2.1.3). */
export function namedBits(element: Element, tag: number = BIT_STRING): Set<number> {
  const body = expect(element, tag).body;
  const unused = body[0];
  if (unused === undefined || unused > 7 || (body.length === 1 && unused > 0)) throw new Malformed("bit string");
  const found = new Set<number>();
  for (let bit = 0; bit < 8 * (body.length - 1); bit++) {
    if (((body[1 + (bit >> 3)] ?? 0) >> (7 - (bit & 7))) & 1) found.add(bit);
  }
  return found;
}

/** A UTCTime or GeneralizedTime in UTC (RFC 5280, 4.1.2.5; fractions as RFC 3161, 2.4.2 allows). */
export function time(element: Element): Date {
  const text = latin1(element.body);
  const short = element.tag === UTC_TIME && /^\d{12}Z$/.test(text);
  const long = element.tag === GENERALIZED_TIME && /^\d{14}(\.\d{0,8}[1-9])?Z$/.test(text);
  if (!short && !long) throw new Malformed("time");
  const full = short ? (Number(text.slice(0, 2)) < 50 ? "20" : "19") + text : text;
  const [, year, month, day, hour, minute, second, fraction = ""] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d+))?Z$/.exec(full) ?? [];
  const stated = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const found = new Date(`${stated}.${fraction.slice(0, 3).padEnd(3, "0")}Z`);
  if (Number.isNaN(found.getTime()) || found.toISOString().slice(0, 19) !== stated) throw new Malformed("time");
  return found;
}

export function isTime(element: Element | undefined): boolean {
  return element?.tag === UTC_TIME || element?.tag === GENERALIZED_TIME;
}

/** A string of any of the common kinds. */
export function text(element: Element): string {
  switch (element.tag) {
    case 0x0c:
      return new TextDecoder("utf-8", { fatal: false }).decode(element.body);
    case 0x1e:
      return new TextDecoder("utf-16be").decode(element.body);
    case 0x12:
    case 0x13:
    case 0x14:
    case 0x16:
    case 0x1a:
      return latin1(element.body);
    default:
      throw new Malformed("string");
  }
}

/** An element with *tag* around *body*. */
export function element(tag: number, ...bodies: Uint8Array[]): Uint8Array {
  const length = bodies.reduce((sum, each) => sum + each.length, 0);
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest & 0xff);
  const header = length < 0x80 ? [tag, length] : [tag, 0x80 | octets.length, ...octets];
  return join([Uint8Array.from(header), ...bodies]);
}

export function join(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, each) => sum + each.length, 0));
  let at = 0;
  for (const each of parts) {
    joined.set(each, at);
    at += each.length;
  }
  return joined;
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, index) => octet === b[index]);
}

/** Below, at or above zero, as DER orders a SET OF (X.690, 11.6). */
export function compare(a: Uint8Array, b: Uint8Array): number {
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (octet) => octet.toString(16).padStart(2, "0")).join("");
}

export function latin1(bytes: Uint8Array): string {
  let made = "";
  for (let at = 0; at < bytes.length; at += 8192) made += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return made;
}
