/** What the log tells of the contract in a package: its history without a gap, and just the signatures that it carries. */

import { digestOf } from "../octets";
import { type Carried, OTHER_SIGNATURES, SIGNED } from "./contract";
import { type Entry } from "./entries";
import { type Files, part } from "./files";
import { require } from "./refusal";

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
