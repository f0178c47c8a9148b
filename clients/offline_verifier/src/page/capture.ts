/** A web capture as people read it: address, times, machine, servers, what was cut, and the picture of the page. */

import { toBase64 } from "../octets";
import { type CaptureFacts, type Connection, type Skipped } from "../package/facts";
import { type CaptureReport } from "../package/model";
import { type Child, facts, folded, list, make } from "./elements";
import { type Speech } from "./speech";

/** What the engine's stable words mean. */
const WHY: Readonly<Record<string, string>> = {
  forbidden: "no public address, or a port of another protocol",
  "not-listed": "not among the hosts that may be captured",
  proxy: "refused by the organisation's proxy",
  unresolved: "host name not found",
  unreachable: "no connection",
  tls: "no TLS",
  "no-answer": "no answer, or none that HTTP knows",
  "other-host": "request for another host than its address names",
  "other-protocol": "web socket or another protocol, for which WARC has no record",
  "too-many": "more requests than the limit",
  time: "not finished in time",
  length: "larger than the limit",
  disconnect: "connection ended early",
  unspecified: "malformed from there on",
  excess: "more was sent than the response had; that was left out",
  "not-of-house": "not one of the organisation’s hosts, and this capture is of one of them",
  "no-room": "this machine could open no further connection",
  "made-by-page": "made by the page itself; no server sent it",
};
/** A picture that is shown has so many octets and pixels at most: more could freeze the page. */
const [LARGEST, MOST_PIXELS] = [24 * 1024 * 1024, 64 * 1024 * 1024];
const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** The elements of the section. */
export function captureParts(found: CaptureReport, speech: Speech): Child[] {
  const say = (template: string, values: Record<string, string | number> = {}): string => speech.say(template, values);
  const told = found.facts;
  const { page, by } = told;
  const untrusted = told.tls.filter((each) => each.trust === "untrusted");
  return [
    facts([
      [say("Address asked for"), told.address],
      [say("Address shown"), page.address === told.address ? null : page.address],
      [say("Page title"), page.title],
      [say("Recording dated"), found.dated && speech.time(found.dated)],
      [say("Logged in by hand"), loggedIn(told, speech)],
      [say("Capture began"), speech.time(told.began)],
      [say("Capture ended"), speech.time(told.ended)],
      [say("In the log since"), found.logged && speech.time(found.logged)],
      [say("System run by"), told.operator],
      [say("Captured by"), [by.name, by.organisation].filter((each) => each !== "").join(", ")],
      [say("Purpose, in their words"), by.purpose],
      [say("Capture software"), `${told.software}; ${told.browser}; ${told.system}`],
      [say("Through what"), through(told, speech)],
      [say("Completeness"), list(completeness(told).map(([template, values]) => say(template, values)))],
    ]),
    untrusted.length === 0 ? null : make("p", { class: "callout" }, say("The certificates of these servers were not trusted when the page was captured: {hosts}.", { hosts: [...new Set(untrusted.map((each) => each.host))].join(", ") })),
    folded(say("Servers, and their certificates as the machine saw them: {count}", { count: told.hosts.length }), list(told.hosts.map((each) => server(each, told.tls, speech)))),
    skipped(say("Requests not carried out"), told.refused, told.refusedInAll, speech),
    skipped(say("Responses not whole"), told.cut, told.cutInAll, speech),
    picture(found.picture, speech),
  ];
}

function loggedIn(told: CaptureFacts, speech: Speech): string | null {
  if (told.log_in === undefined) return null;
  const [began, ended] = [told.log_in.began, told.log_in.ended].map((each) => speech.time(new Date(each))) as [string, string];
  return speech.say("from {began} to {ended}, before the recording began; exchanges of that time are not in it: {count}", {
    began,
    ended,
    count: told.log_in.exchanges,
  });
}

