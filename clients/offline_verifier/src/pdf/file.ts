/**
 * A PDF file as its revisions and their objects. The bytes of each revision are exactly its objects, its
 * cross-reference section and blanks: every object is listed where it stands, and nothing else is there. So programs
 * that follow the tables and programs that search the bytes find the same.
 */

import { TooLong } from "../limits";
import { decoded } from "./inflate";
import { type Entry, type Section, objectAt, sections } from "./sections";
import {
  type Dict,
  Lexer,
  Name,
  Odd,
  type PdfObject,
  Ref,
  Stream,
  type Value,
  hasKey,
  isDict,
  references,
} from "./syntax";

const MOST_COMMENT = 1024;
const SUSPICIOUS = /obj|xref|trailer|stream|%PDF-|%%EOF/;
/** Of one verification, beside a second for ten megabytes. */
export const MILLISECONDS = 10_000;
const BYTES_A_MILLISECOND = 10_000;
const LOOKS_AT_CLOCK = 256;
/** The holder of what trailers refer to, and cross-reference sections: streams in which objects are packed. */
export const TRAILER = -1;

/** What one revision says of one object; `object` undefined where it was freed, `packed` in an object stream. */
interface Version {
  readonly revision: number;
  readonly object: PdfObject | undefined;
  readonly packed: boolean;
}

export interface Revision {
  readonly number: number;
  readonly trailer: Dict;
  /** Where it begins and where its `%%EOF` ends, without ends of line. */
  readonly start: number;
  readonly end: number;
  readonly written: ReadonlySet<number>;
  readonly freed: ReadonlySet<number>;
}

export class PdfFile {
  readonly revisions: Revision[] = [];
  private readonly versions = new Map<number, Version[]>();
  /** By number: who refers to it, in any revision, and since which revision anybody does. */
  private readonly holders = new Map<number, Set<number>>();
  private readonly since = new Map<number, number>();
  /** Where the newest version of each object that is not packed stands. */
  readonly spans = new Map<number, readonly [start: number, end: number]>();
  private readonly until: number;
  private spent = 0;

  private constructor(readonly bytes: Uint8Array) {
    this.until = Date.now() + MILLISECONDS + bytes.length / BYTES_A_MILLISECOND;
  }

  /** Reads *bytes*. Raises Odd where programs could read them differently, or TooLong. */
  static async open(bytes: Uint8Array): Promise<PdfFile> {
    const header = String.fromCharCode(...bytes.subarray(0, 9));
    if (!/^%PDF-[12]\.\d[\r\n ]$/.test(header)) throw new Odd("the header");
    const file = new PdfFile(bytes);
    const parts = grouped(await sections(bytes));
    let start = 8;
    for (const [number, group] of parts.entries()) {
      await file.readRevision(number, group, start);
      start = file.revisions.at(-1)?.end ?? start;
    }
    const rest = new Lexer(bytes, start);
    rest.skipSpaces();
    if (!rest.done) throw new Odd("bytes after the last revision");
    return file;
  }

  /** The object as it is in *revision*; null where there is none (7.3.10). */
  object(number: number, revision = this.revisions.length - 1): PdfObject {
    return this.version(number, revision)?.object ?? null;
  }

  /** *value*, or what it refers to. */
  resolved(value: Value | undefined, revision = this.revisions.length - 1): PdfObject {
    const found = value instanceof Ref ? this.object(value.number, revision) : (value ?? null);
    if (found instanceof Ref) throw new Odd("a reference to a reference");
    return found;
  }

  /** The revision that wrote the object last, up to *revision*; -1 for none. */
  writtenIn(number: number, revision = this.revisions.length - 1): number {
    return this.version(number, revision)?.revision ?? -1;
  }

  isPacked(number: number): boolean {
    return this.version(number, this.revisions.length - 1)?.packed ?? false;
  }

  /** Whether any revision before *revision* had the object. */
  existedBefore(number: number, revision: number): boolean {
    return this.versions.get(number)?.some((each) => each.revision < revision) ?? false;
  }

  /** Whether anything in a revision before *revision* refers to the number. */
  referredToBefore(number: number, revision: number): boolean {
    return (this.since.get(number) ?? Number.POSITIVE_INFINITY) < revision;
  }

  /** The numbers of all objects that ever referred to it; TRAILER for trailers. */
  holdersOf(number: number): ReadonlySet<number> {
    return this.holders.get(number) ?? new Set();
  }

  /** The catalogue of a revision, and its number. */
  root(revision = this.revisions.length - 1): { number: number; dict: Dict } {
    const root = this.revisions[revision]?.trailer.get("Root");
    const dict = this.resolved(root, revision);
    if (!(root instanceof Ref) || !isDict(dict)) throw new Odd("the catalogue");
    return { number: root.number, dict };
  }

