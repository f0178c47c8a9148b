/**
 * Whether a WACZ shows the recording of the package as the page of its facts, and nothing else: as `vermilion verify` holds it
 * (appliance/evidence/captures/archive.py, recording_index.py).
 */

import { digestOf, encoded, indexOf, same, utf8 } from "../octets";
import { byCodePoint } from "./canonical";
import { type CaptureFacts, fitted } from "./facts";
import { type Files, part } from "./files";
import { Refused, require } from "./refusal";
import { LARGEST, crc32, inflate, readZip } from "./zip";

const [WARC, WACZ, TEXT] = ["capture.warc.gz", "capture.wacz", "page.txt"] as const;
const [INDEX, PAGES] = ["indexes/index.cdx", "pages/pages.jsonl"] as const;
const MEMBERS = [`archive/${WARC}`, INDEX, PAGES] as const;
const [DESCRIPTION, SIGNED] = ["datapackage.json", "datapackage-digest.json"] as const;
const DESCRIBED = "created mainPageDate mainPageUrl profile resources software title wacz_version";
/** Of wacz-auth 0.1.0 without a name: with a domain, programs show that as who vouches for the file. */
const BY_NOBODY = "created hash publicKey signature software version";
/** It has the page's address twice where it has no title; browsers take 2 MB. */
const LARGEST_DESCRIPTION = 8 * 1024 * 1024;
const MORE =
  "The file {path} has more in it than the recording, its index and its list of pages, or describes itself otherwise;" +
  " programs may show another page.";
const OTHER_PAGE = "The file {path} opens another page than the one that was captured.";
const LEADS_ASTRAY =
  "The index in {path} does not lead to each response of the recording once, by its own address;" + " programs may show another page.";

/** Raises Refused unless the WACZ among *files* shows their WARC alone, as the page of *facts*. */
export async function requireArchive(files: Files, facts: CaptureFacts): Promise<void> {
  const [wacz, warc] = [part(files, WACZ, Infinity), part(files, WARC, Infinity)];
  let inside: ReadonlyMap<string, Uint8Array>;
  try {
    inside = await readZip(wacz);
  } catch (error) {
    require(!(error instanceof Refused), "The file {path} cannot be read as a ZIP in one way only.", { path: WACZ });
    throw error;
  }
  const recording = inside.get(MEMBERS[0]);
  require(recording !== undefined && same(recording, warc), "The file {path} has another recording in it than {warc}.", { path: WACZ, warc: WARC });
  // what is not packed, and has nothing beside it, takes just so much room (APPNOTE 6.3.10, 4.3.7, 4.3.12, 4.3.16)
  const room = [...inside].reduce((sum, [name, octets]) => sum + 76 + 2 * name.length + octets.length, 22);
  const plain = room === wacz.length && [...inside.keys()].sort().join() === [...MEMBERS, DESCRIPTION, SIGNED].sort().join();
  const told = objectIn(inside.get(DESCRIPTION), LARGEST_DESCRIPTION);
  require(plain && (await describes(told, inside)), MORE, { path: WACZ });
  const page = await pageIn(inside.get(PAGES) ?? encoded(""), facts, part(files, TEXT, Infinity));
  const opens = page && told["title"] === (page.title || page.url) && told["mainPageUrl"] === page.url && told["mainPageDate"] === page.ts;
  require(page && opens, OTHER_PAGE, { path: WACZ });
  let leads = false;
  try {
    leads = await leadsToEach(warc, utf8(inside.get(INDEX) ?? encoded("")) ?? "?", page.url);
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof URIError || error instanceof Astray)) throw error;
  }
  require(leads, LEADS_ASTRAY, { path: WACZ });
}

type Told = Readonly<Record<string, unknown>>;

/** The JSON object in *octets*; an empty one where there is none, or more than *most*. */
function objectIn(octets: Uint8Array | undefined, most: number): Told {
  try {
    const told: unknown = JSON.parse((octets && octets.length <= most ? utf8(octets) : null) ?? "");
    return typeof told === "object" && told !== null && !Array.isArray(told) ? (told as Told) : {};
  } catch {
    return {};
  }
}

const names = (told: Told): string => Object.keys(told).sort().join(" ");

