/** A log proof or a checkpoint by itself, by the key of the log that the reader has: no package around it. */

import { digestOf, same, toBase64 } from "../octets";
import { Refused } from "../package/refusal";
import { PASSED, type Sentence, sentence, undecided, type Verdict } from "../verdict";
import { readCheckpoint, readKey, readNote, requireSigned } from "./note";
import { leafHash, type Proof, readProof, rootOf } from "./proof";
import { judgeWitnesses, readPolicy, type Witnessing } from "./witnesses";

/** What lies beside a proof: the log's key (one vkey line), the entry that it is about, a policy of witnesses. */
export interface Beside {
  readonly key: Uint8Array | null;
  readonly entry: Uint8Array | null;
  readonly policy: Uint8Array | null;
}

export interface LogVerdict {
  readonly kind: "log";
  readonly verdict: Verdict;
  readonly at: Date;
  readonly digest: string;
  readonly origin: string;
  readonly size: number;
  readonly root: string;
  /** Null for a checkpoint alone. */
  readonly index: number | null;
  readonly entry: string | null;
  readonly witnesses: Witnessing | null;
  readonly remarks: readonly Sentence[];
}

/** The verdict about a .tlog-proof, or about a checkpoint where it is *not* a *proof*. */
export async function judgeLog(octets: Uint8Array, beside: Beside, at: Date, isProof: boolean): Promise<LogVerdict> {
  const digest = await digestOf(octets);
  const nothing = { origin: "", size: 0, root: "", index: null, entry: null, witnesses: null, remarks: [] };
  try {
    const proof = isProof ? readProof(octets) : null;
    const note = readNote(proof?.checkpoint ?? octets);
    const state = readCheckpoint(note.text);
    const entry = beside.entry === null ? null : await digestOf(beside.entry);
    const witnesses = beside.policy === null ? null : await judgeWitnesses(note, await readPolicy(beside.policy));
    const verdict = await judged(proof, proof?.checkpoint ?? octets, beside, witnesses);
    const said = { origin: state.origin, size: state.size, root: toBase64(state.root), index: proof?.index ?? null };
    return { kind: "log", verdict, at, digest, ...said, entry, witnesses, remarks: [sentence(UNDATED)] };
  } catch (error) {
    const reasons = [error instanceof Refused ? error.said : sentence("An inclusion proof is not in the form of C2SP tlog-proof.")];
    return { kind: "log", verdict: { indication: "TOTAL-FAILED", subindication: "FORMAT_FAILURE", reasons }, at, digest, ...nothing };
  }
}

async function judged(
  proof: Proof | null,
  checkpoint: Uint8Array,
  beside: Beside,
  witnesses: Witnessing | null,
): Promise<Verdict> {
  if (beside.key === null) return undecided("NO_SIGNING_CERTIFICATE_FOUND", NO_KEY);
  const { state } = await requireSigned(checkpoint, await readKey(new TextDecoder("latin1").decode(beside.key)));
  if (proof !== null) {
    if (beside.entry === null) return undecided("SIGNED_DATA_NOT_FOUND", NO_ENTRY);
    const root = await rootOf(await leafHash(beside.entry), proof.index, state.size, proof.hashes);
    if (root === null || !same(root, state.root)) throw new Refused("The log entry {entry} is not in the log.", { entry: proof.index });
  }
  return witnesses?.quorum === false ? undecided("SIG_CONSTRAINTS_FAILURE", TOO_FEW) : PASSED;
}

const NO_KEY = "The log’s key is not here: add the file with its key (log.vkey), obtained by another way than this proof.";
const NO_ENTRY = "The entry that this proof is about is not here: add its file (log/entries/….json in a package).";
export const TOO_FEW = "Too few witnesses cosigned the checkpoint for the quorum of the policy.";
const UNDATED = "A proof says that the log had this entry when it signed the checkpoint. It does not say when that was, nor what the entry means.";
