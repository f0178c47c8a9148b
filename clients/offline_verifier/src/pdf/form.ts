/**
 * The signatures of a file: those to which its form leads (ISO 32000-2, 12.7.4 and 12.8), and every `/ByteRange` in its
 * bytes, whoever refers to it.
 */

import { latin1 } from "../asn1";
import { TooLong } from "../limits";
import { type PdfFile, isNamed } from "./file";
import { type Dict, Name, Odd, PdfString, Ref, type Value, isArray, isDict, isRegular } from "./syntax";

const DEEPEST = 40;
const MOST_FIELDS = 100_000;
const MOST_SIGNATURES = 1000;
/** What a signature dictionary has (table 255), and nothing else: the same bytes may be nothing else. */
const SIGNATURE_KEYS = new Set([
  "Type", "Filter", "SubFilter", "Contents", "Cert", "ByteRange",
  "Reference", "Changes", "Name", "M", "Location", "Reason",
  "ContactInfo", "R", "V", "Prop_Build", "Prop_AuthTime", "Prop_AuthType",
]);

/** What FieldMDP locks (12.8.2.4). */
export interface FieldLock {
  readonly action: string;
  readonly fields: readonly string[];
}

/** `0 gapStart` and `gapEnd … end` are signed; the gap is one hexadecimal string. */
export interface ByteRange {
  readonly gapStart: number;
  readonly gapEnd: number;
  readonly end: number;
}

export interface FoundSignature {
  readonly field: string;
  readonly number: number;
  readonly documentTimestamp: boolean;
  readonly subfilter: string;
  /** Null where it is none, or the gap is not this signature's /Contents. */
  readonly range: ByteRange | null;
  readonly contents: Uint8Array | null;
  readonly revision: number;
  /** It covers its whole revision. */
  readonly complete: boolean;
  readonly claimed: Date | null;
  readonly permission: number | null;
  readonly lock: FieldLock | null;
}

/** Every signature to which the form leads, in the order of the form. Raises Odd. */
export function signatures(file: PdfFile): FoundSignature[] {
  const form = file.resolved(file.root().dict.get("AcroForm"));
  if (form === null) return [];
  if (!isDict(form)) throw new Odd("the form");
  const found: FoundSignature[] = [];
  const seen = new Set<number>();
  for (const { name, dict, kind, value } of fields(file, form)) {
    if (kind !== "Sig" || value === undefined) continue;
    if (!(value instanceof Ref) || seen.has(value.number)) throw new Odd("two fields of one signature");
    seen.add(value.number);
    if (seen.size > MOST_SIGNATURES) throw new Odd("too many signatures");
    found.push(signature(file, name, dict, value.number));
  }
  return found;
}

interface Field {
  readonly name: string;
  readonly dict: Dict;
  readonly kind: string;
  readonly value: Value | undefined;
}

function* fields(file: PdfFile, form: Dict): Generator<Field> {
  const top = file.resolved(form.get("Fields"));
  const seen = new Set<number>();
  if (!isArray(top)) throw new Odd("the list of fields");
  yield* below(top, "", "", undefined, 0);

  function* below(list: readonly Value[], above: string, kind: string, value: Value | undefined, depth: number): Generator<Field> {
    for (const each of list) {
      if (!(each instanceof Ref) || seen.has(each.number) || depth > DEEPEST || seen.size > MOST_FIELDS) throw new Odd("the tree of fields");
      seen.add(each.number);
      const dict = file.resolved(each);
      if (!isDict(dict)) throw new Odd("a field that is none");
      const partial = dict.get("T");
      const own = partial instanceof PdfString ? textOf(partial) : "";
      if (partial !== undefined && !(partial instanceof PdfString)) throw new Odd("a field's name");
      const name = [above, own].filter((part) => part !== "").join(".");
      const type = dict.get("FT");
      const inherited = type instanceof Name ? type.value : kind;
      const held = dict.get("V") ?? value;
      const kids = file.resolved(dict.get("Kids"));
      if (kids === null) {
        yield { name, dict, kind: inherited, value: held };
        continue;
      }
      if (!isArray(kids)) throw new Odd("a field's kids");
      if (inherited === "Sig" && held !== undefined) throw new Odd("a signature field in several parts");
      yield* below(kids, name, inherited, held, depth + 1);
    }
  }
}

