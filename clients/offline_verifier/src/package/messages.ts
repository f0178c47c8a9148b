/** What packages take out of CMS messages, timestamps and certificates (RFC 5652, 3161, 5280); nothing is verified here. */

import { type Element, Fields, Malformed, OBJECT_IDENTIFIER, SEQUENCE, SET, element, integer, latin1, members, oid, text, whole } from "../asn1";
import { fromBase64, joined, utf8 } from "../octets";
import { Refused, require } from "./refusal";

const [SIGNED_DATA, TST_INFO] = ["1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"];
const [SIGNING_TIME, SIGNATURE_TIMESTAMP] = ["1.2.840.113549.1.9.5", "1.2.840.113549.1.9.16.2.14"];
const [CONTEXT_0, CONTEXT_1, CONTEXT_3, OCTETS, INTEGER_TAG, BOOLEAN_TAG] = [0xa0, 0xa1, 0xa3, 0x04, 0x02, 0x01];
const [COMMON_NAME, SERIAL_NUMBER] = ["2.5.4.3", "2.5.4.5"];
const [BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE] = ["2.5.29.19", "2.5.29.37"];
/** For signing documents: emailProtection and documentSigning (RFC 9336). */
const SIGNING = "1.3.6.1.5.5.7.3.36 1.3.6.1.5.5.7.3.4";
const SHA256_IMPRINT = Uint8Array.of(0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20);
const UNREAD = "The file {path} of the package cannot be read.";

/** A CMS of one signer: the value of the signature, the certificates in the bag, the signature's timestamps. */
export interface Message {
  readonly signature: Uint8Array;
  readonly signer: { readonly issuer: Uint8Array; readonly serial: bigint } | null;
  readonly certificates: readonly Uint8Array[];
  readonly tokens: readonly Uint8Array[];
  readonly statesTime: boolean;
  /** Of the message and of its signer, which nothing covers (RFC 5652, 5.1, 5.3). */
  readonly versions: readonly [bigint, bigint];
  /** Nothing that is not signed but certificates: no unsigned attributes, no lists, no content. */
  readonly plain: boolean;
  readonly content: Uint8Array | null;
}

/** The message in *octets* (of the file *path*, which refusals name). */
export function readMessage(octets: Uint8Array, path: string): Message {
  return reading(path, () => {
    const outer = new Fields(whole(octets, SEQUENCE));
    if (oid(outer.next(OBJECT_IDENTIFIER)) !== SIGNED_DATA) throw new Malformed("no signed data");
    const signed = new Fields(new Fields(outer.next(CONTEXT_0), CONTEXT_0).next(SEQUENCE));
    const version = integer(signed.next(INTEGER_TAG));
    signed.next(SET);
    const inside = new Fields(signed.next(SEQUENCE));
    inside.next(OBJECT_IDENTIFIER);
    const content = inside.optional(CONTEXT_0);
    const bag = signed.optional(CONTEXT_0);
    const lists = signed.optional(CONTEXT_1);
    const signers = members(signed.next(SET));
    if (signers.length !== 1 || signers[0] === undefined) throw new Malformed("not one signer");
    const own = readSigner(signers[0]);
    const certificates = bag === undefined ? [] : members(bag).map((each) => each.bytes);
    const plain = own.plain && content === undefined && lists === undefined;
    const held = content === undefined ? null : (members(content)[0]?.body ?? null);
    return { ...own, versions: [version, own.version], certificates, plain, content: held };
  });
}