/** Whether the WACZ calls itself a plain one, of these files: a package of packages is shown from elsewhere. */
async function describes(told: Told, inside: ReadonlyMap<string, Uint8Array>): Promise<boolean> {
  const { resources, ...others } = told;
  if (names(told) !== DESCRIBED || !allTexts(others) || told["profile"] !== "data-package" || !Array.isArray(resources) || resources.length !== MEMBERS.length) return false;
  for (const [at, path] of MEMBERS.entries()) {
    const member = inside.get(path) ?? new Uint8Array();
    const listed = { bytes: member.length, hash: `sha256:${await digestOf(member)}`, name: path.slice(path.lastIndexOf("/") + 1), path };
    const stated: unknown = resources[at];
    if (typeof stated !== "object" || stated === null || Object.keys(stated).length !== Object.keys(listed).length) return false;
    if (Object.entries(listed).some(([name, value]) => (stated as Record<string, unknown>)[name] !== value)) return false;
  }
  const digest = objectIn(inside.get(SIGNED), LARGEST_DESCRIPTION);
  const named = `sha256:${await digestOf(inside.get(DESCRIPTION) ?? new Uint8Array())}`;
  const signed = digest["signedData"];
  const own = names(digest) === "hash path signedData" && digest["path"] === DESCRIPTION && digest["hash"] === named;
  const plain = typeof signed === "object" && signed !== null && !Array.isArray(signed) && names(signed as Told) === BY_NOBODY;
  return own && plain && allTexts(signed as Told) && (signed as Told)["hash"] === named;
}

/** Whether nothing is nested in it, which not all programs can read. */
const allTexts = (told: Told): boolean => Object.values(told).every((each) => typeof each === "string");

interface Page {
  readonly url: string;
  readonly title: string;
  readonly ts: string;
}

/** The one page that is listed, if it is that of *facts*; scripts can show another address, but none of another origin. */
async function pageIn(pages: Uint8Array, facts: CaptureFacts, text: Uint8Array): Promise<Page | null> {
  const told = objectIn(pages.subarray(indexOf(pages, encoded("\n")) + 1), LARGEST);
  const [url, title, words] = [told["url"], told["title"], told["text"]];
  if (typeof url !== "string" || typeof title !== "string" || typeof words !== "string" || /\p{Surrogate}/u.test(url + title + words)) return null;
  const ts = facts.began.toISOString();
  const head = { format: "json-pages-1.0", id: "pages", title: "Captured pages", hasText: true };
  const page = { id: (await digestOf(encoded(url))).slice(0, 32), url, title, ts, text: words };
  const formed = same(encoded(`${written(head)}\n${written(page)}\n`), pages) && same(encoded(words), text);
  const [own, shown] = [url, facts.page.address].map((each) => /^https?:\/\/[^/?#]*/.exec(each)?.[0]);
  const near = (own !== undefined && own === shown) || fitted(url) === facts.page.address;
  return formed && near && fitted(title.split(BLANKS).filter(Boolean).join(" ")) === facts.page.title ? { url, title, ts } : null;
}

/** Between words, as Python has it. */
const BLANKS = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

/** JSON as Python writes an object of plain values. */
function written(told: Told): string {
  return `{${Object.entries(told)
    .map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`)
    .join(", ")}}`;
}

class Astray extends Error {}

function hold(holds: unknown): asserts holds {
  if (!holds) throw new Astray();
}

/** What an index says of a response, in its order, and when it came. */
interface Listed {
  readonly at: string;
  readonly told: Readonly<Record<string, string>>;
}

/** Whether the *index* has each response of the recording once, as its record is; the *page* also by GET, where forms alone led to it. */
async function leadsToEach(warc: Uint8Array, index: string, page: string): Promise<boolean> {
  const lines = index.split("\n");
  hold(lines.pop() === "" && lines.every((each, at) => at === 0 || (lines[at - 1] ?? "") <= each));
  const stated = lines.map((each) => readLine(each));
  const { responses, methods } = await responsesIn(warc, new Map(stated.map((each) => [Number(each["offset"]), Number(each["length"])])));
  const found = lines.map((line, at) => leads(line, stated[at] ?? {}, responses));
  const own = new Map(found);
  const wanted = [...responses.keys()].map((at): [number, string] => [at, methods.get(at) ?? own.get(at) ?? ""]);
  const address = page.split("#")[0];
  const there = wanted.filter(([at]) => responses.get(at)?.told["url"] === address);
  const last = there.at(-1);
  if (last !== undefined && there.every(([, method]) => method !== "GET")) wanted.push([last[0], "GET"]);
  const inOrder = (all: readonly (readonly [number, string])[]): string => all.map((each) => each.join(" ")).sort().join();
  return inOrder(found) === inOrder(wanted);
}

function readLine(line: string): Readonly<Record<string, string>> {
  const told: unknown = JSON.parse(line.slice(line.indexOf(" ", line.indexOf(" ") + 1) + 1));
  hold(typeof told === "object" && told !== null && !Array.isArray(told) && Object.values(told).every((each) => typeof each === "string"));
  return told as Readonly<Record<string, string>>;
}

/** Where a line leads, and for which method; it is the one that the record there gets. */
function leads(line: string, stated: Readonly<Record<string, string>>, responses: ReadonlyMap<number, Listed>): [number, string] {
  const [offset, method, body] = [Number(stated["offset"]), stated["method"] ?? "GET", stated["requestBody"] ?? ""];
  const own = responses.get(offset);
  hold(own);
  const url = own.told["url"] ?? "";
  const asked = method === "GET" ? url : `${url}${url.includes("?") ? "&" : "?"}__wb_method=${method}&${body}`;
  const told = method === "GET" ? own.told : { ...own.told, method, requestBody: body };
  const escaped = written(told).replace(/[\x80-\uffff]/g, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`);
  hold(line === `${keyOf(asked)} ${own.at} ${escaped}`);
  return [offset, method];
}