function signature(file: PdfFile, field: string, dict: Dict, number: number): FoundSignature {
  const value = file.object(number);
  if (!isDict(value) || file.isPacked(number)) throw new Odd("a signature that is none");
  const odd = [...value.keys()].find((key) => !SIGNATURE_KEYS.has(key));
  if (odd !== undefined) throw new Odd(`the signature's ${odd.slice(0, 20)}`);
  if (![...file.holdersOf(number)].every((each) => mayHold(file, each, number))) throw new Odd("a signature that is also something else");
  const subfilter = value.get("SubFilter");
  const kind = subfilter instanceof Name ? subfilter.value : "";
  const range = rangeOf(value.get("ByteRange"), file.bytes.length);
  const revision = file.writtenIn(number);
  const contents = value.get("Contents");
  const fits =
    range !== null &&
    contents instanceof PdfString &&
    contents.hexadecimal &&
    contents.start === range.gapStart &&
    contents.end === range.gapEnd &&
    2 * contents.bytes.length + 2 === range.gapEnd - range.gapStart;
  return {
    field,
    number,
    documentTimestamp: isNamed(value, "Type", "DocTimeStamp") || kind === "ETSI.RFC3161",
    subfilter: kind,
    range,
    contents: fits ? contents.bytes : null,
    revision,
    complete: range !== null && isComplete(file, range, revision),
    claimed: dateOf(value.get("M")),
    permission: permissionOf(file, value, dict),
    lock: lockOf(file, value),
  };
}

/** Whether the object may refer to the signature: a field by its value, the catalogue or its permissions. */
function mayHold(file: PdfFile, holder: number, signature: number): boolean {
  if (holder === file.root().number) return true;
  const dict = file.object(holder);
  if (!isDict(dict)) return false;
  const keys = [...dict].filter(([, value]) => value instanceof Ref && value.number === signature).map(([key]) => key);
  return keys.length === 1 && (keys[0] === "V" ? dict.has("T") : keys[0] === "DocMDP");
}

function rangeOf(value: Value | undefined, size: number): ByteRange | null {
  if (!isArray(value) || value.length !== 4) return null;
  const [zero, gapStart, gapEnd, length] = value;
  if (zero !== 0 || typeof gapStart !== "number" || typeof gapEnd !== "number" || typeof length !== "number") return null;
  if (gapStart <= 0 || length <= 0 || gapStart >= gapEnd || gapEnd + length > size) return null;
  return { gapStart, gapEnd, end: gapEnd + length };
}

/** The signed bytes end where the revision ends, with or without an end of line, and the last one's where the file
 * does. */
function isComplete(file: PdfFile, range: ByteRange, revision: number): boolean {
  const own = file.revisions[revision];
  const next = file.revisions[revision + 1];
  if (own === undefined || range.end < own.end) return false;
  if (next === undefined) return range.end === file.bytes.length;
  return file.bytes.subarray(own.end, range.end).every((each) => each === 0x0d || each === 0x0a) && range.end - own.end <= 2;
}