function readSigner(signer: Element): Omit<Message, "certificates" | "content" | "versions"> & { readonly version: bigint } {
  const fields = new Fields(signer);
  const version = integer(fields.next(INTEGER_TAG));
  const named = fields.next();
  fields.next(SEQUENCE);
  const signed = fields.optional(CONTEXT_0);
  fields.next(SEQUENCE);
  const signature = fields.next(OCTETS).body;
  const unsigned = fields.optional(CONTEXT_1);
  fields.end();
  const kinds = signed === undefined ? [] : members(signed).map((each) => oid(members(each)[0] ?? each));
  const tokens = (unsigned === undefined ? [] : members(unsigned)).flatMap((each) => {
    const [kind, values] = members(each);
    const stamped = kind !== undefined && values !== undefined && oid(kind) === SIGNATURE_TIMESTAMP;
    return stamped ? members(values).map((value) => value.bytes) : [];
  });
  const [issuer, serial] = named.tag === SEQUENCE ? members(named) : [];
  const by = issuer === undefined || serial === undefined ? null : { issuer: issuer.bytes, serial: integer(serial) };
  return { version, signature, signer: by, tokens, statesTime: kinds.includes(SIGNING_TIME), plain: unsigned === undefined };
}

/** A timestamp: its token, serial number and nonce, and the certificates in it. */
export interface Token {
  readonly token: Uint8Array;
  readonly serial: bigint;
  readonly nonce: bigint | null;
  readonly certificates: readonly Uint8Array[];
}

/** As programs read it alike: microseconds at most, without zeros behind (X.690, 11.7). */
const GEN_TIME = /^\d{14}(?:\.\d{0,5}[1-9])?Z$/;

/** The timestamp in a token or a whole reply (a TimeStampResp whose status is granted). */
export function readToken(octets: Uint8Array, path: string): Token {
  return reading(path, () => {
    const [head, second] = members(whole(octets, SEQUENCE));
    const token = head?.tag === SEQUENCE && second !== undefined ? second.bytes : octets;
    const message = readMessage(token, path);
    const info = new Fields(whole(message.content ?? new Uint8Array(), SEQUENCE));
    for (const tag of [INTEGER_TAG, OBJECT_IDENTIFIER, SEQUENCE]) info.next(tag);
    const serial = integer(info.next(INTEGER_TAG));
    if (!GEN_TIME.test(latin1(info.next().body))) throw new Malformed("time");
    info.optional(SEQUENCE);
    info.optional(BOOLEAN_TAG);
    const nonce = info.optional(INTEGER_TAG);
    return { token, serial, nonce: nonce === undefined ? null : integer(nonce), certificates: message.certificates };
  });
}

/** Whether *octets* are a token or a reply rather than some other CMS. */
export function isTimestamp(octets: Uint8Array): boolean {
  try {
    const [head, second] = members(whole(octets, SEQUENCE));
    if (head === undefined || second === undefined) return false;
    if (head.tag === SEQUENCE) return isTimestamp(second.bytes);
    const signed = members(members(second)[0] ?? second);
    const kind = members(signed[2] ?? second)[0];
    return oid(head) === SIGNED_DATA && kind !== undefined && oid(kind) === TST_INFO;
  } catch {
    return false;
  }
}

/** The query that a timestamp over *digest* (SHA-256) with this *nonce* answers: with certificates, without a policy. */
export function queryFor(digest: Uint8Array, nonce: bigint | null): Uint8Array {
  const version = Uint8Array.of(INTEGER_TAG, 1, 1);
  const wanted = Uint8Array.of(BOOLEAN_TAG, 1, 0xff);
  const number = nonce === null ? new Uint8Array() : element(INTEGER_TAG, bytesOf(nonce));
  return element(SEQUENCE, version, joined(SHA256_IMPRINT, digest), number, wanted);
}

/** The reply that grants just *token* (RFC 3161, 2.4.2). */
export function replyWith(token: Uint8Array): Uint8Array {
  return element(SEQUENCE, element(SEQUENCE, Uint8Array.of(INTEGER_TAG, 1, 0)), token);
}

function bytesOf(number: bigint): Uint8Array {
  const digits = number.toString(16);
  const even = digits.length % 2 === 0 ? digits : `0${digits}`;
  const octets = Uint8Array.from(even.match(/../g) ?? [], (each) => parseInt(each, 16));
  return (octets[0] ?? 0) >= 0x80 ? joined(Uint8Array.of(0), octets) : octets;
}