  /** Raises TooLong when the time is up; *now* where what comes next takes long. */
  spend(now = false): void {
    if (now) this.spent = LOOKS_AT_CLOCK - 1;
    if (++this.spent % LOOKS_AT_CLOCK === 0 && Date.now() > this.until) throw new TooLong();
  }

  private version(number: number, revision: number): Version | undefined {
    return this.versions.get(number)?.filter((each) => each.revision <= revision).at(-1);
  }

  private async readRevision(number: number, group: readonly Section[], start: number): Promise<void> {
    const entries = merged(group);
    const last = group.at(-1);
    const end = Math.max(...group.map((each) => each.end));
    if (last === undefined) throw new Odd("a revision without a section");
    const reading = new RevisionReading(this.bytes, entries, group, (each) => this.lengthOf(each, number));
    const objects = reading.objects(start, end, () => this.spend());
    for (const [each, span] of reading.spans) this.spans.set(each, span);
    const freed = new Set<number>();
    for (const [each, entry] of entries) if (entry.kind === "free" && each > 0) freed.add(each);
    this.note(TRAILER, last.trailer, number);
    for (const each of freed) this.add(each, { revision: number, object: undefined, packed: false });
    const own = new Set(group.map((each) => each.number));
    for (const [each, object] of objects) this.add(each, { revision: number, object, packed: false }, own.has(each));
    const containers = new Map<number, Map<number, number>>();
    for (const [each, entry] of entries) {
      if (entry.kind !== "packed") continue;
      const packed = containers.get(entry.container) ?? new Map<number, number>();
      containers.set(entry.container, packed.set(entry.index, each));
      this.hold(entry.container, TRAILER, number);
    }
    for (const [each, object] of objects) {
      if (!(object instanceof Stream) || !isNamed(object.dict, "Type", "ObjStm")) continue;
      const listed = containers.get(each);
      containers.delete(each);
      for (const [member, value] of await unpacked(object, listed)) {
        if (hasKey(value, "ByteRange")) throw new Odd("a signature in an object stream");
        this.add(member, { revision: number, object: value, packed: true });
      }
      this.spend(true);
    }
    if (containers.size > 0) throw new Odd("an object stream is missing");
    const written = new Set([...entries].filter(([, entry]) => entry.kind !== "free").map(([each]) => each));
    for (const each of objects.keys()) written.add(each);
    this.revisions.push({ number, trailer: last.trailer, start, end, written, freed });
  }

  /** Notes a version; what a cross-reference stream refers to is the trailer's. */
  private add(number: number, version: Version, isSection = false): void {
    const known = this.versions.get(number);
    if (known?.at(-1)?.revision === version.revision) throw new Odd(`object ${number} is there twice`);
    if (known === undefined) this.versions.set(number, [version]);
    else known.push(version);
    if (version.object !== undefined && !isSection) this.note(number, version.object, version.revision);
  }

  private note(holder: number, object: PdfObject, revision: number): void {
    for (const each of references(object)) this.hold(each, holder, revision);
  }

  private hold(number: number, holder: number, revision: number): void {
    const known = this.holders.get(number);
    if (known === undefined) this.holders.set(number, new Set([holder]));
    else known.add(holder);
    this.since.set(number, Math.min(revision, this.since.get(number) ?? revision));
  }

  /** The length that a stream of *revision* refers to, from an older revision. */
  private lengthOf(number: number, revision: number): number | null {
    const found = this.version(number, revision)?.object;
    return typeof found === "number" ? found : null;
  }
}

export function isNamed(dict: Dict, key: string, name: string): boolean {
  const value = dict.get(key);
  return value instanceof Name && value.value === name;
}

/** Sections by revision; the two first sections of a linearised file (annex F) are one revision. */
function grouped(found: readonly Section[]): Section[][] {
  const [oldest, second] = found;
  const linearised = oldest !== undefined && second !== undefined && second.start < oldest.start;
  const groups = linearised ? [[oldest, second], ...found.slice(2).map((each) => [each])] : found.map((each) => [each]);
  let end = 0;
  for (const [index, group] of groups.entries()) {
    const place = linearised && index === 0 ? second.start : group[0]?.start;
    const closing = group[0];
    if (closing === undefined || closing.stated !== place || closing.start < end) throw new Odd("the order of sections");
    end = closing.end;
  }
  return groups;
}

function merged(group: readonly Section[]): Map<number, Entry> {
  const entries = new Map<number, Entry>();
  for (const section of group) {
    for (const [number, entry] of section.entries) {
      if (entries.has(number) && number !== 0) throw new Odd(`object ${number} is listed twice`);
      entries.set(number, entry);
    }
  }
  return entries;
}

