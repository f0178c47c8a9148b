/**
 * What is known about revocation: lists (RFC 5280, 5 and 6.3) and responses (RFC 6960) at hand. Nothing is fetched;
 * what cannot be read, or is not signed by the right authority, says nothing.
 */

import { TooManyCertificates } from "./limits";
import { NotComputed, digest, hashOf, verifies } from "./algorithms";
import {
  type Element,
  Fields,
  INTEGER,
  Malformed,
  SEQUENCE,
  bits,
  enumerated,
  equal,
  integer,
  isTime,
  latin1,
  members,
  oid,
  time,
  whole,
} from "./asn1";
import {
  type Certificate,
  type Extension,
  type Signed,
  authorityIn,
  isSignedBy,
  keyUsage,
  purposes,
  readExtensions,
  readOrNull,
  readSigned,
  same,
  schemeIn,
} from "./certificates";

export interface RevocationStatus {
  readonly known: "good" | "revoked" | "nothing";
  /** Since when what it signed is not to be believed. */
  readonly since: Date | null;
  /** Whether the file itself has data about the certificate. */
  readonly carried: boolean;
}

const NOTHING: RevocationStatus = { known: "nothing", since: null, carried: false };
const DISTRIBUTION_POINT = "2.5.29.28";
const DISTRIBUTION_POINTS = "2.5.29.31";
const DELTA = "2.5.29.27";
const AUTHORITY_KEY = "2.5.29.35";
const SUBJECT_KEY = "2.5.29.14";
const NUMBER = "2.5.29.20";
const UNDERSTOOD = new Set([NUMBER, AUTHORITY_KEY, DISTRIBUTION_POINT]);
/** BOOLEAN TRUE, which is in each critical extension (RFC 5280, 4.1). */
const CRITICAL = [0x01, 0x01, 0xff];
const REASON = "2.5.29.21";
const INVALIDITY_DATE = "2.5.29.24";
const REMOVE_FROM_CRL = 8n;
/** Reasons that a whole list may give (RFC 5280, 5.3.1). */
const REASONS = [0n, 1n, 2n, 3n, 4n, 5n, 6n, 9n, 10n];
/** keyCompromise and cACompromise. */
const COMPROMISED = [1n, 2n];
const CRL_SIGN = 6;
const OCSP_SIGNING = "1.3.6.1.5.5.7.3.9";
const BASIC_RESPONSE = "1.3.6.1.5.5.7.48.1.1";
const MOST = 2000;

interface RevocationList extends Signed {
  readonly issuer: Uint8Array;
  readonly made: Date;
  /** When the next one is due; null where that is not said. */
  readonly due: Date | null;
  readonly entries: Element | undefined;
  readonly extensions: ReadonlyMap<string, Extension>;
  readonly carried: boolean;
}

interface SingleResponse {
  readonly hash: string;
  readonly name: Uint8Array;
  readonly key: Uint8Array;
  readonly serial: Element;
  readonly revoked: Date | null;
}

interface Response extends Signed {
  readonly certificates: readonly Certificate[];
  readonly singles: readonly SingleResponse[];
}

export class RevocationData {
  /** Whether something was there that cannot be read or computed here, and might tell of a revocation. */
  unreadable = false;
  private readonly signed = new Map<string, boolean>();
  private readonly understood = new Map<RevocationList, boolean>();

  private constructor(
    private readonly lists: readonly RevocationList[],
    private readonly responses: readonly Response[],
  ) {}

  /** Lists and responses (DER) from the file, and lists *atHand*. */
  static async read(
    crls: readonly Uint8Array[],
    responses: readonly Uint8Array[],
    atHand: readonly Uint8Array[],
  ): Promise<RevocationData> {
    let unreadable = crls.length > MOST || responses.length > MOST;
    const lists: RevocationList[] = [];
    const answers: Response[] = [];
    for (const each of [...crls.slice(0, MOST), ...atHand]) {
      try {
        const list = readList(each, crls.includes(each));
        if (list !== null) lists.push(list);
      } catch {
        unreadable = true;
      }
    }
    for (const each of responses.slice(0, MOST)) {
      try {
        const answer = await readResponse(each);
        if (answer !== null) answers.push(answer);
      } catch {
        unreadable = true;
      }
    }
    const made = new RevocationData(lists, answers);
    made.unreadable = unreadable;
    return made;
  }

