/** Certificates (RFC 5280, 4) as their bytes say, and the names that people read. Nothing is trusted here. */

import { digest, schemeOf, verifies, type Scheme } from "./algorithms";
import {
  type Element,
  Fields,
  Malformed,
  SEQUENCE,
  SET,
  OCTET_STRING,
  bits,

  equal,
  flag,
  hex,
  integer,
  latin1,
  members,
  namedBits,
  oid,
  text,
  time,
  whole,
} from "./asn1";
import type { CertificateDetails } from "./verdict";

export const BASIC_CONSTRAINTS = "2.5.29.19";
export const KEY_USAGE = "2.5.29.15";
export const EXTENDED_KEY_USAGE = "2.5.29.37";
export const SUBJECT_KEY = "2.5.29.14";
export const AUTHORITY_KEY = "2.5.29.35";
const FULL_NAME = "1.3.6.1.4.1.32473.1.3";
const COMMON_NAME = "2.5.4.3";
const ORGANISATION = "2.5.4.10";
const SHORT_NAMES: Readonly<Record<string, string>> = {
  [COMMON_NAME]: "CN",
  [ORGANISATION]: "O",
  "2.5.4.11": "OU",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.5": "2.5.4.5",
};

export interface Extension {
  readonly critical: boolean;
  readonly value: Uint8Array;
}

/** The signed part, algorithm and signature of a certificate, list or response; the algorithm is the signed one. */
export interface Signed {
  readonly tbs: Uint8Array;
  readonly algorithm: Element;
  readonly signature: Uint8Array;
}

export interface Certificate extends Signed {
  readonly der: Uint8Array;
  /** SHA-256 of `der` in hex: two certificates are one when these are equal. */
  readonly fingerprint: string;
  readonly serial: Element;
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly key: Element;
  readonly extensions: ReadonlyMap<string, Extension>;
  readonly name: string;
}

/** The certificate in *der*. Raises Malformed for bytes that are none, or not the one encoding of one. */
export async function readCertificate(der: Uint8Array): Promise<Certificate> {
  const signed = readSigned(whole(der));
  const fields = new Fields(whole(signed.tbs));
  const version = fields.optional(0xa0);
  const number = version === undefined ? 0n : integer(whole(version.body));
  const serial = fields.next();
  if (integer(serial) <= 0n || (version !== undefined && number !== 1n && number !== 2n)) throw new Malformed("version or serial");
  if (!equal(fields.next().bytes, signed.algorithm.bytes)) throw new Malformed("two algorithms");
  const issuer = fields.next(SEQUENCE).bytes;
  const validity = new Fields(fields.next());
  const [notBefore, notAfter] = [time(validity.next()), time(validity.next())];
  validity.end();
  const subject = fields.next(SEQUENCE).bytes;
  const key = fields.next(SEQUENCE);
  const last = fields.optional(0xa3);
  fields.end();
  const extensions = last === undefined ? new Map<string, Extension>() : readExtensions(whole(last.body));
  if (extensions.size > 0 && number !== 2n) throw new Malformed("extensions of an old version");
  const fingerprint = hex(await digest("SHA-256", der));
  const name = shownName(subject, extensions);
  return { ...signed, der, fingerprint, serial, issuer, subject, notBefore, notAfter, key, extensions, name };
}

/** SEQUENCE { signed part, algorithm, BIT STRING } (RFC 5280, 4.1 and 5.1). */
export function readSigned(element: Element): Signed {
  const fields = new Fields(element);
  const tbs = fields.next(SEQUENCE).bytes;
  const algorithm = fields.next(SEQUENCE);
  const signature = bits(fields.next());
  fields.end();
  return { tbs, algorithm, signature };
}

/** Extensions by their identifier. Raises Malformed when one is there twice. */
export function readExtensions(list: Element): Map<string, Extension> {
  const found = new Map<string, Extension>();
  for (const each of members(list, SEQUENCE)) {
    const fields = new Fields(each);
    const name = oid(fields.next());
    const critical = flag(fields);
    const value = fields.next(OCTET_STRING).body;
    fields.end();
    if (found.has(name)) throw new Malformed("an extension that is repeated");
    found.set(name, { critical, value });
  }
  return found;
}

export function same(a: Certificate, b: Certificate): boolean {
  return a.fingerprint === b.fingerprint;
}

/** The scheme in which something is signed. Raises NotComputed. */
export function schemeIn(signed: Signed): Scheme {
  return schemeOf(signed.algorithm, "SHA-256");
}

/** Whether *issuer*'s key made *signed*; false for what cannot be computed. */
export async function isSignedBy(signed: Signed, key: Element): Promise<boolean> {
  try {
    return await verifies(key, schemeIn(signed), signed.signature, signed.tbs);
  } catch {
    return false;
  }
}

/** Whether it is an authority's, and how many authorities may be below it (null: any number). */
export function authorityIn(certificate: Certificate): { authority: boolean; pathLength: number | null } {
  const value = certificate.extensions.get(BASIC_CONSTRAINTS)?.value;
  if (value === undefined) return { authority: false, pathLength: null };
  const fields = new Fields(whole(value));
  const authority = flag(fields);
  const length = fields.empty ? null : Number(integer(fields.next()));
  fields.end();
  return { authority, pathLength: length };
}

