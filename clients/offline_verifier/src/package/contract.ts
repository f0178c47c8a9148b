/** The signed contract: it begins with the contract as given, and carries since then exactly the signatures beside it. */

import { latin1 } from "../asn1";
import { count, digestOf, encoded, hex, joined, same, startsWith } from "../octets";
import { type Files, part } from "./files";
import { type Place, readIndex } from "./layout";
import { readMessage, readToken } from "./messages";
import { require } from "./refusal";

export const [ORIGINAL, SIGNED] = ["contract/contract.pdf", "contract/contract.signed.pdf"] as const;
export const OTHER_SIGNATURES = "The signatures in the contract are not those of which the log tells.";
const NOT_ITS = "The file {path} is not of its signature.";
const NAME = encoded("/ByteRange");
const SPACE = "[\\t\\n\\f\\r ]";

/** A signature or timestamp of the contract: *end* is where in the file ends what it covers, *covers* its SHA-256 in hex. */
export interface Carried extends Place {
  readonly end: number;
  readonly covers: string;
}

/** The contract's signatures and timestamps, each at the place that it states and its file the one in the PDF. */
export async function requireContract(files: Files): Promise<Carried[]> {
  const document = part(files, SIGNED, Infinity);
  const original = part(files, ORIGINAL, Infinity);
  const begins = startsWith(document, original);
  require(begins, "The signed contract does not begin with the contract as given.");
  const index = readIndex(part(files, "index.txt"));
  requireWhole(files, index);
  const places = new Set(index.map((each) => each.head).filter((each) => each >= original.length));
  const since = count(document, NAME) - count(original, NAME);
  require(places.size === index.length && since === index.length, OTHER_SIGNATURES);
  const found: Carried[] = [];
  for (const each of index) found.push(await carried(files, each, document)); // one by one: each copies what it covers
  return found;
}

/** The index says of each file of a signature or timestamp where in the contract it is, and of no other. */
function requireWhole(files: Files, index: readonly Place[]): void {
  const stems = new Set<string>();
  for (const path of files.keys()) {
    const found = /^signatures\/([^/]+)\.(?:p7s|tst)$/.exec(path);
    if (found?.[1] !== undefined) stems.add(found[1]);
  }
  const kind = (number: string): string => {
    if (!files.has(`signatures/${number}.p7s`)) return "timestamp";
    return files.has(`certificates/own-${number}.pem`) ? "own" : "signature";
  };
  const listed = index.map((each) => `${each.kind} ${each.number}`).sort();
  const whole = [...stems].map((each) => `${kind(each)} ${each}`).sort().join() === listed.join();
  require(whole && files.has("signatures/01.p7s"), "The file index.txt does not go through all signatures of the package.");
}

async function carried(files: Files, place: Place, document: Uint8Array): Promise<Carried> {
  const name = `signatures/${place.number}`;
  const path = place.kind === "timestamp" ? `${name}.tst` : `${name}.p7s`;
  const { head, tail, length } = place;
  const end = tail + length;
  const octets = part(files, path);
  require(head < tail && end <= document.length, OTHER_SIGNATURES);
  const gap = latin1(document.subarray(head, tail)).toLowerCase();
  const written = `<${hex(octets)}`;
  require(gap.startsWith(written) && /^0*>$/.test(gap.slice(written.length)), NOT_ITS, { path });
  const numbers = [0, head, tail, length].map((each) => (each === 0 ? "0+" : `0*${each}`)).join(`${SPACE}+`);
  const stated = new RegExp(`/ByteRange${SPACE}*\\[${SPACE}*${numbers}${SPACE}*\\]`);
  const near = latin1(document.subarray(Math.max(0, head - 4096), head)) + "\n<>\n" + latin1(document.subarray(tail, Math.min(end, tail + 4096)));
  require(stated.test(near), OTHER_SIGNATURES);
  if (place.kind !== "timestamp") requireParts(files, name, octets, place.kind === "own");
  const covers = await digestOf(joined(document.subarray(0, head), document.subarray(tail, end)));
  return { ...place, end, covers };
}

/** The value of the signature and its timestamp lie beside it; one that was made elsewhere has its timestamp there alone. */
export function requireParts(files: Files, name: string, message: Uint8Array, elsewhere = false): void {
  const found = readMessage(message, `${name}.p7s`);
  require(same(part(files, `${name}.sig`), found.signature), NOT_ITS, { path: `${name}.sig` });
  const stamp = part(files, `${name}.tst`);
  const own = elsewhere || (found.tokens.length === 1 && same(stamp, found.tokens[0] ?? stamp.subarray(1)));
  require(own, NOT_ITS, { path: `${name}.tst` });
  readToken(stamp, `${name}.tst`);
}