  /** What is known for the moment *at*: a revocation dated later than that is none yet. */
  async status(certificate: Certificate, issuer: Certificate, at: Date): Promise<RevocationStatus> {
    const found: RevocationStatus[] = [];
    for (const [index, list] of this.lists.entries()) {
      if (equal(list.issuer, certificate.issuer)) found.push(await this.byList(index, list, certificate, issuer));
    }
    for (const response of this.responses) {
      found.push(await this.byResponse(response, certificate, issuer));
    }
    const telling = found.filter((each) => each.known !== "nothing");
    if (telling.length === 0) return NOTHING;
    const carried = telling.some((each) => each.carried);
    const since = telling
      .map((each) => each.since)
      .filter((each) => each !== null && each <= at)
      .sort((a, b) => Number(a) - Number(b))[0];
    return since ? { known: "revoked", since, carried } : { known: "good", since: null, carried };
  }

  private async byList(
    index: number,
    list: RevocationList,
    certificate: Certificate,
    issuer: Certificate,
  ): Promise<RevocationStatus> {
    try {
      if (!covers(list, certificate)) return NOTHING;
      const key = `${index} ${issuer.fingerprint}`;
      if (this.signed.size >= MOST) throw new TooManyCertificates();
      const signed = this.signed.get(key) ?? (await isListBy(list, issuer));
      this.signed.set(key, signed);
      if (!signed) return NOTHING;
      const entry = entryAbout(list, certificate);
      if (entry === null && !(hasAll(list, certificate) && this.isUnderstood(list))) return NOTHING;
      return { known: "good", since: null, carried: list.carried, ...entry };
    } catch (error) {
      return this.nothing(error);
    }
  }

  private isUnderstood(list: RevocationList): boolean {
    const known = this.understood.get(list) ?? entriesAreUnderstood(list);
    this.understood.set(list, known);
    return known;
  }

  private nothing(error: unknown): RevocationStatus {
    if (!(error instanceof Malformed) && !(error instanceof NotComputed)) throw error;
    this.unreadable = true;
    return NOTHING;
  }

  private async byResponse(response: Response, certificate: Certificate, issuer: Certificate): Promise<RevocationStatus> {
    try {
      return await statusIn(response, certificate, issuer);
    } catch (error) {
      return this.nothing(error);
    }
  }
}

/** Whether no entry has a critical extension but a reason or a date of invalidity: else nobody counts as not revoked by the list
 * (RFC 5280, 5.3). Who is on it stands as revoked all the same. */
function entriesAreUnderstood(list: RevocationList): boolean {
  const { tbs } = list;
  if (!tbs.some((_, at) => CRITICAL.every((each, more) => tbs[at + more] === each))) return true;
  const known = (name: string, each: Extension): boolean => !each.critical || name === REASON || name === INVALIDITY_DATE;
  return extensionsOfEntries(list).every((each) => [...each].every(([name, one]) => known(name, one)));
}

function extensionsOfEntries(list: RevocationList): ReadonlyMap<string, Extension>[] {
  const entries = list.entries === undefined ? [] : members(list.entries);
  const found = entries.map((each) => members(each, SEQUENCE)[2]).filter((each) => each !== undefined);
  return found.map(readExtensions);
}

async function isListBy(list: RevocationList, issuer: Certificate): Promise<boolean> {
  const usage = keyUsage(issuer);
  if (!equal(list.issuer, issuer.subject) || (usage !== null && !usage.has(CRL_SIGN))) return false;
  return verifies(issuer.key, schemeIn(list), list.signature, list.tbs);
}

/** Whether each of *crls* (DER) can be read, names the time when the next one is due (RFC 5280, 5.1.2.5), is about everything that
 * its issuer has issued, and was signed by one of *issuers*. */