function through(told: CaptureFacts, speech: Speech): string | null {
  const { proxy, allowed } = told.network;
  const lines = [
    proxy === "" ? "" : speech.say("The organisation’s proxy {proxy}", { proxy }),
    allowed.length === 0 ? "" : speech.say("Hosts of the organisation itself, allowed by name: {hosts}", { hosts: allowed.join(", ") }),
  ];
  return lines.filter((each) => each !== "").join("; ") || null;
}

function completeness(told: CaptureFacts): [string, Record<string, string>][] {
  const { page } = told;
  if (page.error !== "") return [["The browser could not open the page: {error}.", { error: page.error }]];
  const found: [string, Record<string, string>][] = [];
  if (!page.loaded || page.cut.includes("time")) {
    found.push(["Loading or scrolling was not finished within the time limit; what was there by then was captured.", {}]);
  }
  if (page.cut.includes("height")) found.push(["The page goes on below; its picture ends at the height limit.", {}]);
  return found.length === 0 ? [["Loaded, and scrolled through to its end.", {}]] : found;
}

function server(each: CaptureFacts["hosts"][number], connections: readonly Connection[], speech: Speech): Child {
  const tls = connections.find((one) => one.host === each.host);
  const [trust, why] = [tls?.trust ?? "none", tls?.why ?? ""];
  const said = {
    trusted: speech.say("Certificate verified"),
    untrusted: speech.say("Certificate NOT verified: {why}", { why }),
    house: speech.say("Certificate by an authority of the organisation, which can open TLS"),
    none: speech.say("without TLS"),
  }[trust];
  const shown = [each.address, tls?.version ?? "", said, tls?.issuer ?? ""].filter((one) => one !== "").join("; ");
  const fingerprint = tls === undefined || tls.fingerprint === "" ? null : make("code", { class: "fingerprint" }, tls.fingerprint);
  return make("span", {}, make("strong", {}, each.host), ` ${shown}`, fingerprint);
}

function skipped(title: string, found: readonly Skipped[], inAll: number, speech: Speech): Child {
  if (inAll === 0) return null;
  const rows = found.map((each) => {
    const meanings = each.why.split(" ").map((word) => meaning(word, speech));
    return `${each.address}: ${meanings.join("; ")}`;
  });
  const more = inAll > found.length ? [speech.say("not told one by one: {count}", { count: inAll - found.length })] : [];
  return folded(`${title}: ${inAll}`, list([...rows, ...more]));
}

/** What a word of the facts means; the word itself, which anybody may have chosen, where none of these is it. */
function meaning(word: string, speech: Speech): string {
  const known = Object.hasOwn(WHY, word) ? WHY[word] : undefined;
  return known === undefined ? word : speech.say(known);
}

/** The picture, as an image of this page: the policy lets no address but data in, and browsers run nothing in a PNG. */
function picture(octets: Uint8Array | null, speech: Speech): Child {
  if (octets === null) return null;
  const size = measured(octets);
  if (size === null) return make("p", { class: "soft" }, speech.say("The picture of the page is in page.png; it is too large to be shown here."));
  const image = make("img", { src: `data:image/png;base64,${encoded(octets)}`, alt: speech.say("Picture of the page"), width: String(size.width), height: String(size.height) });
  return make("figure", { class: "picture" }, make("div", { class: "frame", tabindex: "0" }, image), make("figcaption", { class: "soft" }, speech.say("What the browser showed (page.png); it was not compared with the recording here.")));
}

/** Width and height of a PNG (W3C PNG, 11.2.1); null where it is none, or too large. */
function measured(octets: Uint8Array): { readonly width: number; readonly height: number } | null {
  const head = PNG.every((each, at) => octets[at] === each) && octets.length >= 33 && octets.length <= LARGEST;
  if (!head) return null;
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  return width > 0 && height > 0 && width * height <= MOST_PIXELS ? { width, height } : null;
}

/** Base64, piece by piece: a string of all octets at once would take many times their room. */
function encoded(octets: Uint8Array): string {
  const pieces: string[] = [];
  for (let at = 0; at < octets.length; at += 30_000) pieces.push(toBase64(octets.subarray(at, at + 30_000)));
  return pieces.join("");
}
