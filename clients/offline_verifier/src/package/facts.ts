/** capture.json: what the machine wrote down of a web capture. Canonical JSON of one form; nothing of it is proven but its digest. */

import { digestOf, fromBase64 } from "../octets";
import { decode, fields, type Json } from "./canonical";
import { require } from "./refusal";

export interface Skipped {
  readonly address: string;
  readonly why: string;
}

/** TLS with one host, as the machine saw it: *trust* is what it thought of the certificate, *why* OpenSSL's reason against it. */
export interface Connection {
  readonly host: string;
  readonly version: string;
  readonly trust: "trusted" | "untrusted" | "house" | "none";
  readonly why: string;
  readonly issuer: string;
  readonly fingerprint: string;
}

export interface CaptureFacts {
  readonly capture: string;
  readonly address: string;
  readonly began: Date;
  readonly ended: Date;
  readonly by: { readonly name: string; readonly organisation: string; readonly purpose: string };
  readonly operator: string;
  readonly software: string;
  readonly browser: string;
  readonly system: string;
  readonly page: { readonly address: string; readonly title: string; readonly loaded: boolean; readonly error: string; readonly cut: readonly string[] };
  readonly hosts: readonly { readonly host: string; readonly address: string; readonly resolver: string }[];
  readonly tls: readonly Connection[];
  readonly network: { readonly proxy: string; readonly allowed: readonly string[]; readonly only: readonly string[] };
  readonly refused: readonly Skipped[];
  readonly cut: readonly Skipped[];
  readonly refusedInAll: number;
  readonly cutInAll: number;
  readonly requests: number;
  readonly received: number;
  readonly files: readonly Json[];
  readonly log_in?: LoggedIn;
}

/** That somebody logged in by hand before what was recorded began; so many exchanges of that are not in the recording. */
export interface LoggedIn {
  readonly began: string;
  readonly ended: string;
  readonly exchanges: number;
  readonly hosts: readonly string[];
  readonly hosts_in_all: number;
}

/** Whether a value is of a form. */
type Form = (value: Json) => boolean;

const [MOST, MOST_RECORDED, LONGEST, MOST_CERTIFICATES, MOST_CHAIN, LARGEST] = [200, 2000, 2000, 2000, 512 * 1024, 4 * 1024 * 1024];
/** Control characters, ends of line, and what turns the direction of the text around it (UAX #9). */
const FORBIDDEN = /[\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;
const MOMENT = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(?!000)(\d{3})000)?\+00:00$/;
const OTHER = "The facts of the capture are not in their one form ({format}).";
const FORMAT = "vermilion-capture/1";

const said: Form = (value) => typeof value === "string" && !FORBIDDEN.test(value) && Array.from(value).length <= LONGEST;
const count: Form = (value) => typeof value === "number" && value >= 0 && value < 1e15;
const offset: Form = (value) => typeof value === "number" && Math.abs(value) < 1e15;
const yes: Form = (value) => typeof value === "boolean";
const none: Form = (value) => value === null;
const moment: Form = (value) => typeof value === "string" && momentIn(value) !== null;
const base64: Form = (value) => typeof value === "string" && fromBase64(value) !== null;
const matching = (form: RegExp): Form => (value) => typeof value === "string" && form.test(value);
const word = (...words: string[]): Form => (value) => typeof value === "string" && words.includes(value);
const either = (...forms: Form[]): Form => (value) => forms.some((each) => each(value));
const listOf = (form: Form, most = MOST): Form => (value) => Array.isArray(value) && value.length <= most && value.every(form);
const object = (forms: Readonly<Record<string, Form>>): Form => (value) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const names = Object.keys(forms).sort().join(" ");
  return Object.keys(value).sort().join(" ") === names && Object.entries(value).every(([name, each]) => forms[name]?.(each as Json));
};
const each = (form: Form, ...names: string[]): Readonly<Record<string, Form>> => Object.fromEntries(names.map((name) => [name, form]));

const DIGEST = matching(/^[0-9a-f]{64}$/);
const LEAF = object({ ...each(said, "issuer", "serial", "subject"), ...each(moment, "not_after", "not_before") });
const TLS = object({
  ...each(said, "cipher", "host", "version", "why"),
  certificates: listOf(DIGEST),
  chain: listOf(base64),
  leaf: either(none, LEAF),
  trust: word("trusted", "untrusted", "house", "none"),
});
const CLOCK = object({
  ...each(either(none, count), "agreeing", "configured", "error"),
  authentication: either(none, word("nts", "key", "both", "none")),
  offset: either(none, offset),
  source: said,
  state: word("in-step", "soon-out", "out-of-step", "stepped", "unknown"),
});
const STEP = object({
  ...each(said, "address", "note", "picture", "result", "target"),
  at: moment,
  kind: word("scroll", "click", "wait", "record"),
  milliseconds: count,
});
const SKIPPED = listOf(object(each(said, "address", "why")));
const LOGGED_IN = object({ ...each(moment, "began", "ended"), ...each(count, "exchanges", "hosts_in_all"), hosts: listOf(said) });
const FACTS: Readonly<Record<string, Form>> = {
  ...each(said, "operator", "software", "zone"),
  ...each(moment, "began", "ended"),
  address: (value) => said(value) && value !== "",
  browser: object({ ...each(said, "package", "product"), command: listOf(said), sha256: DIGEST }),
  by: object(each(said, "name", "organisation", "purpose")),
  capture: matching(/^[0-9a-f]{24}$/),
  clock: either(none, CLOCK),
  files: listOf(object({ path: said, sha256: DIGEST, size: count })),
  format: word(FORMAT),
  hosts: listOf(object({ ...each(said, "address", "host", "resolver"), ...each(listOf(said), "answers", "connected"), at: moment })),
  limits: object(each(count, "bytes", "connections", "height", "milliseconds", "requests", "response", "session_milliseconds")),
  network: object({ allowed: listOf(said), only: listOf(said), proxy: said }),
  page: object({ ...each(said, "address", "error", "title"), cut: listOf(said), height: count, loaded: yes }),
  recorded: listOf(moment, MOST_RECORDED),
  steps: listOf(STEP),
  system: object(each(said, "kernel", "machine", "name", "version")),
  tls: listOf(TLS),
  traffic: object({ ...each(count, "cut_in_all", "hosts", "received", "refused_in_all", "requests"), cut: SKIPPED, refused: SKIPPED }),
};
const PLAIN = object(FACTS);
/** Where somebody logged in by hand. */
const WITH_LOG_IN = object({ ...FACTS, log_in: LOGGED_IN });

