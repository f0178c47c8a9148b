/** Offline proofs that an entry is in a log (C2SP tlog-proof over the tree of RFC 6962). */

import { fromBase64, indexOf, joined, sha256, utf8, encoded } from "../octets";
import { require } from "../package/refusal";

const HEAD = "c2sp.org/tlog-proof@v1";
const MOST_HASHES = 63;

/** *checkpoint* is the whole signed note. */
export interface Proof {
  readonly index: number;
  readonly hashes: readonly Uint8Array[];
  readonly checkpoint: Uint8Array;
}

export function isProof(octets: Uint8Array): boolean {
  return indexOf(octets.subarray(0, HEAD.length), encoded(HEAD)) === 0;
}

/** The proof in a .tlog-proof file. Raises Refused. */
export function readProof(octets: Uint8Array): Proof {
  const blank = indexOf(octets, encoded("\n\n"));
  const lines = (utf8(octets.subarray(0, Math.max(blank, 0))) ?? "").split("\n");
  const [head, index = "", ...rest] = lines;
  const number = /^index (0|[1-9]\d{0,15})$/.exec(index);
  const formed = head === HEAD && number && blank > 0 && rest.length <= MOST_HASHES;
  require(formed, "An inclusion proof is not in the form of C2SP tlog-proof.");
  const hashes = rest.map((line) => {
    const hash = fromBase64(line);
    require(hash, "A hash of an inclusion proof is not base64.");
    return hash;
  });
  return { index: Number(number[1]), hashes, checkpoint: octets.subarray(blank + 2) };
}

/** RFC 6962, 2.1: the hash of a leaf. */
export async function leafHash(leaf: Uint8Array): Promise<Uint8Array> {
  return sha256(joined(Uint8Array.of(0), leaf));
}

/** The root that the *hashes* give for a leaf's hash (RFC 9162, 2.1.3.2); null for a proof of another length. */
export async function rootOf(
  leaf: Uint8Array,
  index: number,
  size: number,
  hashes: readonly Uint8Array[],
): Promise<Uint8Array | null> {
  if (index >= size || hashes.some((each) => each.length !== 32)) return null;
  let [current, place, last] = [leaf, BigInt(index), BigInt(size) - 1n];
  for (const sibling of hashes) {
    if (last === 0n) return null;
    if (place % 2n === 1n || place === last) {
      current = await sha256(joined(Uint8Array.of(1), sibling, current));
      while (place % 2n === 0n && place !== 0n) [place, last] = [place / 2n, last / 2n];
    } else {
      current = await sha256(joined(Uint8Array.of(1), current, sibling));
    }
    [place, last] = [place / 2n, last / 2n];
  }
  return last === 0n ? current : null;
}
