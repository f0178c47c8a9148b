/**
 * Who made a signed message over the given content (RFC 5652, 5.4 and 5.6; RFC 5035, 5):
 *
 * 1. the message digest attribute is the digest of the content;
 * 2. the content type attribute is the content's;
 * 3. the signer's certificate is the one that the signed ESSCertID names, and the signer identifier agrees;
 * 4. the signature over the signed attributes is by that certificate's key.
 *
 * Trust in the certificate is asked elsewhere (`paths.ts`).
 */

import { type Scheme, digest, hashOf, isWeak, keyWeakness, schemeOf, verifies } from "./algorithms";
import { type Element, Malformed, OCTET_STRING, OBJECT_IDENTIFIER, SEQUENCE, element, equal, members, oid } from "./asn1";
import { type Certificate, authorityKey, readOrNull, subjectKey } from "./certificates";
import {
  CONTENT_TYPE,
  MESSAGE_DIGEST,
  SIGNING_CERTIFICATE,
  SIGNING_CERTIFICATE_V2,
  type SignedMessage,
  UnreadableMessage,
  only,
} from "./messages";
import type { CertificateJudge, Path } from "./paths";
import { isListWhole } from "./revocation";
import { TEMPLATES } from "./sentences";
import { type Sentence, type Verdict, failed, sentence, undecided } from "./verdict";

/** A verified signer; `named` when ESSCertID names it. */
export interface Signer {
  readonly certificate: Certificate;
  readonly scheme: Scheme;
  readonly named: boolean;
}

/** The message is not a valid signature over the content; `verdict` says which step failed. */
export class NotSigned extends Error {
  constructor(readonly verdict: Verdict) {
    super(verdict.indication);
  }
}

/** The digest of the content by the hash of that name. */
export type DigestOf = (hash: string) => Promise<Uint8Array>;

/** Whether the message's digest attribute is that of the content. Raises UnreadableMessage or NotComputed. */
export async function isAbout(message: SignedMessage, digestOf: DigestOf): Promise<boolean> {
  const stated = only(message.signed, MESSAGE_DIGEST);
  const type = only(message.signed, CONTENT_TYPE);
  if (stated?.tag !== OCTET_STRING || type?.tag !== OBJECT_IDENTIFIER || oid(type) !== message.contentType) {
    throw new UnreadableMessage(TEMPLATES.noSignedAttributes);
  }
  return equal(stated.body, await digestOf(message.hash));
}

/** The signer of *message*. *known* are certificates beside those that it carries. Raises NotSigned,
 * UnreadableMessage, NotComputed or Malformed. */
export async function identifySigner(
  message: SignedMessage,
  digestOf: DigestOf,
  known: readonly Certificate[],
): Promise<Signer> {
  if (!(await isAbout(message, digestOf))) throw new NotSigned(failed("HASH_FAILURE", TEMPLATES.otherContent));
  const carried: Certificate[] = [];
  for (const each of message.certificates) {
    const certificate = await readOrNull(each);
    if (certificate !== null) carried.push(certificate);
  }
  const { certificate, named } = await signerAmong(message, [...carried, ...known]);
  const scheme = schemeOf(message.algorithm, message.hash);
  if (scheme.kind === "ED25519" && message.hash !== "SHA-512") {
    throw new NotSigned(undecided("SIG_CRYPTO_FAILURE", TEMPLATES.algorithmDoesNotFit)); // RFC 8419, 3
  }
  if (!(await verifies(certificate.key, scheme, message.signature, message.covered))) {
    throw new NotSigned(failed("SIG_CRYPTO_FAILURE", TEMPLATES.doesNotVerify));
  }
  return { certificate, scheme, named };
}

async function signerAmong(
  message: SignedMessage,
  candidates: readonly Certificate[],
): Promise<{ certificate: Certificate; named: boolean }> {
  const named = namedIn(message);
  for (const certificate of candidates) {
    if (named.length > 0 && !(await matches(certificate, named))) continue;
    if (identifies(message, certificate)) return { certificate, named: named.length > 0 };
    if (named.length > 0) throw new NotSigned(undecided("GENERIC", TEMPLATES.twoSigners));
  }
  const missing = message.certificates.length === 0;
  throw new NotSigned(
    missing
      ? undecided("NO_SIGNING_CERTIFICATE_FOUND", TEMPLATES.signerMissing)
      : undecided("GENERIC", TEMPLATES.otherSigner),
  );
}

type Reference = readonly [hash: string, value: Uint8Array];

