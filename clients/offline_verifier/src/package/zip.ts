/**
 * Reading ZIPs of any tool (APPNOTE 6.3.10) where all readers find the same in them: what the directory says and what the
 * local headers and data descriptors say must agree, and every octet belongs to a file. Other ZIPs are refused.
 */

import { indexOf, joined, startsWith, utf8 } from "../octets";
import { require } from "./refusal";

const [LOCAL, CENTRAL, END, DESCRIPTOR] = [0x04034b50, 0x02014b50, 0x06054b50, 0x08074b50];
const [STORED, DEFLATED] = [0, 8];
const [ENCRYPTED, DESCRIBED, UTF8_NAME, HARMLESS] = [0x0001, 0x0008, 0x0800, 0x080e];
/** As octets, not as text: verify.html lies in packages, and must hold nothing itself that looks like a record of a ZIP. */
const MARKS = [Uint8Array.of(80, 75, 3, 4), Uint8Array.of(80, 75, 1, 2), Uint8Array.of(80, 75, 5, 6), Uint8Array.of(80, 75, 7, 8)] as const;
const MOST_FILES = 20_000;
export const LARGEST = 256 * 1024 * 1024;
const [SMALL, MOST_RATIO] = [1024 * 1024, 20];
/** Extra fields that give times and owners alone, and the empty mark of Java's archives. */
const EXTRAS = new Set([0x000a, 0x5455, 0x5855, 0x7855, 0x7875, 0xcafe]);
const LARGEST_EXTRA = 64;
const [ZIP64, UNICODE_PATH] = [0x0001, 0x7075];
const FULL = 0xffffffff;

const CHANGED = "The file {path} in the package was changed or cut off.";
const HEADER = "The header of {path} in the package was changed.";
const LOOSE = "The package has bytes that belong to no file; it was changed after it was made.";
const ENDING = "The package does not end as a ZIP does; it is cut off or was added to.";
const UNREAD = "The file {path} of the package is packed in a way that is not read here.";

interface Entry {
  readonly name: Uint8Array;
  /** In UTF-8 (4.6.9), for readers who look there; the same as the name where there is none. */
  readonly unicode: Uint8Array;
  readonly shown: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly offset: number;
  readonly mode: number;
  /** Made under DOS or Windows, as it says. */
  readonly dos: boolean;
}

/** The names as they are, with the octets of each; folders end with a slash and have none. */
export async function readZip(octets: Uint8Array): Promise<Map<string, Uint8Array>> {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const [entries, directory] = readDirectory(octets, view);
  const total = entries.reduce((sum, each) => sum + each.size, 0);
  const tooMuch = total > LARGEST || total > SMALL + MOST_RATIO * octets.length;
  require(!tooMuch, "The package would unpack to far more than it is; it was not unpacked.");
  const files = new Map<string, Uint8Array>();
  let at = 0;
  for (const entry of entries) {
    requirePlain(entry);
    const [packed, next] = packedData(octets, view, entry, at);
    at = next;
    const content = entry.method === STORED ? packed : await inflated(entry, packed);
    require(content.length === entry.size && crc32(content) === entry.crc, CHANGED, { path: entry.shown });
    const name = nameOf(entry);
    const twice = "The package has two files of one name, or of names alike but for case.";
    require(!files.has(name), twice);
    require(!name.endsWith("/") || content.length === 0, CHANGED, { path: entry.shown });
    files.set(name, content);
  }
  require(at === directory, LOOSE);
  return files;
}

export function isZip(octets: Uint8Array): boolean {
  return startsWith(octets, MARKS[0]) || startsWith(octets, MARKS[2]);
}

