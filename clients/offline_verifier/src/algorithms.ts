/**
 * Hashes and signatures by WebCrypto: which are known, which no longer count, and checking one signature. What a
 * browser cannot compute (SM2, SM3, Ed448, SHA-3, SHA-224) is named, and never taken for good.
 */

import { type Element, Fields, Malformed, SEQUENCE, bits, equal, integer, members, oid, whole } from "./asn1";
import { type Sentence, sentence } from "./verdict";
import { TEMPLATES } from "./sentences";

const HASHES: Readonly<Record<string, string>> = {
  "1.2.840.113549.2.5": "MD5",
  "1.3.14.3.2.26": "SHA-1",
  "2.16.840.1.101.3.4.2.4": "SHA-224",
  "2.16.840.1.101.3.4.2.1": "SHA-256",
  "2.16.840.1.101.3.4.2.2": "SHA-384",
  "2.16.840.1.101.3.4.2.3": "SHA-512",
  "2.16.840.1.101.3.4.2.8": "SHA3-256",
  "2.16.840.1.101.3.4.2.9": "SHA3-384",
  "2.16.840.1.101.3.4.2.10": "SHA3-512",
  "2.16.840.1.101.3.4.2.12": "SHAKE256",
  "1.2.156.10197.1.401": "SM3",
};
const COMPUTED = new Set(["SHA-1", "SHA-256", "SHA-384", "SHA-512"]);
const WEAK = new Set(["MD5", "SHA-1"]);

type Kind = "RSA" | "PSS" | "ECDSA" | "ED25519";
/** By the algorithm's identifier: kind of signature and hash, null where that is stated elsewhere. */
const SCHEMES: Readonly<Record<string, readonly [Kind, string | null]>> = {
  "1.2.840.113549.1.1.1": ["RSA", null],
  "1.2.840.113549.1.1.4": ["RSA", "MD5"],
  "1.2.840.113549.1.1.5": ["RSA", "SHA-1"],
  "1.2.840.113549.1.1.14": ["RSA", "SHA-224"],
  "1.2.840.113549.1.1.11": ["RSA", "SHA-256"],
  "1.2.840.113549.1.1.12": ["RSA", "SHA-384"],
  "1.2.840.113549.1.1.13": ["RSA", "SHA-512"],
  "1.2.840.113549.1.1.10": ["PSS", null],
  "1.2.840.10045.4.1": ["ECDSA", "SHA-1"],
  "1.2.840.10045.4.3.1": ["ECDSA", "SHA-224"],
  "1.2.840.10045.4.3.2": ["ECDSA", "SHA-256"],
  "1.2.840.10045.4.3.3": ["ECDSA", "SHA-384"],
  "1.2.840.10045.4.3.4": ["ECDSA", "SHA-512"],
  "1.3.101.112": ["ED25519", null],
};
const MGF1 = "1.2.840.113549.1.1.8";
const NAMES: Readonly<Record<string, string>> = {
  "1.2.156.10197.1.501": "SM2 / SM3",
  "1.2.156.10197.1.301": "SM2",
  "1.3.101.113": "Ed448",
  "1.2.840.10040.4.1": "DSA",
  "1.2.840.10040.4.3": "DSA / SHA-1",
  "2.16.840.1.101.3.4.3.2": "DSA / SHA-256",
};
const CURVES: Readonly<Record<string, readonly [string, number]>> = {
  "1.2.840.10045.3.1.7": ["P-256", 32],
  "1.3.132.0.34": ["P-384", 48],
  "1.3.132.0.35": ["P-521", 66],
};
const RSA_KEY = "1.2.840.113549.1.1.1";
const EC_KEY = "1.2.840.10045.2.1";
const ED25519_KEY = "1.3.101.112";
const SMALLEST_MODULUS = 1900;
const LARGEST_MODULUS = 8192;
const NULL = Uint8Array.of(0x05, 0x00);

/** What cannot be computed here; `reason` names it. */
export class NotComputed extends Error {
  constructor(readonly reason: Sentence) {
    super(reason.template);
  }
}

function unknown(identifier: string): NotComputed {
  return new NotComputed(sentence(TEMPLATES.algorithmUnknown, { algorithm: NAMES[identifier] ?? identifier }));
}

/** The bytes as WebCrypto's types want them. */
export function source(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}

/** The hash that an AlgorithmIdentifier names; its parameters are absent or NULL. */
export function hashOf(identifier: Element): string {
  const fields = new Fields(identifier);
  const name = oid(fields.next());
  if (!fields.empty && !equal(fields.next().bytes, NULL)) throw new Malformed("parameters of a hash");
  fields.end();
  return HASHES[name] ?? name;
}

/** Whether the hash protects a signature no longer. */
export function isWeak(hash: string): boolean {
  return WEAK.has(hash);
}

/** The digest of *data*. Raises NotComputed for a hash that browsers do not have. */
export async function digest(hash: string, data: Uint8Array): Promise<Uint8Array> {
  if (!COMPUTED.has(hash)) throw new NotComputed(sentence(TEMPLATES.algorithmUnknown, { algorithm: hash }));
  return new Uint8Array(await crypto.subtle.digest(hash, source(data)));
}

/** A signature's scheme; `salt` of PSS in octets. */
export interface Scheme {
  readonly kind: Kind;
  readonly hash: string;
  readonly salt: number;
  readonly label: string;
}