function dateOf(value: Value | undefined): Date | null {
  if (!(value instanceof PdfString)) return null;
  const text = textOf(value);
  const match = /^D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:Z|([+-])(\d\d)'?(\d\d)?'?)?/.exec(text);
  if (match === null) return null;
  const [, year = "", month = "01", day = "01", hour = "00", minute = "00", second = "00", sign, hours = "00", minutes = "00"] = match;
  const zone = sign === undefined ? "Z" : `${sign}${hours}:${minutes}`;
  const found = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}${zone}`);
  return Number.isNaN(found.getTime()) ? null : found;
}

function* transforms(file: PdfFile, signature: Dict, method: string): Generator<Dict> {
  const references = file.resolved(signature.get("Reference"));
  if (references === null) return;
  if (!isArray(references)) throw new Odd("what a signature refers to");
  for (const each of references) {
    const reference = file.resolved(each);
    if (!isDict(reference)) throw new Odd("what a signature refers to");
    if (!isNamed(reference, "TransformMethod", method)) continue;
    const parameters = file.resolved(reference.get("TransformParams"));
    if (!isDict(parameters)) throw new Odd("what a signature refers to");
    yield parameters;
  }
}

/** DocMDP's P of a certification, or of a field lock (table 257 and 12.7.5.5); the strictest of several. */
function permissionOf(file: PdfFile, signature: Dict, field: Dict): number | null {
  const found: number[] = [];
  for (const parameters of transforms(file, signature, "DocMDP")) found.push(numberOf(parameters.get("P") ?? 2));
  const lock = file.resolved(field.get("Lock"));
  if (isDict(lock) && lock.has("P")) found.push(numberOf(lock.get("P") ?? 2));
  return found.length === 0 ? null : Math.min(...found);
}

function numberOf(value: Value): number {
  if (typeof value !== "number") throw new Odd("a permission");
  return value;
}

/** What the signature locks by FieldMDP, or null. */
export function lockOf(file: PdfFile, signature: Dict): FieldLock | null {
  for (const parameters of transforms(file, signature, "FieldMDP")) {
    const action = parameters.get("Action");
    const listed = file.resolved(parameters.get("Fields")) ?? [];
    if (!(action instanceof Name) || !isArray(listed)) throw new Odd("a lock");
    const names = listed.map((each) => {
      if (!(each instanceof PdfString)) throw new Odd("a lock");
      return textOf(each);
    });
    return { action: action.value, fields: names };
  }
  return null;
}

/** Whether the field *name*, or one above it, is locked. */
export function locks(lock: FieldLock, name: string): boolean {
  const parts = name.split(".");
  const listed = parts.some((_, index) => lock.fields.includes(parts.slice(0, index + 1).join(".")));
  if (lock.action === "Include") return listed;
  if (lock.action === "Exclude") return !listed;
  return true;
}

/** A text string (7.9.2.2); what PDFDocEncoding has beyond Latin-1 does not matter for comparing names. */
export function textOf(string: PdfString): string {
  const { bytes } = string;
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder("utf-16be").decode(bytes.subarray(2));
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return new TextDecoder().decode(bytes.subarray(3));
  return latin1(bytes);
}

/** A `/ByteRange` as it stands in the bytes; `range` null where it is not four plain numbers that could be one. */
export interface Written {
  readonly at: number;
  readonly range: ByteRange | null;
}

const LETTERS = Array.from("ByteRange", (each) => each.charCodeAt(0));
const NUMBERS = /^[\0\t\n\f\r ]*\[[\0\t\n\f\r ]*0+[\0\t\n\f\r ]+(\d{1,12})[\0\t\n\f\r ]+(\d{1,12})[\0\t\n\f\r ]+(\d{1,12})[\0\t\n\f\r ]*\]/;

/** Every name `/ByteRange` in *bytes*, however it is written and wherever it stands. Raises TooLong after *until*
 * (milliseconds). */
export function writtenRanges(bytes: Uint8Array, until: number): Written[] {
  const found: Written[] = [];
  let looked = 0;
  for (let at = bytes.indexOf(0x2f); at >= 0; at = bytes.indexOf(0x2f, at + 1)) {
    if (++looked % MOST_SIGNATURES === 0 && Date.now() > until) throw new TooLong();
    const end = nameEnd(bytes, at + 1);
    if (end === null) continue;
    const numbers = NUMBERS.exec(String.fromCharCode(...bytes.subarray(end, end + 300)));
    const stated = numbers === null ? undefined : [0, Number(numbers[1]), Number(numbers[2]), Number(numbers[3])];
    found.push({ at, range: rangeOf(stated, bytes.length) });
    if (found.length > MOST_SIGNATURES) throw new Odd("too many signatures");
  }
  return found;
}

/** Where the name ByteRange ends that begins at *at*, each letter itself or its escape (7.3.5); null for others. */
function nameEnd(bytes: Uint8Array, at: number): number | null {
  for (const letter of LETTERS) {
    if (bytes[at] === letter) at++;
    else if (bytes[at] !== 0x23 || digit(bytes[at + 1]) * 16 + digit(bytes[at + 2]) !== letter) return null;
    else at += 3;
  }
  const next = bytes[at];
  return next === undefined || isRegular(next) ? null : at;
}

function digit(code = -1): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  return (code >= 0x41 && code <= 0x46) || (code >= 0x61 && code <= 0x66) ? (code & 0x0f) + 9 : Number.NaN;
}

/** The bytes of one file that signatures cover, in one piece of memory: valid until the next call. */
export class Covered {
  private room: Uint8Array | null = null;

  constructor(private readonly bytes: Uint8Array) {}

  by(range: ByteRange): Uint8Array {
    this.room ??= new Uint8Array(this.bytes.length);
    this.room.set(this.bytes.subarray(0, range.gapStart));
    this.room.set(this.bytes.subarray(range.gapEnd, range.end), range.gapStart);
    return this.room.subarray(0, range.gapStart + range.end - range.gapEnd);
  }
}
