/**
 * Cross-reference sections (ISO 32000-2, 7.5.4 and 7.5.8): tables and streams, from the newest to the oldest, each with
 * its trailer and where it stands. Hybrid files, encryption and generations other than 0 are Odd.
 */

import { decoded } from "./inflate";
import { type Dict, Lexer, Name, Odd, type PdfObject, Ref, Stream, isArray, isDict } from "./syntax";

export type Entry =
  | { readonly kind: "free" }
  | { readonly kind: "plain"; readonly offset: number }
  | { readonly kind: "packed"; readonly container: number; readonly index: number };

export interface Section {
  readonly entries: ReadonlyMap<number, Entry>;
  readonly trailer: Dict;
  /** Where it begins, and where its `%%EOF` ends. */
  readonly start: number;
  readonly end: number;
  /** What the startxref behind it says. */
  readonly stated: number;
  /** The number of a cross-reference stream, null for a table. */
  readonly number: number | null;
}

const MOST_SECTIONS = 1000;
const MOST_ENTRIES = 1_000_000;
const TAIL = 1024;

/** Every section of the file, oldest first. Raises Odd. */
export async function sections(file: Uint8Array): Promise<Section[]> {
  const tail = String.fromCharCode(...file.subarray(Math.max(0, file.length - TAIL)));
  const stated = /startxref[\r\n ]{1,4}(\d{1,12})[\r\n ]{1,4}%%EOF[\r\n]*$/.exec(tail)?.[1];
  if (stated === undefined) throw new Odd("the end of the file");
  const found: Section[] = [];
  let size = Number.POSITIVE_INFINITY;
  const seen = new Set<number>();
  let budget = MOST_ENTRIES;
  for (let at: number | null = Number(stated); at !== null; ) {
    if (seen.has(at) || seen.size >= MOST_SECTIONS) throw new Odd("cross-reference sections in a circle");
    seen.add(at);
    const section: Section = await sectionAt(file, at);
    size = sizeOf(section, size);
    budget -= section.entries.size;
    if (budget < 0) throw new Odd("too many objects");
    found.unshift(section);
    at = previous(section.trailer);
  }
  return found;
}

/** The /Size of *section*, above every number that it lists and at most that of the newer section (7.5.5). */
function sizeOf(section: Section, newer: number): number {
  const size = section.trailer.get("Size");
  if (typeof size !== "number" || size <= (section.number ?? 0) || size > newer) throw new Odd("the size in a trailer");
  for (const number of section.entries.keys()) if (number >= size) throw new Odd("the size in a trailer");
  return size;
}

function previous(trailer: Dict): number | null {
  if (trailer.has("XRefStm") || trailer.has("Encrypt")) throw new Odd("an encrypted or hybrid file");
  const value = trailer.get("Prev");
  if (value === undefined) return null;
  if (typeof value !== "number" || value < 0) throw new Odd("the place of an older section");
  return value;
}

async function sectionAt(file: Uint8Array, at: number): Promise<Section> {
  const lexer = new Lexer(file, at);
  return lexer.sees("xref") ? table(file, at) : stream(file, at);
}

/** The `startxref N %%EOF` at the lexer's position: N and where it ends. */
function ending(lexer: Lexer): { stated: number; end: number } {
  lexer.skipSpaces();
  lexer.take("startxref");
  lexer.skipSpaces();
  const stated = lexer.count();
  lexer.skipSpaces();
  lexer.take("%%EOF");
  return { stated, end: lexer.at };
}

function table(file: Uint8Array, start: number): Section {
  const lexer = new Lexer(file, start);
  lexer.take("xref");
  const entries = new Map<number, Entry>();
  for (lexer.skipSpaces(); !lexer.sees("trailer"); lexer.skipSpaces()) {
    const first = lexer.count();
    lexer.take(" ");
    const count = lexer.count();
    if (first + count > MOST_ENTRIES) throw new Odd("too many objects");
    lexer.skipSpaces();
    for (let number = first; number < first + count; number++) note(entries, number, row(lexer));
  }
  lexer.take("trailer");
  const trailer = lexer.value();
  if (!isDict(trailer)) throw new Odd("a trailer that is none");
  return { entries, trailer, start, ...ending(lexer), number: null };
}

/** One row of a table: exactly 20 bytes (7.5.4). */
function row(lexer: Lexer): Entry {
  const text = String.fromCharCode(...lexer.bytes.subarray(lexer.at, lexer.at + 20));
  const match = /^(\d{10}) (\d{5}) ([nf])(?: \r| \n|\r\n)$/.exec(text);
  if (match === null) throw new Odd(`a row of a cross-reference table at byte ${lexer.at}`);
  lexer.at += 20;
  if (match[3] === "f") return { kind: "free" };
  if (match[2] !== "00000") throw new Odd("an object of another generation");
  return { kind: "plain", offset: Number(match[1]) };
}