export async function areListsBy(crls: readonly Uint8Array[], issuers: readonly Certificate[]): Promise<boolean> {
  const isOne = async (der: Uint8Array): Promise<boolean> => {
    const list = readList(der, true);
    const by = list?.due && isWhole(list) ? await Promise.all(issuers.map((each) => isListBy(list, each).catch(() => false))) : [];
    return by.includes(true);
  };
  return !(await Promise.all(crls.map((each) => isOne(each).catch(() => false)))).includes(false);
}

/** Whether it is no part of a list, and has nothing that programs read differently: its number, the identifier of its issuer's key
 * alone, and each certificate once, with reason and invalidity date; nothing of it critical, and no fractions of seconds. Throws
 * Malformed. */
function isWhole(list: RevocationList): boolean {
  const read: Readonly<Record<string, (value: Element) => boolean>> = {
    [NUMBER]: (value) => integer(value) >= 0n,
    [AUTHORITY_KEY]: (value) => members(value, SEQUENCE).map((each) => each.tag === 0x80 && each.body.length > 0).join() === "true",
    [REASON]: (value) => REASONS.includes(enumerated(value)),
    [INVALIDITY_DATE]: isWholeSecond,
  };
  const plain = (found: ReadonlyMap<string, Extension>, ...names: string[]): boolean =>
    [...found].every(([name, each]) => !each.critical && names.includes(name) && read[name]?.(whole(each.value)));
  const entries = (list.entries === undefined ? [] : members(list.entries)).map((each) => members(each, SEQUENCE));
  const once = new Set(entries.map(([serial]) => serial?.bytes.join())).size === entries.length;
  if (!once || !entries.every(([, date]) => date && isWholeSecond(date))) return false;
  return plain(list.extensions, NUMBER, AUTHORITY_KEY) && extensionsOfEntries(list).every((each) => plain(each, REASON, INVALIDITY_DATE));
}

/** RFC 5280, 4.1.2.5. */
function isWholeSecond(element: Element): boolean {
  time(element);
  return !latin1(element.body).includes(".");
}

/** Whether the key of *issuer* is the one that the list says it was signed with, if it says so. */
function names(list: RevocationList, issuer: Certificate): boolean {
  const [said, own] = [list.extensions.get(AUTHORITY_KEY)?.value, issuer.extensions.get(SUBJECT_KEY)?.value];
  if (said === undefined || own === undefined) return true;
  const key = members(whole(said), SEQUENCE).find((each) => each.tag === 0x80);
  return key === undefined || equal(key.body, whole(own).body);
}

/** The place of the first certificate of *path*, which ends with its anchor, about which none of *crls* (DER) speaks that
 * counted *at* that moment: signed by who issued the certificate and with the key that it names, made by then, its successor not
 * yet due. Null for *at*: whenever the list counted. */
export async function withoutCurrentList(path: readonly (Certificate | undefined)[], crls: readonly Uint8Array[], at: Date | null): Promise<number | null> {
  for (const [index, certificate] of path.slice(0, -1).entries()) {
    const issuer = path[index + 1];
    if (certificate === undefined || issuer === undefined) return index;
    const current = await Promise.all(crls.map((each) => isCurrent(each, certificate, issuer, at).catch(() => false)));
    if (!current.includes(true)) return index;
  }
  return null;
}

async function isCurrent(der: Uint8Array, certificate: Certificate, issuer: Certificate, at: Date | null): Promise<boolean> {
  const list = readList(der, true);
  if (list === null || !entriesAreUnderstood(list)) return false;
  const counts = at === null || (list.due !== null && list.made <= at && at < list.due);
  return counts && covers(list, certificate) && hasAll(list, certificate) && names(list, issuer) && (await isListBy(list, issuer));
}

/** The list; null for one with a critical extension that is not understood, which says nothing (RFC 5280, 5.2). */
function readList(der: Uint8Array, carried: boolean): RevocationList | null {
  const signed = readSigned(whole(der));
  const fields = new Fields(whole(signed.tbs));
  const version = fields.optional(INTEGER);
  if (version !== undefined && integer(version) !== 1n) throw new Malformed("version");
  if (!equal(fields.next(SEQUENCE).bytes, signed.algorithm.bytes)) throw new Malformed("two algorithms");
  const issuer = fields.next(SEQUENCE).bytes;
  const first = fields.next();
  const made = time(first);
  const next = fields.optional(0x17) ?? fields.optional(0x18);
  const due = next === undefined ? null : time(next);
  if (![first, next].every((each) => each === undefined || isWholeSecond(each))) throw new Malformed("fraction of a second");
  const entries = fields.optional(SEQUENCE);
  const last = fields.optional(0xa0);
  fields.end();
  const extensions = last === undefined ? new Map<string, Extension>() : readExtensions(whole(last.body));
  if ([...extensions].some(([name, each]) => each.critical && !UNDERSTOOD.has(name))) return null;
  return { ...signed, issuer, made, due, entries, extensions, carried };
}

