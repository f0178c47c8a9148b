/**
 * The objects of PDF (ISO 32000-2, 7.3), read so that there is one reading: whatever programs could take differently
 * (comments inside objects, a key twice, numbers and names in odd forms) is Odd, never guessed.
 */

/** The file is not built as plainly as this reader needs; `message` says where. */
export class Odd extends Error {}

export class Name {
  constructor(readonly value: string) {}
}

export class Real {
  constructor(readonly value: number) {}
}

/** An indirect reference; the generation is always 0. */
export class Ref {
  constructor(readonly number: number) {}
}

/** A string; `start` and `end` are where it stands, delimiters included. */
export class PdfString {
  constructor(
    readonly bytes: Uint8Array,
    readonly hexadecimal: boolean,
    readonly start: number,
    readonly end: number,
  ) {}
}

export type Dict = ReadonlyMap<string, Value>;
export type Value = null | boolean | number | Real | Name | Ref | PdfString | readonly Value[] | Dict;

/** A stream: its dictionary and where its raw bytes lie. */
export class Stream {
  constructor(
    readonly dict: Dict,
    readonly raw: Uint8Array,
  ) {}
}

export type PdfObject = Value | Stream;

const DEEPEST = 60;
const LONGEST_WORD = 256;
const LONGEST_STRING = 16 * 1024 * 1024;
const SPACES = new Set([0x00, 0x09, 0x0a, 0x0c, 0x0d, 0x20]);
const DELIMITERS = new Set(Array.from("()<>[]{}/%", (each) => each.charCodeAt(0)));
/** By byte: 1 where it is part of a word. */
const REGULAR = Uint8Array.from({ length: 256 }, (_, code) => Number(!SPACES.has(code) && !DELIMITERS.has(code)));
const INTEGER = /^[+-]?\d{1,12}$/;
const REAL = /^[+-]?(\d{1,20}\.\d{0,20}|\.\d{1,20})$/;

export function isDict(value: PdfObject | undefined): value is Dict {
  return value instanceof Map;
}

export function isArray(value: PdfObject | undefined): value is readonly Value[] {
  return Array.isArray(value);
}

/** Reads tokens and objects of *bytes* from `at` on. */
export class Lexer {
  constructor(
    readonly bytes: Uint8Array,
    public at: number,
    readonly end: number = bytes.length,
  ) {}

  /** Blanks, and comments of plain words, which no program takes for anything else. */
  skipSpaces(): void {
    for (;;) {
      this.skipBlanks();
      if (this.peek() !== 0x25 || this.sees("%%EOF")) return;
      const start = this.at;
      while (!this.done && this.peek() !== 0x0a && this.peek() !== 0x0d) this.at++;
      if (!isPlainComment(this.bytes.subarray(start + 1, this.at))) {
        this.at = start;
        return;
      }
    }
  }

