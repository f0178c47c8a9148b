/**
 * BER made DER where that changes no meaning (X.690, 8.1.3.6 and 8.7): definite lengths, whole OCTET STRINGs. One pass
 * over the tags: nothing is sorted, no default is dropped, no value is read. Whether the result is strict DER is asked
 * afterwards. Depth, length and the number of elements have limits.
 */

import { Malformed, OCTET_STRING, element, equal, first, join } from "./asn1";

const DEEPEST = 64;
const LARGEST = 16 * 1024 * 1024;
const MOST_ELEMENTS = 500_000;
const CONSTRUCTED = 0x20;
const INDEFINITE = 0x80;

interface Header {
  readonly tag: number;
  readonly start: number;
  /** Null for an indefinite length. */
  readonly end: number | null;
}

/** Whether an element of indefinite length comes first, which DER never has. */
export function isIndefinite(bytes: Uint8Array): boolean {
  return bytes[1] === INDEFINITE;
}

/** The element that *bytes* begin with, in DER, and how many of the bytes it took. Raises Malformed. */
export function toDer(bytes: Uint8Array): { der: Uint8Array; length: number } {
  if (bytes.length > LARGEST) throw new Malformed("too long");
  const [der, length] = new Rewriting(bytes).element(0, DEEPEST);
  return { der, length };
}

class Rewriting {
  private left = MOST_ELEMENTS;

  constructor(private readonly bytes: Uint8Array) {}

  /** The element at *at*, written anew where needed, and where it ends. */
  element(at: number, depth: number): [Uint8Array, number] {
    if (this.left-- === 0 || depth === 0) throw new Malformed("too many elements");
    const { tag, start, end } = this.header(at);
    if ((tag & CONSTRUCTED) === 0) {
      if (end === null) throw new Malformed("indefinite and primitive");
      return [this.bytes.subarray(at, end), end];
    }
    const members: Uint8Array[] = [];
    let place = start;
    while (place !== end) {
      if (end === null && this.bytes[place] === 0 && this.bytes[place + 1] === 0) break;
      const [member, next] = this.element(place, depth - 1);
      if (end !== null && next > end) throw new Malformed("longer than what it is in");
      members.push(member);
      place = next;
    }
    const after = end ?? place + 2;
    if (tag === (OCTET_STRING | CONSTRUCTED)) return [element(OCTET_STRING, ...members.map(segment)), after];
    const contents = join(members);
    if (end !== null && equal(contents, this.bytes.subarray(start, end))) return [this.bytes.subarray(at, end), end];
    return [element(tag, contents), after];
  }

  private header(at: number): Header {
    const [tag, short] = [this.bytes[at], this.bytes[at + 1]];
    if (tag === undefined || short === undefined || tag === 0 || (tag & 0x1f) === 0x1f) throw new Malformed("tag");
    if (short === INDEFINITE) return { tag, start: at + 2, end: null };
    const octets = short > INDEFINITE ? short & 0x7f : 0;
    const start = at + 2 + octets;
    if (octets > 4 || start > this.bytes.length) throw new Malformed("length");
    const length = octets === 0 ? short : this.bytes.subarray(at + 2, start).reduce((sum, octet) => sum * 256 + octet, 0);
    if (start + length > this.bytes.length) throw new Malformed("cut off");
    return { tag, start, end: start + length };
  }
}

/** The octets of one segment of an OCTET STRING (8.7.3). */
function segment(encoded: Uint8Array): Uint8Array {
  const found = first(encoded);
  if (found.tag !== OCTET_STRING) throw new Malformed("a segment that is none");
  return found.body;
}