/** Whether a list that a message carries, which nothing signs, is whole: nobody of its issuer's name is among
 * *issuers*, or one of them signed it. */
export async function isListWhole(der: Uint8Array, issuers: readonly Certificate[]): Promise<boolean> {
  try {
    const signed = readSigned(whole(der));
    const fields = new Fields(whole(signed.tbs));
    fields.optional(INTEGER);
    if (!equal(fields.next(SEQUENCE).bytes, signed.algorithm.bytes)) return false;
    const name = fields.next(SEQUENCE).bytes;
    const named = issuers.filter((each) => equal(each.subject, name));
    for (const each of named) if (await isSignedBy(signed, each.key)) return true;
    return named.length === 0;
  } catch {
    return false;
  }
}

/** RFC 5280, 6.3.3 (b): the list's scope; indirect lists and lists of some reasons only are not used. */
function covers(list: RevocationList, certificate: Certificate): boolean {
  const value = list.extensions.get(DISTRIBUTION_POINT)?.value;
  if (value === undefined) return true;
  const scope = members(whole(value), SEQUENCE).filter((each) => each.tag !== 0xa0);
  const { authority } = authorityIn(certificate);
  return scope.every((each) => each.tag === (authority ? 0x82 : 0x81) && each.body.length === 1 && each.body[0] === 0xff);
}

/** Whether *certificate* would be on the list if it was revoked: not on one of changes alone (RFC 5280, 5.2.4), nor on one of several
 * into which its issuer has divided what it issued, if that is not at a place that it names. */
function hasAll(list: RevocationList, certificate: Certificate): boolean {
  const value = list.extensions.get(DISTRIBUTION_POINT)?.value;
  const place = value === undefined ? undefined : members(whole(value), SEQUENCE).find((each) => each.tag === 0xa0);
  return !list.extensions.has(DELTA) && (place === undefined || isWhere(place, certificate));
}

/** Whether a distribution point of the certificate has a name of this *place* of a list: [0] { [0] fullName }. */
function isWhere(place: Element, certificate: Certificate): boolean {
  const value = certificate.extensions.get(DISTRIBUTION_POINTS)?.value;
  const names = (each: Element): Element[] => members(each).filter((one) => one.tag === 0xa0).flatMap((one) => members(one));
  const listed = names(place);
  const points = value === undefined ? [] : members(whole(value), SEQUENCE).map((each) => members(each, SEQUENCE));
  const plain = points.filter((parts) => parts.every((each) => each.tag === 0xa0)).flat();
  return plain.flatMap(names).some((one) => listed.some((other) => equal(one.bytes, other.bytes)));
}

/** What the list says about *certificate*'s number, null for nothing; a date that cannot be read is the earliest. */
function entryAbout(list: RevocationList, certificate: Certificate): Partial<RevocationStatus> | null {
  for (const entry of list.entries === undefined ? [] : members(list.entries)) {
    const [serial, date, extensions] = members(entry, SEQUENCE);
    if (serial === undefined || !equal(serial.bytes, certificate.serial.bytes)) continue;
    if (date === undefined || !isTime(date)) return { known: "revoked", since: new Date(0) };
    const known = extensions === undefined ? new Map<string, Extension>() : readExtensions(extensions);
    const stated = known.get(REASON)?.value;
    const reason = stated === undefined ? 0n : enumerated(whole(stated));
    if (reason === REMOVE_FROM_CRL) return {};
    const invalid = known.get(INVALIDITY_DATE)?.value;
    const since = time(date);
    if (invalid === undefined || !COMPROMISED.includes(reason)) return { known: "revoked", since };
    return { known: "revoked", since: new Date(Math.min(Number(since), Number(time(whole(invalid))))) };
  }
  return null;
}