function note(entries: Map<number, Entry>, number: number, entry: Entry): void {
  if (entries.has(number)) throw new Odd(`object ${number} is listed twice`);
  if (number === 0 && entry.kind !== "free") throw new Odd("object 0 is in use");
  entries.set(number, entry);
}

async function stream(file: Uint8Array, start: number): Promise<Section> {
  const lexer = new Lexer(file, start);
  const { number, object } = objectAt(lexer, () => null);
  if (!(object instanceof Stream)) throw new Odd("a cross-reference section is missing");
  const type = object.dict.get("Type");
  if (!(type instanceof Name) || type.value !== "XRef") throw new Odd("a cross-reference section is missing");
  const entries = rows(await decoded(object), object.dict);
  return { entries, trailer: object.dict, start, ...ending(lexer), number };
}

function rows(data: Uint8Array, dict: Dict): Map<number, Entry> {
  const widths = numbers(dict, "W");
  const size = dict.get("Size");
  const [one = -1, two = -1, three = -1] = widths;
  if (typeof size !== "number" || widths.length !== 3 || widths.some((each) => each < 0 || each > 8) || two < 1) throw new Odd("a cross-reference stream");
  const index = dict.has("Index") ? numbers(dict, "Index") : [0, size];
  const entries = new Map<number, Entry>();
  let at = 0;
  const field = (width: number): number => {
    const value = data.subarray(at, at + width).reduce((sum, octet) => sum * 256 + octet, 0);
    at += width;
    return value;
  };
  for (let pair = 0; pair < index.length; pair += 2) {
    const [first = 0, count = -1] = [index[pair], index[pair + 1]];
    if (count < 0 || at + count * (one + two + three) > data.length) throw new Odd("a cross-reference stream");
    for (let number = first; number < first + count; number++) {
      const [kind, second, third] = [one === 0 ? 1 : field(one), field(two), field(three)];
      note(entries, number, packedRow(kind, second, third));
    }
  }
  if (at !== data.length) throw new Odd("a cross-reference stream");
  return entries;
}

function packedRow(kind: number, second: number, third: number): Entry {
  if (kind === 0) return { kind: "free" };
  if (kind === 2) return { kind: "packed", container: second, index: third };
  if (kind !== 1 || third !== 0) throw new Odd("an object of another generation");
  return { kind: "plain", offset: second };
}

function numbers(dict: Dict, key: string): number[] {
  const value = dict.get(key);
  if (!isArray(value)) throw new Odd("a cross-reference stream");
  return value.map((each) => {
    if (typeof each !== "number" || each < 0) throw new Odd("a cross-reference stream");
    return each;
  });
}

/** The integer that a reference leads to, for lengths of streams; null where that is not known. */
export type LengthOf = (number: number) => number | null;

/**
 * The object at the lexer's position, `N 0 obj` to `endobj`. A stream's data end exactly where its length says.
 */
export function objectAt(lexer: Lexer, lengthOf: LengthOf): { number: number; object: PdfObject } {
  const at = lexer.at;
  const number = lexer.count();
  lexer.take(" 0 obj");
  const next = lexer.peek();
  if (number === 0 || (next >= 0x30 && next <= 0x39) || (next | 0x20) >= 0x61) throw new Odd(`the head of an object at byte ${at}`);
  const value = lexer.value();
  lexer.skipSpaces();
  if (!lexer.sees("stream")) {
    lexer.take("endobj");
    return { number, object: value };
  }
  if (!isDict(value)) throw new Odd(`a stream without a dictionary at byte ${at}`);
  lexer.take("stream");
  lexer.take(lexer.peek() === 0x0d ? "\r\n" : "\n");
  const stated = value.get("Length");
  const length = stated instanceof Ref ? lengthOf(stated.number) : stated;
  if (typeof length !== "number" || length < 0 || lexer.at + length > lexer.end) throw new Odd(`a stream's length at byte ${at}`);
  const raw = lexer.bytes.subarray(lexer.at, lexer.at + length);
  lexer.at += length;
  if (lexer.sees("\r\n")) lexer.at += 2;
  else if (lexer.sees("\n") || lexer.sees("\r")) lexer.at += 1;
  lexer.take("endstream");
  lexer.skipSpaces();
  lexer.take("endobj");
  return { number, object: new Stream(value, raw) };
}