/** By what an index has an address: the host's labels backwards, path, and sorted query, in small letters. */
function keyOf(address: string): string {
  const plain = address.toLowerCase().replace(/[\t\r\n]/g, "").split("#")[0] ?? "";
  const [place, query] = partition(plain, "?");
  const [, host = "", port = "0", path = "/"] = /^https?:\/\/(\[[^/]*\]|[^/:]*)(?::([0-9]*))?(\/[^]*)?$/.exec(place) ?? [];
  hold(host !== "" && Number(port) < 65536 && (!host.startsWith("[") || isAddress(host)));
  const labels = host.replace(/^\[|\]$/g, "").replace(/^www\./, "").split(".").reverse().join(",");
  const pairs = query.split("&").filter((each) => each !== "").map((each) => partition(each, "=").map(unquoted));
  const sorted = pairs.sort(([one = ""], [other = ""]) => byCodePoint(one, other));
  const asked = sorted.map((pair) => pair.map(quoted).join("=")).join("&");
  return `${labels}${Number(port) ? `:${Number(port)}` : ""})${path}${query === "" ? "" : `?${asked}`}`;
}

/** Whether *host*, in brackets, is an IPv6 address. */
function isAddress(host: string): boolean {
  try {
    return new URL(`http://${host}/`).hostname !== "";
  } catch {
    return false;
  }
}

function partition(text: string, by: string): [string, string] {
  const at = text.indexOf(by);
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + by.length)];
}

function unquoted(text: string): string {
  return text.replaceAll("+", " ").replace(/[\0-\x7f]+/g, (run) => {
    const octets = [...run.matchAll(/%([0-9a-fA-F]{2})|[^]/g)].map(([each, code]) => (code === undefined ? each.charCodeAt(0) : parseInt(code, 16)));
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(octets));
  });
}