function readDirectory(octets: Uint8Array, view: DataView): [Entry[], number] {
  const end = octets.length - 22;
  require(end >= 0 && view.getUint32(end, true) === END, ENDING);
  const [count, size, start] = [view.getUint16(end + 10, true), view.getUint32(end + 12, true), view.getUint32(end + 16, true)];
  const alone = view.getUint32(end + 4, true) === 0 && view.getUint16(end + 8, true) === count;
  require(alone && view.getUint16(end + 20, true) === 0 && start + size === end, ENDING);
  require(count <= MOST_FILES, "The package has more than {limit} files; it was not read.", { limit: MOST_FILES });
  const entries: Entry[] = [];
  let at = start;
  while (at < end) {
    require(end - at >= 46 && view.getUint32(at, true) === CENTRAL, "The directory of the package is cut off.");
    const lengths = [28, 30, 32].map((each) => view.getUint16(at + each, true));
    const [name = 0, extra = 0, comment = 0] = lengths;
    const next = at + 46 + name + extra + comment;
    require(next <= end && view.getUint16(at + 34, true) === 0, "The directory of the package is cut off.");
    entries.push(readEntry(octets, view, at, name, extra));
    at = next;
  }
  require(entries.length === count, "The directory of the package has more bytes than entries.");
  return [entries.sort((one, other) => one.offset - other.offset), start];
}

function readEntry(octets: Uint8Array, view: DataView, at: number, name: number, extra: number): Entry {
  const encodedName = octets.subarray(at + 46, at + 46 + name);
  const blocks = readExtras(view, at + 46 + name, extra, "");
  const entry = {
    name: encodedName,
    unicode: unicodeName(octets, view, blocks.get(UNICODE_PATH), encodedName),
    shown: new TextDecoder().decode(encodedName).slice(0, 200),
    flags: view.getUint16(at + 8, true),
    method: view.getUint16(at + 10, true),
    crc: view.getUint32(at + 16, true),
    packed: view.getUint32(at + 20, true),
    size: view.getUint32(at + 24, true),
    offset: view.getUint32(at + 42, true),
    mode: view.getUint16(at + 40, true),
    dos: octets[at + 5] === 0,
  };
  require(![entry.packed, entry.size, entry.offset].includes(FULL), UNREAD, { path: entry.shown });
  require(!blocks.has(ZIP64), UNREAD, { path: entry.shown });
  return entry;
}

/** The blocks of an extra field, each once and of a known kind: where each starts, behind its head of 4 octets. */
function readExtras(view: DataView, start: number, length: number, shown: string): Map<number, number> {
  const found = new Map<number, number>();
  let at = start;
  while (at + 4 <= start + length) {
    const [kind, size] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    const known = (EXTRAS.has(kind) && size <= LARGEST_EXTRA) || (kind === ZIP64 && size === 16) || kind === UNICODE_PATH;
    require(known && !found.has(kind), UNREAD, { path: shown });
    found.set(kind, at + 4);
    at += 4 + size;
  }
  require(at === start + length, UNREAD, { path: shown });
  return found;
}

/** Version 1, the CRC-32 of the header's name, and the name, up to the end of the block that starts *at*. */
function unicodeName(octets: Uint8Array, view: DataView, at: number | undefined, own: Uint8Array): Uint8Array {
  if (at === undefined) return own;
  const end = at + view.getUint16(at - 2, true);
  const about = end - at > 5 && octets[at] === 1 && view.getUint32(at + 1, true) === crc32(own);
  require(about, UNREAD, { path: new TextDecoder().decode(own).slice(0, 200) });
  return octets.subarray(at + 5, end);
}

function requirePlain(entry: Entry): void {
  const path = { path: entry.shown };
  require(!(entry.flags & ENCRYPTED), "The file {path} of the package is encrypted; give the package without a password.", path);
  const [kind, folder] = [entry.mode & 0xf000, entry.shown.endsWith("/")];
  const plain = kind === 0 || kind === (folder ? 0x4000 : 0x8000);
  require(plain, "The package has a link or a device in the place of the file {path}.", path);
  require([STORED, DEFLATED].includes(entry.method) && !(entry.flags & ~(HARMLESS | UTF8_NAME)), UNREAD, path);
  require(!folder || entry.size === 0, CHANGED, path);
}