/** The scheme that an AlgorithmIdentifier names; RSA without a hash takes *hash* (RFC 3370, 3.2). */
export function schemeOf(identifier: Element, hash: string): Scheme {
  const [name, parameters, ...more] = members(identifier, SEQUENCE);
  if (name === undefined || more.length > 0) throw new Malformed("algorithm");
  const known = SCHEMES[oid(name)];
  if (known === undefined) throw unknown(oid(name));
  const [kind, stated] = known;
  if (kind === "PSS") return pssOf(parameters);
  if (parameters !== undefined && !equal(parameters.bytes, NULL)) throw unknown(oid(name));
  const used = stated ?? (kind === "ED25519" ? "SHA-512" : hash);
  return { kind, hash: used, salt: 0, label: kind === "ED25519" ? kind : `${kind} / ${used}` };
}

/** RFC 4055, 3.1: hash, mask with the same hash, salt, trailer 1; defaults (SHA-1) are weak and refused. */
function pssOf(parameters: Element | undefined): Scheme {
  if (parameters === undefined) return { kind: "PSS", hash: "SHA-1", salt: 20, label: "PSS / SHA-1" };
  const fields = new Fields(parameters);
  const hash = fields.optional(0xa0);
  const mask = fields.optional(0xa1);
  const salt = fields.optional(0xa2);
  fields.optional(0xa3);
  fields.end();
  const name = hash === undefined ? "SHA-1" : hashOf(whole(hash.body));
  const length = salt === undefined ? 20 : Number(integer(whole(salt.body)));
  const maskFields = mask === undefined ? undefined : new Fields(whole(mask.body));
  if (maskFields !== undefined && oid(maskFields.next()) !== MGF1) throw unknown("PSS");
  const maskName = maskFields === undefined ? "SHA-1" : hashOf(maskFields.next());
  if (isWeak(name) || isWeak(maskName)) return { kind: "PSS", hash: isWeak(name) ? name : maskName, salt: length, label: "PSS" };
  if (maskName !== name || length < 0 || length > 512) throw unknown("PSS");
  return { kind: "PSS", hash: name, salt: length, label: `PSS / ${name}` };
}

/** Why the key (SubjectPublicKeyInfo) no longer counts, or null. Raises NotComputed for one that is not known. */
export function keyWeakness(key: Element): Sentence | null {
  const { name, size } = keyOf(key);
  if (name === RSA_KEY && size < SMALLEST_MODULUS) return sentence(TEMPLATES.shortKey, { bits: size });
  return null;
}

interface Key {
  readonly name: string;
  /** Bits of the modulus, or octets of a coordinate. */
  readonly size: number;
  readonly curve: string;
}

function keyOf(key: Element): Key {
  const fields = new Fields(key);
  const algorithm = new Fields(fields.next());
  const name = oid(algorithm.next());
  if (name === EC_KEY) {
    const curve = oid(algorithm.next());
    const [label, size] = CURVES[curve] ?? [NAMES[curve], 0];
    if (size === 0 || label === undefined) throw unknown(curve);
    return { name, size, curve: label };
  }
  if (name === RSA_KEY) {
    const numbers = new Fields(whole(bits(fields.next())));
    const modulus = numbers.next(0x02).body;
    const exact = modulus[0] === 0 ? modulus.subarray(1) : modulus;
    const size = exact.length * 8 - Math.clz32(exact[0] ?? 0) + 24;
    if (size > LARGEST_MODULUS) throw unknown(`RSA ${size}`);
    return { name, size, curve: "" };
  }
  if (name === ED25519_KEY) return { name, size: 32, curve: "" };
  throw unknown(name);
}

/**
 * Whether *signature* over *covered* is by *key* (SubjectPublicKeyInfo). Raises NotComputed for what a browser cannot
 * compute, or when the scheme does not fit the key.
 */
export async function verifies(
  key: Element,
  scheme: Scheme,
  signature: Uint8Array,
  covered: Uint8Array,
): Promise<boolean> {
  const { name, size, curve } = keyOf(key);
  if (!COMPUTED.has(scheme.hash)) throw unknown(scheme.label);
  const fits = { RSA: RSA_KEY, PSS: RSA_KEY, ECDSA: EC_KEY, ED25519: ED25519_KEY }[scheme.kind];
  if (fits !== name) throw new NotComputed(sentence(TEMPLATES.algorithmDoesNotFit));
  const value = scheme.kind === "ECDSA" ? rawSignature(signature, size) : signature;
  if (value === null) return false;
  const hash = { name: scheme.hash };
  const [used, check] = {
    RSA: [{ name: "RSASSA-PKCS1-v1_5", hash }, { name: "RSASSA-PKCS1-v1_5" }] as const,
    PSS: [{ name: "RSA-PSS", hash }, { name: "RSA-PSS", saltLength: scheme.salt }] as const,
    ECDSA: [{ name: "ECDSA", namedCurve: curve }, { name: "ECDSA", hash }] as const,
    ED25519: [{ name: "Ed25519" }, { name: "Ed25519" }] as const,
  }[scheme.kind];
  try {
    const imported = await crypto.subtle.importKey("spki", source(key.bytes), used, false, ["verify"]);
    return await crypto.subtle.verify(check, imported, source(value), source(covered));
  } catch {
    throw unknown(scheme.label);
  }
}

/** ECDSA-Sig-Value (RFC 3279, 2.2.3) as the two numbers side by side (IEEE P1363), which WebCrypto takes. */
function rawSignature(signature: Uint8Array, size: number): Uint8Array | null {
  try {
    const numbers = members(whole(signature, SEQUENCE));
    const raw = new Uint8Array(2 * size);
    if (numbers.length !== 2) return null;
    numbers.forEach((each, index) => {
      if (integer(each) <= 0n) throw new Malformed("not positive");
      const exact = each.body[0] === 0 ? each.body.subarray(1) : each.body;
      if (exact.length > size) throw new Malformed("too large");
      raw.set(exact, (index + 1) * size - exact.length);
    });
    return raw;
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
}
