/** What the log tells of the contract in a package: its history without a gap, and just the signatures that it carries. */

import { digestOf } from "../octets";
import { type Carried, OTHER_SIGNATURES, SIGNED } from "./contract";
import { type Entry } from "./entries";
import { type Files, part } from "./files";
import { require } from "./refusal";

const NAMING_FILE: ReadonlySet<string> = new Set(["contract-completed", "archive-renewed"]);
const HOUR = 3_600_000;
/**
 * The kinds of entries that name a signed record: the folder that it is in, the field that has its SHA-256, and by how many milliseconds
 * the entry is from the time of its timestamp at most. A statement gets its timestamp just before it is logged.
 */
const NAMING_RECORD: ReadonlyMap<string, readonly [folder: string, field: string, late: number]> = new Map([
  ["agreement-accepted", ["agreement/", "signed", 0]],
  ["void-declared", ["voiding/", "signed", 0]],
  ["power-verified", ["authority/", "statement", HOUR]],
  ["guest-certified", ["authority/", "statement", HOUR]],
  ["anchor-approved", ["authority/", "statement", HOUR]],
]);

/** The contract's own entries are a chain from its first one on, and go as far as the completion of exactly this file. */
export async function requireHistory(files: Files, entries: readonly Entry[], contract: string): Promise<void> {
  const own = entries.filter((each) => each.public["contract"] === contract);
  let before: Entry | undefined;
  for (const [at, entry] of own.entries()) {
    const follows = entry.public["sequence"] === at + 1 && entry.public["previous"] === before?.hash;
    const values = { contract, entry: entry.index };
    require(follows, "The history of contract {contract} has a gap before log entry {entry}.", values);
    before = entry;
  }
  const completed = own.filter((each) => each.kind === "contract-completed").pop()?.public;
  const document = part(files, SIGNED, Infinity);
  const size = completed?.["size"];
  const known = typeof size === "number" && size > 0 && size <= document.length;
  const same = known && (await digestOf(document.subarray(0, size))) === completed?.["digest"];
  require(same, "The history does not say that the contract was completed as the signed file.");
}

/**
 * By when the record of this *name* and SHA-256 (hex) was there, whose own timestamp has this *time*; null where nothing proves it. What
 * proves it is the log: after the entry that names the record, the first one by which the contract was completed or renewed as a file
 * with a document timestamp that holds (*stamps*: by the file's SHA-256) and is not earlier than the record, and of which no entry had
 * told by then. The later of both times counts. That the log was written promptly and in order is the word of whoever wrote it.
 */
export function provenBy(
  name: string,
  record: string,
  time: Date,
  entries: readonly Entry[],
  contract: string,
  stamps: ReadonlyMap<string, Date>,
): Date | null {
  const second = Math.floor(Number(time) / 1000) * 1000;
  const told = new Set<unknown>();
  let named = false;
  for (const { kind, at, public: said } of entries) {
    const { contract: about = contract, digest } = said;
    if (!named) {
      told.add(digest);
      const naming = NAMING_RECORD.get(kind);
      if (naming === undefined || about !== contract) continue;
      const [folder, field, late] = naming;
      named = name.startsWith(folder) && said[field] === record && Math.abs(Number(at) - second) <= late;
    } else if (NAMING_FILE.has(kind) && said["contract"] === contract && typeof digest === "string" && !told.has(digest)) {
      const stamp = stamps.get(digest);
      if (stamp !== undefined && second <= Number(stamp)) return at > stamp ? at : stamp;
    }
  }
  return null;
}

/** The log tells of just the signatures that the contract carries: by whom, over what. *people*: by the number of a signature whom its certificate names. */
export function requireTold(
  entries: readonly Entry[],
  carried: readonly Carried[],
  people: ReadonlyMap<string, string>,
  contract: string,
): void {
  const told = entries.filter((each) => each.kind === "party-signed");
  const lines = told.map((each) => `${each.public["contract"]} ${each.public["signed"]} ${each.public["signer"]}`);
  const made = carried.filter((each) => each.kind !== "timestamp");
  const own = made.map((each) => {
    const { signer } = told.find((entry) => entry.public["signed"] === each.covers)?.public ?? {};
    return `${contract} ${each.covers} ${each.kind === "own" ? signer : people.get(each.number)}`;
  });
  require(lines.sort().join("\n") === own.sort().join("\n"), OTHER_SIGNATURES);
}