/** The whole OCSPResponse or, as some stores have it, the BasicOCSPResponse alone; null for a refusal. */
async function readResponse(der: Uint8Array): Promise<Response | null> {
  const outer = members(whole(der), SEQUENCE);
  if (outer[0]?.tag === SEQUENCE) return readBasic(whole(der));
  const [status, tagged] = outer;
  if (status === undefined) throw new Malformed("no response");
  if (enumerated(status) !== 0n) return null;
  if (tagged?.tag !== 0xa0) throw new Malformed("no response");
  const fields = new Fields(whole(tagged.body));
  if (oid(fields.next()) !== BASIC_RESPONSE) throw new Malformed("kind of response");
  return readBasic(whole(fields.next(0x04).body));
}

async function readBasic(basic: Element): Promise<Response> {
  const outer = new Fields(basic);
  const tbs = outer.next(SEQUENCE);
  const algorithm = outer.next(SEQUENCE);
  const signature = bits(outer.next());
  const carried = outer.optional(0xa0);
  outer.end();
  const certificates: Certificate[] = [];
  for (const each of carried === undefined ? [] : members(whole(carried.body), SEQUENCE)) {
    const certificate = await readOrNull(each.bytes);
    if (certificate !== null) certificates.push(certificate);
  }
  const fields = new Fields(tbs);
  if (fields.optional(0xa0) !== undefined) throw new Malformed("version");
  fields.next();
  time(fields.next());
  const singles = members(fields.next(), SEQUENCE).map(readSingle).filter((each) => each !== null);
  const extensions = fields.optional(0xa1);
  fields.end();
  if (extensions !== undefined && isCritical(extensions)) throw new Malformed("critical");
  return { tbs: tbs.bytes, algorithm, signature, certificates, singles };
}

function isCritical(tagged: Element): boolean {
  return [...readExtensions(whole(tagged.body)).values()].some((each) => each.critical);
}

/** What is said about one certificate; null when its status is not known. */
function readSingle(element: Element): SingleResponse | null {
  const fields = new Fields(element);
  const identifier = new Fields(fields.next());
  const hash = hashOf(identifier.next());
  const [name, key] = [identifier.next(0x04).body, identifier.next(0x04).body];
  const serial = identifier.next();
  const status = fields.next();
  time(fields.next());
  if (status.tag === 0xa1) return { hash, name, key, serial, revoked: time(firstOf(status)) };
  if (status.tag !== 0x80) return null;
  return { hash, name, key, serial, revoked: null };
}

function firstOf(element: Element): Element {
  const [found] = members(element);
  if (found === undefined) throw new Malformed("empty");
  return found;
}

async function statusIn(response: Response, certificate: Certificate, issuer: Certificate): Promise<RevocationStatus> {
  for (const single of response.singles) {
    if (!equal(single.serial.bytes, certificate.serial.bytes)) continue;
    const bitsOfKey = members(issuer.key)[1];
    if (bitsOfKey === undefined) return NOTHING;
    const fits =
      equal(single.name, await digest(single.hash, certificate.issuer)) &&
      equal(single.key, await digest(single.hash, bits(bitsOfKey)));
    if (!fits || !(await isResponseBy(response, issuer))) continue;
    return { known: single.revoked === null ? "good" : "revoked", since: single.revoked, carried: true };
  }
  return NOTHING;
}

/** RFC 6960, 4.2.2.2: the issuer itself, or a responder that it made one by a certificate. */
async function isResponseBy(response: Response, issuer: Certificate): Promise<boolean> {
  const isBy = async (each: Certificate): Promise<boolean> =>
    verifies(each.key, schemeIn(response), response.signature, response.tbs);
  if (await isBy(issuer).catch(() => false)) return true;
  for (const responder of response.certificates) {
    if (same(responder, issuer) || purposes(responder)?.includes(OCSP_SIGNING) !== true) continue;
    const delegated = equal(responder.issuer, issuer.subject) && (await isSignedBy(responder, issuer.key));
    if (delegated && (await isBy(responder))) return true;
  }
  return false;
}