function quoted(text: string): string {
  const escaped = encodeURIComponent(text).replace(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`);
  return escaped.replaceAll("%20", "+");
}

/** An address as clients ask for it: in ASCII, without a user and a fragment. */
const ASKED_FOR = /^https?:\/\/(?:\[[0-9A-Fa-f:.]+\]|[!"$-.0-9;->A-Z^-~]+)(?::[0-9]{1,5})?(?:[/?][!"$-~]*)?$/;
const RECORDED_AT = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$/;
const BREAK = encoded("\r\n\r\n");

/** All responses of the recording by their offset, and the methods of the requests that they answer, where these are there. */
async function responsesIn(
  warc: Uint8Array,
  lengths: ReadonlyMap<number, number>,
): Promise<{ responses: ReadonlyMap<number, Listed>; methods: ReadonlyMap<number, string> }> {
  const [responses, numbers, asked] = [new Map<number, Listed>(), new Map<string, number>(), new Map<string, string>()];
  let [at, left] = [0, LARGEST];
  while (at < warc.length) {
    const { content, end } = await member(warc, at, lengths.get(at), left);
    left -= content.length;
    const { fields, block } = recordIn(content);
    const [kind, number] = [fields.get("WARC-Type"), fields.get("WARC-Record-ID")];
    if (kind === "response") {
      const [address = "", date = ""] = [fields.get("WARC-Target-URI"), fields.get("WARC-Date")];
      const moment = new Date(date);
      const dated = RECORDED_AT.test(date) && !date.startsWith("0000") && !Number.isNaN(moment.getTime()) && moment.toISOString() === date;
      hold(ASKED_FOR.test(address) && dated && number !== undefined && !numbers.has(number));
      numbers.set(number, at);
      const told = { url: address, ...(await listedOf(block)), length: String(end - at), offset: String(at), filename: WARC };
      responses.set(at, { at: date.replace(/[^0-9]/g, ""), told });
    } else if (kind === "request" && fields.has("WARC-Concurrent-To")) {
      asked.set(fields.get("WARC-Concurrent-To") ?? "", latin1(block).split(" ")[0] ?? "");
    } else hold(kind !== undefined);
    at = end;
  }
  const methods = [...numbers].flatMap(([number, offset]) => (asked.has(number) ? [[offset, asked.get(number) ?? ""] as const] : []));
  return { responses, methods: new Map(methods) };
}

/** RFC 1952, 2.3.1: deflate, and no optional field. */
const MEMBER = Uint8Array.of(0x1f, 0x8b, 8, 0);
/** How many places are tried at which a member could end; the octets with which one begins may be in what is packed. */
const MOST_TRIES = 1000;

/** The gzip member that starts *at*, of so many octets or, where these are not known, up to where the next one starts. */
async function member(warc: Uint8Array, at: number, length: number | undefined, most: number): Promise<{ content: Uint8Array; end: number }> {
  hold(same(warc.subarray(at, at + MEMBER.length), MEMBER));
  let end = length === undefined ? at : at + length;
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    if (length === undefined) end = indexOf(warc, MEMBER, end + 1);
    if (end === -1) end = warc.length;
    const trailer = new DataView(warc.buffer, warc.byteOffset + Math.max(at, end - 8), Math.min(8, end - at));
    const content = end - at < 18 || end > warc.length ? null : await inflate(warc.subarray(at + 10, end - 8), most);
    if (content !== null && trailer.getUint32(0, true) === crc32(content) && trailer.getUint32(4, true) === content.length) return { content, end };
    if (length !== undefined || end === warc.length) break;
  }
  throw new Astray();
}

/** The named fields of the one record in *content*, each there once, and its block. */
function recordIn(content: Uint8Array): { fields: ReadonlyMap<string, string>; block: Uint8Array } {
  const cut = indexOf(content, BREAK);
  const head = utf8(content.subarray(0, Math.max(0, cut))) ?? "";
  hold(/^WARC\/1\.1(?:\r\n[A-Za-z-]+: [^\r\n]*)+$/.test(head));
  const lines = head.split("\r\n").slice(1);
  const fields = new Map(lines.map((line) => partition(line, ": ")));
  const block = content.subarray(cut + BREAK.length, content.length - BREAK.length);
  const whole = same(content.subarray(cut + BREAK.length + block.length), BREAK) && fields.get("Content-Length") === String(block.length);
  hold(whole && new Set([...fields.keys()].map((each) => each.toLowerCase())).size === lines.length);
  return { fields, block };
}

/** Media type, status, and digest without the frames of chunks (ISO 28500, 5.9). */
async function listedOf(response: Uint8Array): Promise<{ mime: string; status: string; digest: string }> {
  const cut = indexOf(response, BREAK);
  const [head, body] = cut === -1 ? [latin1(response), new Uint8Array()] : [latin1(response.subarray(0, cut)), response.subarray(cut + BREAK.length)];
  const kind = /(?:^|\n)content-type:([^;\r\n]*)/i.exec(head)?.[1];
  const status = /^HTTP\/1\.[01] ([0-9]{3})/.exec(head)?.[1];
  const chunked = /(?:^|\n)transfer-encoding:[^\r\n]*chunked/i.test(head);
  return {
    mime: kind === undefined ? "unk" : kind.replace(/^[\t-\r\x1c-\x20\x85\xa0]+|[\t-\r\x1c-\x20\x85\xa0]+$/g, "").toLowerCase(),
    status: String(Number(status ?? 0)),
    digest: `sha256:${await digestOf(chunked ? unchunked(body) : body)}`,
  };
}

/** What the chunks hold (RFC 9112, 7.1), as far as they are whole. */
function unchunked(body: Uint8Array): Uint8Array {
  const found = new Uint8Array(body.length);
  let [at, size] = [0, 0];
  for (;;) {
    let end = at;
    while (end < body.length && body[end] !== 13 && body[end] !== 10) end += 1;
    const stated = /^[0-9A-Fa-f]{1,15}/.exec(latin1(body.subarray(at, Math.min(end, at + 15))))?.[0];
    if (stated === undefined || body[end] !== 13 || body[end + 1] !== 10) break;
    const length = parseInt(stated, 16);
    const chunk = body.subarray(end + 2, end + 2 + length);
    found.set(chunk, size);
    size += chunk.length;
    at = end + 2 + length + 2;
    if (length === 0) break;
  }
  return found.subarray(0, size);
}

/** Each octet as the letter of its number: TextDecoder takes windows-1252 for that name. */
function latin1(octets: Uint8Array): string {
  const pieces: string[] = [];
  for (let at = 0; at < octets.length; at += 8192) pieces.push(String.fromCharCode(...octets.subarray(at, at + 8192)));
  return pieces.join("");
}