  private skipBlanks(): void {
    while (this.at < this.end && SPACES.has(this.bytes[this.at] ?? -1)) this.at++;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  peek(offset = 0): number {
    return this.at + offset < this.end ? (this.bytes[this.at + offset] ?? -1) : -1;
  }

  /** Whether *text* comes next; it is not taken. */
  sees(text: string): boolean {
    for (let index = 0; index < text.length; index++) {
      if (this.peek(index) !== text.charCodeAt(index)) return false;
    }
    return true;
  }

  /** Takes *text*, which must come next. */
  take(text: string): void {
    if (!this.sees(text)) throw new Odd(`"${text}" is missing at byte ${this.at}`);
    this.at += text.length;
  }

  /** The regular characters that come next. */
  word(): string {
    const start = this.at;
    while (this.at < this.end && this.at - start <= LONGEST_WORD && isRegular(this.peek())) this.at++;
    if (this.at - start > LONGEST_WORD) throw new Odd(`a word too long at byte ${start}`);
    return String.fromCharCode(...this.bytes.subarray(start, this.at));
  }

  /** An integer without sign or leading zeros. */
  count(): number {
    const word = this.word();
    if (!/^(0|[1-9]\d{0,11})$/.test(word)) throw new Odd(`a number in an odd form at byte ${this.at}`);
    return Number(word);
  }

  /** The value that comes next after spaces. */
  value(depth = 0): Value {
    if (depth > DEEPEST) throw new Odd("values are nested too deeply");
    this.skipSpaces();
    switch (this.peek()) {
      case 0x2f:
        return this.name();
      case 0x28:
        return this.literal();
      case 0x5b:
        return this.array(depth);
      case 0x3c:
        return this.peek(1) === 0x3c ? this.dict(depth) : this.hexadecimal();
      default:
        return this.simple();
    }
  }

  private simple(): Value {
    const start = this.at;
    const word = this.word();
    if (word === "true" || word === "false") return word === "true";
    if (word === "null") return null;
    if (INTEGER.test(word)) return this.reference(word) ?? Number(word);
    if (REAL.test(word)) return new Real(Number(word));
    throw new Odd(`something that is no value at byte ${start}`);
  }

  /** The reference that begins with the number *word*, or null; nothing else is taken. */
  private reference(word: string): Ref | null {
    const start = this.at;
    this.skipBlanks();
    const generation = this.peek() >= 0x30 && this.peek() <= 0x39 ? this.word() : "";
    if (/^\d+$/.test(generation)) {
      this.skipBlanks();
      if (this.peek() === 0x52 && !isRegular(this.peek(1))) {
        if (generation !== "0" || !/^[1-9]\d{0,9}$/.test(word)) throw new Odd(`a reference in an odd form at byte ${start}`);
        this.at++;
        return new Ref(Number(word));
      }
    }
    this.at = start;
    return null;
  }

  private name(): Name {
    const start = this.at++;
    let made = "";
    while (isRegular(this.peek())) {
      let code = this.peek();
      if (code === 0x23) {
        code = Number.parseInt(String.fromCharCode(this.peek(1), this.peek(2)), 16);
        const digits = isHex(this.peek(1)) && isHex(this.peek(2));
        const needless = /[A-Za-z0-9]/.test(String.fromCharCode(code));
        if (!digits || code === 0 || needless) throw new Odd(`a name in an odd form at byte ${start}`);
        this.at += 2;
      }
      made += String.fromCharCode(code);
      this.at++;
      if (made.length > LONGEST_WORD) throw new Odd(`a name too long at byte ${start}`);
    }
    return new Name(made);
  }

  private array(depth: number): Value[] {
    this.at++;
    const found: Value[] = [];
    for (this.skipSpaces(); this.peek() !== 0x5d; this.skipSpaces()) {
      if (this.done) throw new Odd("an array without end");
      found.push(this.value(depth + 1));
    }
    this.at++;
    return found;
  }

  private dict(depth: number): Dict {
    this.at += 2;
    const found = new Map<string, Value>();
    for (this.skipSpaces(); !this.sees(">>"); this.skipSpaces()) {
      if (this.peek() !== 0x2f) throw new Odd(`a key is missing at byte ${this.at}`);
      const key = this.name().value;
      if (found.has(key)) throw new Odd(`the key ${key} is there twice at byte ${this.at}`);
      found.set(key, this.value(depth + 1));
    }
    this.at += 2;
    return found;
  }

  private hexadecimal(): PdfString {
    const start = this.at++;
    const closing = this.bytes.indexOf(0x3e, this.at);
    if (closing < 0 || closing >= this.end || closing - start > LONGEST_STRING) throw new Odd(`a string too long at byte ${start}`);
    const made = new Uint8Array((closing - start) >> 1);
    let digits = 0;
    for (; this.at < closing; this.at++) {
      const code = this.peek();
      if (SPACES.has(code)) continue;
      if (!isHex(code)) throw new Odd(`a string in an odd form at byte ${start}`);
      const digit = code < 0x40 ? code - 0x30 : (code & 0x0f) + 9;
      made[digits >> 1] = digits % 2 ? (made[digits >> 1] ?? 0) + digit : 16 * digit;
      digits++;
    }
    this.at++;
    if (digits % 2) throw new Odd(`a string in an odd form at byte ${start}`);
    return new PdfString(made.subarray(0, digits >> 1), true, start, this.at);
  }

  private literal(): PdfString {
    const start = this.at++;
    const found: number[] = [];
    for (let depth = 1; ; this.at++) {
      const code = this.peek();
      if (code === -1 || found.length > LONGEST_STRING) throw new Odd(`a string without end at byte ${start}`);
      if (code === 0x5c) {
        this.escape(found);
        continue;
      }
      if (code === 0x28) depth++;
      if (code === 0x29 && --depth === 0) break;
      if (code === 0x0d) {
        found.push(0x0a); // 7.3.4.2: any end of line is a line feed
        if (this.peek(1) === 0x0a) this.at++;
      } else found.push(code);
    }
    this.at++;
    return new PdfString(Uint8Array.from(found), false, start, this.at);
  }

  /** An escape; the position is left on its last byte. */
  private escape(found: number[]): void {
    const code = this.peek(1);
    this.at++;
    const known = { 0x6e: 0x0a, 0x72: 0x0d, 0x74: 0x09, 0x62: 0x08, 0x66: 0x0c }[code];
    if (known !== undefined) found.push(known);
    else if (code >= 0x30 && code <= 0x37) {
      let value = 0;
      let digits = 0;
      for (; digits < 3 && this.peek(digits) >= 0x30 && this.peek(digits) <= 0x37; digits++) value = value * 8 + this.peek(digits) - 0x30;
      found.push(value & 0xff);
      this.at += digits - 1;
    } else if (code === 0x0d) {
      if (this.peek(1) === 0x0a) this.at++;
    } else if (code === -1) throw new Odd("a string without end");
    else if (code !== 0x0a) found.push(code);
  }
}

function isPlainComment(text: Uint8Array): boolean {
  if (text.length > LONGEST_WORD) return false;
  const words = String.fromCharCode(...text);
  return /^[\w .,:;()'-]*$/.test(words) && !/obj|xref|trailer|stream|EOF/.test(words);
}

/** Whether a byte is part of a word (7.2.3). */
export function isRegular(code: number): boolean {
  return code >= 0 && REGULAR[code] === 1;
}

function isHex(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x46) || (code >= 0x61 && code <= 0x66);
}

/** Whether two objects are the same in all that they say; where they stand does not count. */
export function same(a: PdfObject, b: PdfObject): boolean {
  if (a instanceof Stream || b instanceof Stream) {
    return a instanceof Stream && b instanceof Stream && same(a.dict, b.dict) && sameBytes(a.raw, b.raw);
  }
  if (isDict(a) || isDict(b)) {
    if (!isDict(a) || !isDict(b) || a.size !== b.size) return false;
    return [...a].every(([key, value]) => b.has(key) && same(value, b.get(key) ?? null));
  }
  if (isArray(a) || isArray(b)) {
    return isArray(a) && isArray(b) && a.length === b.length && a.every((each, index) => same(each, b[index] ?? null));
  }
  if (a instanceof Name) return b instanceof Name && a.value === b.value;
  if (a instanceof Real) return b instanceof Real && a.value === b.value;
  if (a instanceof Ref) return b instanceof Ref && a.number === b.number;
  if (a instanceof PdfString) return b instanceof PdfString && sameBytes(a.bytes, b.bytes);
  return a === b;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, index) => octet === b[index]);
}

/** The keys under which two dictionaries differ. */
export function changedKeys(a: Dict, b: Dict): string[] {
  const keys = new Set([...a.keys(), ...b.keys()]);
  return [...keys].filter((key) => a.has(key) !== b.has(key) || !same(a.get(key) ?? null, b.get(key) ?? null));
}

/** Every reference inside *object*. */
export function references(object: PdfObject, found: Set<number> = new Set()): Set<number> {
  if (object instanceof Ref) found.add(object.number);
  else if (object instanceof Stream) references(object.dict, found);
  else if (isDict(object)) object.forEach((each) => references(each, found));
  else if (isArray(object)) object.forEach((each) => references(each, found));
  return found;
}

/** Whether a dictionary anywhere inside *value* has *key*. */
export function hasKey(value: Value, key: string): boolean {
  if (isDict(value)) return value.has(key) || [...value.values()].some((each) => hasKey(each, key));
  return isArray(value) && value.some((each) => hasKey(each, key));
}