/** The bits of the key usage (RFC 5280, 4.2.1.3), null without one. */
export function keyUsage(certificate: Certificate): Set<number> | null {
  const value = certificate.extensions.get(KEY_USAGE)?.value;
  return value === undefined ? null : namedBits(whole(value));
}

/** The purposes of the extended key usage, null without one. */
export function purposes(certificate: Certificate): string[] | null {
  const value = certificate.extensions.get(EXTENDED_KEY_USAGE)?.value;
  return value === undefined ? null : members(whole(value), SEQUENCE).map(oid);
}

/** The subject key identifier, null without one. */
export function subjectKey(certificate: Certificate): Uint8Array | null {
  const value = certificate.extensions.get(SUBJECT_KEY)?.value;
  return value === undefined ? null : whole(value, OCTET_STRING).body;
}

/** The key identifier of the authority key identifier, null without one. */
export function authorityKey(certificate: Certificate): Uint8Array | null {
  const value = certificate.extensions.get(AUTHORITY_KEY)?.value;
  if (value === undefined) return null;
  return members(whole(value), SEQUENCE).find((each) => each.tag === 0x80)?.body ?? null;
}

/** Whether every extension that is read here can be read. */
export function isLegible(certificate: Certificate): boolean {
  try {
    authorityIn(certificate);
    keyUsage(certificate);
    purposes(certificate);
    subjectKey(certificate);
    authorityKey(certificate);
    return true;
  } catch {
    return false;
  }
}

export function details(certificate: Certificate): CertificateDetails {
  return {
    subject: written(certificate.subject),
    issuer: written(certificate.issuer),
    serial: BigInt(`0x${hex(certificate.serial.body)}`).toString(16),
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    fingerprint: certificate.fingerprint,
  };
}

function attributes(name: Uint8Array): (readonly [string, string])[] {
  return members(whole(name), SEQUENCE).flatMap((set) =>
    members(set, SET).map((each) => {
      const [kind, value] = members(each, SEQUENCE);
      if (kind === undefined || value === undefined) throw new Malformed("name");
      return [oid(kind), text(value)] as const;
    }),
  );
}

/** RFC 4514, last part first. */
function written(name: Uint8Array): string {
  return attributes(name)
    .map(([kind, value]) => `${SHORT_NAMES[kind] ?? kind}=${value.replace(/[",+<>;\\]/g, "\\$&")}`)
    .reverse()
    .join(",");
}

const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/;

/** Common name with the organisation in brackets, as the reports of `vermilion verify` show it. */
function shownName(subject: Uint8Array, extensions: ReadonlyMap<string, Extension>): string {
  const parts = new Map(attributes(subject));
  const full = fullName(extensions.get(FULL_NAME)?.value);
  const common = unlessOther(full.common, parts.get(COMMON_NAME));
  const organisation = unlessOther(full.organisation, parts.get(ORGANISATION));
  if (!common) return written(subject);
  if (!organisation || common.includes(organisation)) return common;
  return WIDE.test(common + organisation) ? `${common}（${organisation}）` : `${common} (${organisation})`;
}

/** The name in *full* if *short* is its beginning, or that with its end; else *short*. */
function unlessOther(full: string | undefined, short: string | undefined): string | undefined {
  if (full === undefined || !short || full.length <= short.length) return short;
  for (let cut = short.length; cut > 0; cut--) {
    if (full.startsWith(short.slice(0, cut)) && full.endsWith(short.slice(cut))) return full;
  }
  return short;
}

/** The names for which the subject has no room (the appliance's own extension). */
function fullName(value: Uint8Array | undefined): { common?: string; organisation?: string } {
  const found: { common?: string; organisation?: string } = {};
  if (value === undefined) return found;
  for (const each of members(whole(value), SEQUENCE)) {
    const stated = new TextDecoder().decode(each.body);
    if (each.tag === 0x80) found.organisation = stated;
    if (each.tag === 0x81) found.common = stated;
  }
  return found;
}

/** The blocks of PEM text of one kind as DER; DER as it is. */
export function blocks(file: Uint8Array, kind: string): Uint8Array[] {
  if (file[0] === SEQUENCE) return [file];
  const pattern = new RegExp(`-----BEGIN ${kind}-----([A-Za-z0-9+/=\\s]+)-----END ${kind}-----`, "g");
  return [...latin1(file).matchAll(pattern)].flatMap((match) => {
    try {
      return [Uint8Array.from(atob((match[1] ?? "").replace(/\s/g, "")), (each) => each.charCodeAt(0))];
    } catch {
      return [];
    }
  });
}

/** Those of the certificates in *files* (PEM or DER) that can be read, none twice. */
export async function readCertificates(files: readonly Uint8Array[]): Promise<Certificate[]> {
  const found = new Map<string, Certificate>();
  for (const der of files.flatMap((each) => blocks(each, "CERTIFICATE"))) {
    const certificate = await readOrNull(der);
    if (certificate !== null) found.set(certificate.fingerprint, certificate);
  }
  return [...found.values()];
}

/** The certificate, or null for bytes that are none or that nobody here can read whole. */
export async function readOrNull(der: Uint8Array): Promise<Certificate | null> {
  try {
    const certificate = await readCertificate(der);
    return isLegible(certificate) ? certificate : null;
  } catch {
    return null;
  }
}