/** Hash and value of the signer's certificate that the signature itself protects (may be none). */
function namedIn(message: SignedMessage): Reference[] {
  const found: Reference[] = [];
  try {
    const second = only(message.signed, SIGNING_CERTIFICATE_V2);
    if (second !== null) {
      const [algorithm, value] = firstReference(second);
      if (algorithm?.tag === OCTET_STRING) found.push(["SHA-256", algorithm.body]);
      else if (algorithm !== undefined && value?.tag === OCTET_STRING) found.push([hashOf(algorithm), value.body]);
      else throw new Malformed("reference");
      const [hash] = found[0] ?? [];
      // with SHA-1 that is a warning elsewhere; here it is left undecided
      if (hash !== undefined && isWeak(hash)) throw new NotSigned(undecided("CRYPTO_CONSTRAINTS_FAILURE", TEMPLATES.weakHash, { algorithm: hash }));
    }
    const older = only(message.signed, SIGNING_CERTIFICATE);
    if (older !== null) {
      const [value] = firstReference(older);
      if (value?.tag !== OCTET_STRING) throw new Malformed("reference");
      found.push(["SHA-1", value.body]);
    }
  } catch (error) {
    if (error instanceof Malformed) throw new UnreadableMessage(TEMPLATES.unreadableReference);
    throw error;
  }
  return found;
}

/** The members of the first ESSCertID in a signing-certificate attribute. */
function firstReference(attribute: Element): Element[] {
  const [list] = members(attribute, SEQUENCE);
  const [identifier] = list === undefined ? [] : members(list, SEQUENCE);
  return identifier === undefined ? [] : members(identifier, SEQUENCE);
}

async function matches(certificate: Certificate, named: readonly Reference[]): Promise<boolean> {
  for (const [hash, value] of named) {
    if (!equal(await digest(hash, certificate.der), value)) return false;
  }
  return true;
}

function identifies(message: SignedMessage, certificate: Certificate): boolean {
  if (message.signer.tag === SEQUENCE) {
    return equal(message.signer.bytes, element(SEQUENCE, certificate.issuer, certificate.serial.bytes));
  }
  const key = subjectKey(certificate);
  return message.signer.tag === 0x80 && key !== null && equal(message.signer.body, key);
}

/** Why hash and key no longer count, or null. */
export function weaknessOf(signer: Signer, ...hashes: readonly string[]): Verdict | null {
  const weak = [signer.scheme.hash, ...hashes].find(isWeak);
  if (weak !== undefined) return undecided("CRYPTO_CONSTRAINTS_FAILURE", TEMPLATES.weakHash, { algorithm: weak });
  const reason = keyWeakness(signer.certificate.key);
  return reason === null ? null : { indication: "INDETERMINATE", subindication: "CRYPTO_CONSTRAINTS_FAILURE", reasons: [reason] };
}

/**
 * What is wrong with the certificates and lists that *message* carries, which nothing signs. Each certificate is on the validated path, was
 * issued by somebody at hand, or has nothing to do with the path; else it is an altered copy.
 */
export async function defectOfCarried(
  message: SignedMessage,
  path: Path,
  judge: CertificateJudge,
): Promise<Sentence | null> {
  const good = [...path, ...judge.anchors];
  const carried: Certificate[] = [];
  for (const der of message.certificates) {
    const certificate = await readOrNull(der);
    if (certificate === null) return sentence(TEMPLATES.carriedDamaged);
    carried.push(certificate);
    if (good.some((each) => each.fingerprint === certificate.fingerprint)) continue;
    if ((await judge.issuers(certificate)).length > 0) continue;
    if (good.some((each) => resembles(certificate, each))) return sentence(TEMPLATES.carriedDamaged);
  }
  for (const list of message.crls) {
    if (!(await isListWhole(list, [...good, ...carried]))) return sentence(TEMPLATES.listDamaged);
  }
  return null;
}

/** Whether the two share what one flipped byte cannot change all at once, or one says that the other issued it. */
function resembles(certificate: Certificate, other: Certificate): boolean {
  const theirs = subjectKey(other);
  const ours = authorityKey(certificate);
  return (
    equal(certificate.subject, other.subject) ||
    equal(certificate.serial.bytes, other.serial.bytes) ||
    equal(certificate.key.bytes, other.key.bytes) ||
    equal(certificate.issuer, other.subject) ||
    (theirs !== null && ours !== null && equal(theirs, ours))
  );
}
