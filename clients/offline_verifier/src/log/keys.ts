/** Signatures of notes: Ed25519, and ECDSA with SHA-256 in DER. */

import { joined } from "../octets";

export type PublicKey = { readonly kind: "ecdsa"; readonly spki: Uint8Array } | { readonly kind: "ed25519"; readonly raw: Uint8Array };

const ED25519_HEAD = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00);
/** Named curves by the length of their SubjectPublicKeyInfo and the octets of a coordinate. */
const CURVES = [
  { name: "P-256", size: 32, spki: 91 },
  { name: "P-384", size: 48, spki: 120 },
  { name: "P-521", size: 66, spki: 158 },
] as const;

/** The key as a SubjectPublicKeyInfo in DER. */
export function spkiOf(key: PublicKey): Uint8Array {
  return key.kind === "ecdsa" ? key.spki : joined(ED25519_HEAD, key.raw);
}

/** Whether *signature* over *data* is this key's; false too for a key that cannot be read. */
export async function verifyRaw(key: PublicKey, data: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const [spki, octets] = [spkiOf(key) as Uint8Array<ArrayBuffer>, data as Uint8Array<ArrayBuffer>];
  try {
    if (key.kind === "ed25519") {
      const own = await crypto.subtle.importKey("spki", spki, "Ed25519", false, ["verify"]);
      return await crypto.subtle.verify("Ed25519", own, signature as Uint8Array<ArrayBuffer>, octets);
    }
    const curve = CURVES.find((each) => each.spki === spki.length);
    const raw = curve === undefined ? null : rawSignature(signature, curve.size);
    if (curve === undefined || raw === null) return false;
    const own = await crypto.subtle.importKey("spki", spki, { name: "ECDSA", namedCurve: curve.name }, false, ["verify"]);
    return await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, own, raw as Uint8Array<ArrayBuffer>, octets);
  } catch {
    return false;
  }
}

/** r and s one after the other, as WebCrypto takes them, of an Ecdsa-Sig-Value in DER (RFC 3279, 2.2.3). */
function rawSignature(signature: Uint8Array, size: number): Uint8Array | null {
  const raw = new Uint8Array(2 * size);
  if (signature[0] !== 0x30) return null;
  let at = (signature[1] ?? 0) === 0x81 ? 3 : 2;
  for (const end of [size, 2 * size]) {
    const [tag, length = 0] = signature.subarray(at, at + 2);
    const value = signature.subarray(at + 2, at + 2 + length);
    const whole = value[0] === 0 ? value.subarray(1) : value;
    if (tag !== 0x02 || value.length !== length || length === 0 || whole.length > size) return null;
    raw.set(whole, end - whole.length);
    at += 2 + length;
  }
  return at === signature.length ? raw : null;
}