/** A certificate as a package needs it. */
export interface Certificate {
  readonly der: Uint8Array;
  readonly serial: bigint;
  readonly issuer: Uint8Array;
  readonly subject: readonly (readonly [string, string])[];
  readonly usages: readonly string[];
  readonly authority: boolean;
}

export function readCertificate(der: Uint8Array, path: string): Certificate {
  return reading(path, () => {
    const certificate = new Fields(whole(der, SEQUENCE));
    const fields = new Fields(certificate.next(SEQUENCE));
    fields.optional(CONTEXT_0);
    const serial = integer(fields.next(INTEGER_TAG));
    fields.next(SEQUENCE);
    const issuer = fields.next(SEQUENCE).bytes;
    fields.next(SEQUENCE);
    const subject = namesIn(fields.next(SEQUENCE));
    fields.next(SEQUENCE);
    for (const tag of [0x81, 0x82]) fields.optional(tag);
    const extensions = fields.optional(CONTEXT_3);
    const found = extensions === undefined ? [] : members(members(extensions)[0] ?? extensions).map(extension);
    const of = (kind: string): Uint8Array | undefined => found.find(([each]) => each === kind)?.[1];
    const usages = of(EXTENDED_KEY_USAGE);
    const constraints = of(BASIC_CONSTRAINTS);
    return {
      der,
      serial,
      issuer,
      subject,
      usages: usages === undefined ? [] : members(whole(usages, SEQUENCE)).map(oid),
      authority: constraints !== undefined && members(whole(constraints, SEQUENCE))[0]?.tag === BOOLEAN_TAG,
    };
  });
}

function extension(each: Element): [string, Uint8Array] {
  const parts = members(each);
  const last = parts[parts.length - 1];
  if (parts[0] === undefined || last === undefined) throw new Malformed("extension");
  return [oid(parts[0]), last.body];
}

function namesIn(name: Element): (readonly [string, string])[] {
  return members(name)
    .flatMap((each) => members(each))
    .map((each) => {
      const [kind, value] = members(each);
      if (kind === undefined || value === undefined) throw new Malformed("name");
      return [oid(kind), text(value)] as const;
    });
}

/** Whom a certificate names as the log names people and seals (X.520 serialNumber); empty for services. */
export function identifierOf(certificate: Certificate): string {
  return certificate.subject.find(([kind]) => kind === SERIAL_NUMBER)?.[1] ?? "";
}

export function commonName(certificate: Certificate): string {
  return certificate.subject.find(([kind]) => kind === COMMON_NAME)?.[1] ?? "";
}

/** People and seals have a serialNumber, other services another extended key usage, authorities none. */
export function isEvidenceService(certificate: Certificate): boolean {
  return [...certificate.usages].sort().join(" ") === SIGNING && !certificate.authority && identifierOf(certificate) === "" && commonName(certificate) !== "";
}

/** The DER in each block of a PEM file; raises Refused where there is anything else in it, or lines of another length (RFC 7468, 2). */
export function fromPem(octets: Uint8Array, label: "CERTIFICATE" | "X509 CRL", path: string): Uint8Array[] {
  const lines = utf8(octets) ?? "?";
  const block = new RegExp(`-----BEGIN ${label}-----\\n([A-Za-z0-9+/=\\n]+)-----END ${label}-----\\n`, "g");
  const found = [...lines.matchAll(block)];
  require(lines !== "" && found.map(([each]) => each).join("") === lines, UNREAD, { path });
  return found.map(([, body = ""]) => {
    const der = fromBase64(body.replaceAll("\n", ""));
    require(der && /^(?:[^\n]{64}\n)*[^\n]{1,64}\n$/.test(body), UNREAD, { path });
    return der;
  });
}

function reading<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Refused(UNREAD, { path });
  }
}
