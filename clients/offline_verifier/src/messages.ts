/**
 * Reading a signed message (CMS, RFC 5652) strictly: DER, one signer, signed attributes in their one order. What no
 * signature covers must have one form only, or it could be changed unseen.
 */

import { NotComputed, hashOf } from "./algorithms";
import {
  type Element,
  Fields,
  Malformed,
  OCTET_STRING,
  SEQUENCE,
  SET,
  compare,
  element,
  first,
  integer,
  members,
  oid,
  time,
  whole,
} from "./asn1";
import { isIndefinite, toDer } from "./ber";
import { TEMPLATES, type Template } from "./sentences";
import { type Sentence, sentence } from "./verdict";

export const DATA = "1.2.840.113549.1.7.1";
const SIGNED_DATA = "1.2.840.113549.1.7.2";
export const TST_INFO = "1.2.840.113549.1.9.16.1.4";
export const CONTENT_TYPE = "1.2.840.113549.1.9.3";
export const MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
const SIGNING_TIME = "1.2.840.113549.1.9.5";
export const SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12";
export const SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47";
export const MIME_TYPE = "0.4.0.1733.2.1";
const SIGNATURE_TIMESTAMP = "1.2.840.113549.1.9.16.2.14";
const ADOBE_REVOCATION = "1.2.840.113583.1.1.8";
const ALGORITHM_PROTECTION = "1.2.840.113549.1.9.52";
const MOST = 100;
const LARGEST = 16 * 1024 * 1024;

/** The message is not what it should be; `reason` says what is wrong. */
export class UnreadableMessage extends Error {
  readonly reason: Sentence;

  constructor(template: Template, values: Record<string, string | number> = {}) {
    super(template);
    this.reason = sentence(template, values);
  }
}

/** A signed message with its one signer. Names as in RFC 5652; `covered` is what the signature is over. */
export interface SignedMessage {
  readonly contentType: string;
  readonly content: Uint8Array | null;
  readonly certificates: readonly Uint8Array[];
  readonly crls: readonly Uint8Array[];
  readonly responses: readonly Uint8Array[];
  readonly signer: Element;
  readonly hash: string;
  readonly covered: Uint8Array;
  readonly signed: ReadonlyMap<string, readonly Element[]>;
  readonly algorithm: Element;
  readonly signature: Uint8Array;
  readonly timestamps: readonly Uint8Array[];
  readonly unsigned: boolean;
  /** Departures that no signature covers, unless a later one does. */
  readonly defects: readonly Sentence[];
  /** Departures that change no meaning. */
  readonly remarks: readonly Sentence[];
}

/** The message in *der*, all of it; BER is read as the DER that it stands for. Raises UnreadableMessage or NotComputed. */
export function readMessage(der: Uint8Array): SignedMessage {
  if (der.length > LARGEST) throw new UnreadableMessage(TEMPLATES.damagedMessage);
  try {
    if (!isIndefinite(der)) return read(whole(der), []);
    const made = toDer(der);
    if (made.length !== der.length) throw new Malformed("bytes after the element");
    return read(whole(made.der), [sentence(TEMPLATES.ber)]);
  } catch (error) {
    if (error instanceof Malformed) throw new UnreadableMessage(TEMPLATES.damagedMessage);
    throw error;
  }
}

/** The message at the start of *contents*; after it only zeros, which nothing signs. */
export function messageIn(contents: Uint8Array): SignedMessage {
  let length: number;
  try {
    length = isIndefinite(contents) ? toDer(contents).length : first(contents).bytes.length;
  } catch {
    throw new UnreadableMessage(TEMPLATES.damagedMessage);
  }
  if (contents.subarray(length).some((octet) => octet !== 0)) throw new UnreadableMessage(TEMPLATES.roomNotEmpty);
  return readMessage(contents.subarray(0, length));
}

function read(info: Element, remarks: readonly Sentence[]): SignedMessage {
  const outer = new Fields(info);
  if (oid(outer.next()) !== SIGNED_DATA) throw new UnreadableMessage(TEMPLATES.noSignedData);
  const fields = new Fields(whole(outer.next(0xa0).body));
  outer.end();
  const version = integer(fields.next());
  const listed = members(fields.next(), SET).map(hashOf);
  const encapsulated = new Fields(fields.next());
  const certificates = fields.optional(0xa0);
  const crls = fields.optional(0xa1);
  const signers = members(fields.next(), SET);
  fields.end();
  const contentType = oid(encapsulated.next());
  const content = encapsulated.optional(0xa0);
  encapsulated.end();
  const [signer] = signers;
  if (signer === undefined || signers.length > 1) {
    throw new UnreadableMessage(TEMPLATES.severalSigners, { count: signers.length });
  }
  const one = readSigner(signer);
  const expected = one.byKey || contentType !== DATA ? 3n : 1n;
  const defects: Sentence[] = [...one.defects];
  if (version !== expected) defects.push(sentence(TEMPLATES.otherVersion));
  if (listed.length !== 1) defects.push(sentence(TEMPLATES.moreDigests));
  if (!listed.includes(one.hash)) throw new UnreadableMessage(TEMPLATES.otherDigests);
  const carried = certificates === undefined ? [] : members(certificates);
  if (carried.some((each) => each.tag !== SEQUENCE)) throw new UnreadableMessage(TEMPLATES.oddCertificates);
  const lists = crls === undefined ? [] : members(crls);
  if (lists.some((each) => each.tag !== SEQUENCE)) throw new UnreadableMessage(TEMPLATES.oddCertificates);
  return {
    ...one,
    contentType,
    content: content === undefined ? null : whole(content.body, OCTET_STRING).body,
    certificates: carried.map((each) => each.bytes),
    crls: [...lists.map((each) => each.bytes), ...archived(one.signed, 0xa0)],
    responses: archived(one.signed, 0xa1),
    defects,
    remarks,
  };
}