/** The facts in *octets*; raises Refused unless they are in their one form. */
export async function readFacts(octets: Uint8Array): Promise<CaptureFacts> {
  const values = { format: FORMAT };
  require(octets.length <= LARGEST, OTHER, values);
  let value: Json = null;
  try {
    value = decode(octets);
  } catch {
    require(false, OTHER, values);
  }
  require(PLAIN(value) || WITH_LOG_IN(value), OTHER, values);
  const facts = told(value as unknown as Written);
  const before = facts.log_in === undefined ? [] : [facts.log_in.began, facts.log_in.ended].map((each) => momentIn(each) ?? new Date(NaN));
  require((facts.log_in?.hosts.length ?? 0) <= (facts.log_in?.hosts_in_all ?? 0), OTHER, values);
  const moments = [...before, facts.began, facts.ended];
  const whole = (await chainsHold((value as unknown as Written).tls)) && moments.every((each, at) => at === 0 || (moments[at - 1] ?? each) <= each);
  require(whole, OTHER, values);
  return facts;
}

/** As {@link FACTS} has it. */
interface Written extends Omit<CaptureFacts, "began" | "ended" | "browser" | "system" | "tls" | "refusedInAll" | "cutInAll"> {
  readonly began: string;
  readonly ended: string;
  readonly browser: { readonly product: string };
  readonly system: { readonly name: string; readonly version: string };
  readonly tls: readonly WrittenTls[];
  readonly traffic: {
    readonly [name in "cut_in_all" | "refused_in_all" | "requests" | "received"]: number;
  } & { readonly cut: readonly Skipped[]; readonly refused: readonly Skipped[] };
}

interface WrittenTls extends Omit<Connection, "issuer" | "fingerprint"> {
  readonly certificates: readonly string[];
  readonly chain: readonly string[];
  readonly leaf: { readonly issuer: string } | null;
}

function told(written: Written): CaptureFacts {
  const { browser, system, traffic } = written;
  return {
    ...written,
    began: momentIn(written.began) ?? new Date(NaN),
    ended: momentIn(written.ended) ?? new Date(NaN),
    browser: browser.product,
    system: `${system.name} ${system.version}`,
    tls: written.tls.map((one) => ({ ...one, issuer: one.leaf?.issuer ?? "", fingerprint: one.certificates[0] ?? "" })),
    refused: traffic.refused,
    cut: traffic.cut,
    refusedInAll: traffic.refused_in_all,
    cutInAll: traffic.cut_in_all,
    requests: traffic.requests,
    received: traffic.received,
  };
}

/** Where there are certificates, they are those of the fingerprints; all together they are not too long. */
async function chainsHold(connections: readonly WrittenTls[]): Promise<boolean> {
  let size = 0;
  if (connections.reduce((sum, { chain }) => sum + chain.length, 0) > MOST_CERTIFICATES) return false;
  for (const { chain, certificates } of connections) {
    size += chain.reduce((sum, one) => sum + one.length, 0);
    if (size > MOST_CHAIN) return false;
    const found: string[] = [];
    for (const one of chain) found.push(await digestOf(fromBase64(one) ?? new Uint8Array()));
    if (found.length > 0 && found.join() !== certificates.join()) return false;
  }
  return true;
}

/** A text of strangers as the facts have it: without control characters, and no longer than any is. */
export function fitted(text: string): string {
  const letters = Array.from(text, (each) => (FORBIDDEN.test(each) || /\p{Surrogate}/u.test(each) ? "\ufffd" : each));
  return letters.length <= LONGEST ? letters.join("") : `${letters.slice(0, LONGEST - 1).join("")}\u2026`;
}

/** A moment in UTC with whole milliseconds; null where there is none such. */
function momentIn(text: string): Date | null {
  const [, seconds = "", milliseconds = "000"] = MOMENT.exec(text) ?? [];
  const found = new Date(`${seconds}.${milliseconds}Z`);
  const known = !Number.isNaN(found.getTime()) && found.toISOString() === `${seconds}.${milliseconds}Z` && !seconds.startsWith("0000");
  return known ? found : null;
}

/** Whether *files* are those that the facts have, with size and SHA-256, in their order. */
export function listsJust(facts: CaptureFacts, files: readonly { readonly path: string; readonly sha256: string; readonly size: number }[]): boolean {
  const stated = facts.files.map(fields);
  return stated.length === files.length && files.every((file, at) => ["path", "sha256", "size"].every((name) => stated[at]?.[name] === file[name as "path"]));
}