/** Reads the bytes of one revision from its beginning to its end. */
class RevisionReading {
  readonly spans = new Map<number, readonly [start: number, end: number]>();
  private readonly places = new Map<number, number>();
  private readonly sections: ReadonlyMap<number, Section>;
  private readonly lengths = new Map<number, number | null>();

  constructor(
    private readonly bytes: Uint8Array,
    private readonly entries: ReadonlyMap<number, Entry>,
    group: readonly Section[],
    private readonly older: (number: number) => number | null,
  ) {
    this.sections = new Map(group.map((each) => [each.start, each]));
    for (const [number, entry] of entries) {
      if (entry.kind !== "plain") continue;
      if (this.places.has(entry.offset)) throw new Odd("two objects at one place");
      this.places.set(entry.offset, number);
    }
  }

  objects(start: number, end: number, spend: () => void): Map<number, PdfObject> {
    const found = new Map<number, PdfObject>();
    const lexer = new Lexer(this.bytes, start, end);
    for (this.skip(lexer); !lexer.done; this.skip(lexer)) {
      spend();
      const section = this.sections.get(lexer.at);
      if (section?.number === null) {
        lexer.at = section.end;
        continue;
      }
      const at = lexer.at;
      const { number, object } = objectAt(lexer, (each) => this.lengthOf(each));
      const listed = this.places.get(at);
      if (section === undefined ? listed !== number : listed !== undefined && listed !== number) {
        throw new Odd(`object ${number} is not listed where it stands`);
      }
      if (found.has(number)) throw new Odd(`object ${number} is there twice`);
      this.places.delete(at);
      found.set(number, object);
      this.spans.set(number, [at, lexer.at]);
      if (section !== undefined) lexer.at = section.end;
    }
    if (this.places.size > 0) throw new Odd("an object is not where it is listed");
    return found;
  }

  /** Blanks, and comments that no program could take for anything else. */
  private skip(lexer: Lexer): void {
    for (lexer.skipSpaces(); lexer.peek() === 0x25; lexer.skipSpaces()) {
      const start = lexer.at;
      while (!lexer.done && lexer.peek() !== 0x0a && lexer.peek() !== 0x0d) lexer.at++;
      if (lexer.at - start > MOST_COMMENT) throw new Odd("a long comment");
      const text = String.fromCharCode(...this.bytes.subarray(start, lexer.at));
      if (SUSPICIOUS.test(text)) throw new Odd("a comment that looks like something else");
    }
  }

  /** The length of a stream that stands by itself, in this revision or an older one. */
  private lengthOf(number: number): number | null {
    const known = this.lengths.get(number);
    if (known !== undefined) return known;
    const entry = this.entries.get(number);
    if (entry === undefined) return this.older(number);
    if (entry.kind !== "plain") return null;
    const read = objectAt(new Lexer(this.bytes, entry.offset), () => null);
    const length = read.number === number && typeof read.object === "number" ? read.object : null;
    this.lengths.set(number, length);
    return length;
  }
}

/** The objects in an object stream (7.5.7): exactly those that are *listed*, by index. */
async function unpacked(stream: Stream, listed: ReadonlyMap<number, number> | undefined): Promise<Map<number, Value>> {
  const [count, first] = [stream.dict.get("N"), stream.dict.get("First")];
  if (typeof count !== "number" || typeof first !== "number" || stream.dict.has("Extends")) throw new Odd("an object stream");
  const data = await decoded(stream);
  if (count < 0 || first < 0 || first > data.length || count !== (listed?.size ?? 0)) throw new Odd("an object stream");
  const head = new Lexer(data, 0, first);
  const pairs = Array.from({ length: count }, () => {
    head.skipSpaces();
    const number = head.count();
    head.skipSpaces();
    return [number, first + head.count()] as const;
  });
  head.skipSpaces();
  if (!head.done) throw new Odd("an object stream");
  const found = new Map<number, Value>();
  for (const [index, [number, start]] of pairs.entries()) {
    const end = pairs[index + 1]?.[1] ?? data.length;
    if (listed?.get(index) !== number || end < start || found.has(number)) throw new Odd("an object stream");
    const lexer = new Lexer(data, start, end);
    found.set(number, lexer.value());
    lexer.skipSpaces();
    if (!lexer.done) throw new Odd("an object stream");
  }
  const before = new Lexer(data, first, pairs[0]?.[1] ?? data.length);
  before.skipSpaces();
  if (!before.done) throw new Odd("an object stream");
  return found;
}