/** The packed octets of *entry*, whose local header must be at *expected*, and where the next one must be. */
function packedData(octets: Uint8Array, view: DataView, entry: Entry, expected: number): [Uint8Array, number] {
  require(entry.offset === expected && expected + 30 <= octets.length, LOOSE);
  const [name, extra] = [view.getUint16(expected + 26, true), view.getUint16(expected + 28, true)];
  const start = expected + 30 + name + extra;
  const end = start + entry.packed;
  require(end <= octets.length, CHANGED, { path: entry.shown });
  const blocks = readExtras(view, expected + 30 + name, extra, entry.shown);
  const own = octets.subarray(expected + 30, expected + 30 + name);
  const described = (entry.flags & DESCRIBED) !== 0;
  const wide = blocks.get(ZIP64);
  const agrees = (found: number, stated: number): boolean => found === stated || (described && found === 0);
  const sizes = [
    [18, entry.packed, 8],
    [22, entry.size, 0],
  ] as const;
  const stated =
    view.getUint32(expected, true) === LOCAL &&
    view.getUint16(expected + 6, true) === entry.flags &&
    view.getUint16(expected + 8, true) === entry.method &&
    own.length === entry.name.length &&
    startsWith(own, entry.name) &&
    agrees(view.getUint32(expected + 14, true), entry.crc) &&
    sizes.every(([at, size, inBlock]) => {
      const short = view.getUint32(expected + at, true);
      if (wide === undefined) return agrees(short, size);
      return agrees(Number(view.getBigUint64(wide + inBlock, true)), size) && (short === FULL || agrees(short, size));
    });
  require(stated, HEADER, { path: entry.shown });
  return [octets.subarray(start, end), end + (described ? descriptor(octets, view, entry, end, wide !== undefined) : 0)];
}

/** The length of the data descriptor, which says what the directory says. */
function descriptor(octets: Uint8Array, view: DataView, entry: Entry, at: number, wide: boolean): number {
  const values = new DataView(new ArrayBuffer(wide ? 20 : 12));
  values.setUint32(0, entry.crc, true);
  values.setUint32(4, entry.packed, true);
  values.setUint32(wide ? 12 : 8, entry.size, true);
  const plain = new Uint8Array(values.buffer);
  const marked = at + 4 <= octets.length && view.getUint32(at, true) === DESCRIPTOR;
  const place = octets.subarray(at + (marked ? 4 : 0));
  const template =
    "What the package states behind the bytes of {path} (data descriptor) is not what its directory" +
    " states; it was changed after it was made.";
  require(startsWith(place, plain), template, { path: entry.shown });
  const packed = octets.subarray(at - entry.packed, at);
  const open = entry.method === STORED && MARKS.some((mark) => indexOf(packed, mark) !== -1);
  require(!open, UNREAD, { path: entry.shown });
  return plain.length + (marked ? 4 : 0);
}

/** Raises Refused where the deflated stream is none, does not end with *packed*, or is larger than stated. */
async function inflated(entry: Entry, packed: Uint8Array): Promise<Uint8Array> {
  const content = await inflate(packed, entry.size);
  require(content, CHANGED, { path: entry.shown });
  return content;
}

/** What the deflated stream *packed* holds; null where it is none, does not end there, or has more than *most* octets. */
export async function inflate(packed: Uint8Array, most: number): Promise<Uint8Array | null> {
  const stream = new Blob([packed as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const reader = stream.getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.length;
      if (size > most) throw new RangeError();
      parts.push(value);
    }
  } catch {
    await reader.cancel().catch(() => undefined);
    return null;
  }
  return joined(...parts);
}

/** The one name that readers find, but for a folder around everything, which may be in any encoding. */
function nameOf(entry: Entry): string {
  const [name, unicode] = [entry.name, entry.unicode].map((each) => {
    const text = utf8(each) ?? new TextDecoder("latin1").decode(each);
    return text.includes("/") || !entry.dos ? text : text.replaceAll("\\", "/");
  });
  require(name && unicode, UNREAD, { path: entry.shown });
  const inside = (text: string): string => text.slice(text.indexOf("/"));
  const alike = name === unicode || (name.includes("/") && unicode.includes("/") && inside(name) === inside(unicode));
  require(alike, "The package gives two names to one file; readers may differ on it.");
  return unicode;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, start) => {
  let value = start;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

export function crc32(octets: Uint8Array): number {
  let value = 0xffffffff;
  for (let at = 0; at < octets.length; at += 1) value = (value >>> 8) ^ (TABLE[(value ^ (octets[at] ?? 0)) & 0xff] ?? 0);
  return (value ^ 0xffffffff) >>> 0;
}