type Signer = Omit<SignedMessage, "contentType" | "content" | "certificates" | "crls" | "responses" | "remarks"> & {
  readonly byKey: boolean;
};

function readSigner(signer: Element): Signer {
  const fields = new Fields(signer);
  const version = integer(fields.next());
  const identifier = fields.next();
  const byKey = identifier.tag !== SEQUENCE;
  const hash = hashOf(fields.next());
  const signedSet = fields.optional(0xa0);
  const algorithm = fields.next(SEQUENCE);
  const signature = fields.next(OCTET_STRING).body;
  const unsignedSet = fields.optional(0xa1);
  fields.end();
  const defects = version === (byKey ? 3n : 1n) ? [] : [sentence(TEMPLATES.signerVersion)];
  if (signedSet === undefined) throw new UnreadableMessage(TEMPLATES.noSignedAttributes);
  const listed = members(signedSet);
  const sorted = listed.every((each, index) => index === 0 || compare(listed[index - 1]?.bytes ?? each.bytes, each.bytes) <= 0);
  if (!sorted) throw new UnreadableMessage(TEMPLATES.unsorted);
  const signed = attributes(listed);
  const unsignedList = unsignedSet === undefined ? [] : members(unsignedSet);
  const unsigned = attributes(unsignedList);
  if (unsignedSet !== undefined && unsignedList.length === 0) throw new Malformed("empty set");
  const unknown = [...unsigned.keys()].filter((each) => each !== SIGNATURE_TIMESTAMP).sort();
  if (unknown.length > 0) defects.push(sentence(TEMPLATES.unsignedUnknown, { oid: unknown.join(", ") }));
  checkProtection(signed, hash, algorithm);
  return {
    signer: identifier,
    byKey,
    hash,
    covered: element(SET, signedSet.body),
    signed,
    algorithm,
    signature,
    timestamps: (unsigned.get(SIGNATURE_TIMESTAMP) ?? []).map((each) => each.bytes),
    unsigned: unsigned.size > 0,
    defects,
  };
}

function attributes(listed: readonly Element[]): Map<string, Element[]> {
  if (listed.length > MOST) throw new Malformed("too many attributes");
  const found = new Map<string, Element[]>();
  for (const each of listed) {
    const fields = new Fields(each);
    const name = oid(fields.next());
    const values = members(fields.next(), SET);
    fields.end();
    if (values.length === 0 || values.length > MOST) throw new Malformed("an attribute without a value");
    found.set(name, [...(found.get(name) ?? []), ...values]);
  }
  return found;
}

/** RFC 6211: the algorithms that the signature protects are those that it says outside. */
function checkProtection(signed: ReadonlyMap<string, readonly Element[]>, hash: string, algorithm: Element): void {
  const value = only(signed, ALGORITHM_PROTECTION);
  if (value === null) return;
  const fields = new Fields(value);
  const named = hashOf(fields.next());
  const [protectedName] = members(inSequence(fields.next(0xa1)));
  const [outside] = members(algorithm);
  if (named !== hash || protectedName === undefined || outside === undefined || oid(protectedName) !== oid(outside)) {
    throw new UnreadableMessage(TEMPLATES.otherAlgorithms);
  }
}

function inSequence(tagged: Element): Element {
  return { ...tagged, tag: SEQUENCE };
}

/** The one value of a signed attribute, null when absent. Raises UnreadableMessage for several. */
export function only(signed: ReadonlyMap<string, readonly Element[]>, name: string): Element | null {
  const values = signed.get(name) ?? [];
  if (values.length > 1) throw new UnreadableMessage(TEMPLATES.repeated, { oid: name });
  return values[0] ?? null;
}

/** The time that the signer claims, null without one. */
export function claimedTime(message: SignedMessage): Date | null {
  try {
    const value = only(message.signed, SIGNING_TIME);
    return value === null ? null : time(value);
  } catch {
    return null;
  }
}

/** The lists or responses in Adobe's signed attribute (ISO 32000-2, 12.8.3.3.2). */
function archived(signed: ReadonlyMap<string, readonly Element[]>, tag: number): Uint8Array[] {
  return (signed.get(ADOBE_REVOCATION) ?? []).flatMap((each) =>
    members(each)
      .filter((tagged) => tagged.tag === tag)
      .flatMap((tagged) => members(whole(tagged.body)).map((member) => member.bytes)),
  );
}

/** What is wrong, where *error* is about the message; everything else is thrown on. */
export function reasonOf(error: unknown): Sentence {
  if (error instanceof UnreadableMessage || error instanceof NotComputed) return error.reason;
  if (error instanceof Malformed) return sentence(TEMPLATES.damagedMessage);
  throw error;
}
