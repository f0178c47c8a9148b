/** Signed notes (C2SP signed-note), the checkpoints that they are (tlog-checkpoint), and cosignatures (tlog-cosignature). */

import { encoded, fromBase64, hex, joined, same, sha256, startsWith, toBase64, utf8 } from "../octets";
import { require } from "../package/refusal";
import { type PublicKey, verifyRaw } from "./keys";

const [ED25519, ECDSA] = [0x01, 0x02];
export const COSIGNATURE = 0x04;
const DASH = "\u2014 ";
const [LARGEST, MOST_SIGNATURES] = [1 << 20, 100];

export interface NoteKey {
  readonly name: string;
  readonly kind: number;
  /** 32 octets for Ed25519, a SubjectPublicKeyInfo (DER) for ECDSA. */
  readonly key: Uint8Array;
  readonly id: Uint8Array;
}

export interface NoteSignature {
  readonly name: string;
  readonly id: Uint8Array;
  readonly signature: Uint8Array;
}

/** The text ends in a newline and is what was signed. */
export interface Note {
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}

/** The key in a vkey line, `name+id+key`. Raises Refused, also when the id is not the key's. */
export async function readKey(line: string): Promise<NoteKey> {
  const found = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(line.trim());
  require(found, "A key line has the form name+id+key.");
  const [, name = "", id = "", text = ""] = found;
  const raw = fromBase64(text);
  const kind = raw?.[0] ?? 0;
  require(raw && [ED25519, ECDSA, COSIGNATURE].includes(kind), "The key line of {name} has an unknown kind of key.", { name });
  const key = raw.subarray(1);
  const hashed = kind === ECDSA ? key : joined(encoded(`${name}\n`), raw);
  const own = (await sha256(hashed)).subarray(0, 4);
  require(hex(own) === id, "The key line of {name} names another key id than its own.", { name });
  return { name, kind, key, id: own };
}

/** The note in *octets*, nothing verified. */
export function readNote(octets: Uint8Array): Note {
  require(octets.length <= LARGEST, "The note is larger than a megabyte.");
  const whole = utf8(octets);
  require(whole !== null, "The note is not UTF-8.");
  const at = whole.lastIndexOf("\n\n");
  const rows = whole.slice(at + 2).split("\n");
  const formed = at >= 0 && rows.pop() === "" && rows.length > 0;
  require(formed, "The note has no signatures under an empty line.");
  const text = whole.slice(0, at + 1);
  // eslint-disable-next-line no-control-regex -- that there are none is what is asked
  require(!/[\0-\x09\x0b-\x1f]/.test(text), "A note's text must end in a newline and have no control characters.");
  require(rows.length <= MOST_SIGNATURES, "The note has more than {most} signatures.", { most: MOST_SIGNATURES });
  return { text, signatures: rows.map(readSignature) };
}

function readSignature(row: string): NoteSignature {
  const [name = "", text = "", ...rest] = row.startsWith(DASH) ? row.slice(DASH.length).split(" ") : [];
  const raw = fromBase64(text);
  const formed = raw !== null && raw.length >= 5 && name !== "" && !name.includes("+") && rest.length === 0;
  require(formed, "A signature line of the note is not of the form: dash, name, signature.");
  return { name, id: raw.subarray(0, 4), signature: raw.subarray(4) };
}

/** The checkpoint in a note's text: origin, size and root, each on a line, then extensions. */
export function readCheckpoint(text: string): Checkpoint {
  const lines = text.split("\n");
  const formed = lines.pop() === "" && lines.length >= 3 && lines.every((each) => each !== "");
  require(formed, "A checkpoint has at least three lines: origin, size, root; none is empty.");
  const [origin = "", size = "", root = ""] = lines;
  const number = /^(?:0|[1-9]\d{0,15})$/.test(size) && Number.isSafeInteger(Number(size));
  require(number, "The size in a checkpoint is a decimal number without leading zeros.");
  const hash = fromBase64(root);
  require(hash?.length === 32, "The root in a checkpoint is not 32 bytes in base64.");
  return { origin, size: Number(size), root: hash };
}

/** What the log itself signed in *octets*; raises Refused unless *key* did, and the checkpoint is its log's. */
export async function requireSigned(octets: Uint8Array, key: NoteKey): Promise<{ note: Note; state: Checkpoint; signature: Uint8Array }> {
  const note = readNote(octets);
  const own = by(note, key);
  require(own, "The note is not signed by {name}.", { name: key.name });
  const good = key.kind !== COSIGNATURE && (await verifyRaw(publicKey(key), encoded(note.text), own.signature));
  require(good, "The signature of {name} on the note does not verify.", { name: key.name });
  const state = readCheckpoint(note.text);
  const names = { origin: state.origin, name: key.name };
  require(state.origin === key.name, "The checkpoint is of the log {origin}, not of {name}.", names);
  return { note, state, signature: own.signature };
}

/** The note as the log signed it, without the lines of witnesses behind; raises Refused where another signature comes first. */
export function signedAlone(octets: Uint8Array, key: NoteKey): Uint8Array {
  const note = readNote(octets);
  const own = by(note, key);
  const first = "The log’s own signature is not the first one on the checkpoint of the package.";
  require(own !== undefined && note.signatures[0] === own, first);
  const head = encoded(`${note.text}\n${DASH}${own.name} ${toBase64(joined(own.id, own.signature))}\n`);
  require(startsWith(octets, head), first);
  return head;
}

/** When *key* cosigned the checkpoint (cosignature/v1); null where it did not, or does not verify. */
export async function cosigned(note: Note, key: NoteKey): Promise<Date | null> {
  const own = by(note, key);
  if (own === undefined || key.kind !== COSIGNATURE || own.signature.length !== 72) return null;
  const stamped = own.signature;
  const seconds = new DataView(stamped.buffer, stamped.byteOffset, 8).getBigUint64(0);
  const message = encoded(`cosignature/v1\ntime ${seconds}\n${note.text}`);
  const moment = new Date(Number(seconds) * 1000);
  const good = !Number.isNaN(moment.getTime()) && (await verifyRaw(publicKey(key), message, stamped.subarray(8)));
  return good ? moment : null;
}

/** The signature by *key*, by name and id. */
function by(note: Note, key: NoteKey): NoteSignature | undefined {
  return note.signatures.find((each) => each.name === key.name && same(each.id, key.id));
}

function publicKey(key: NoteKey): PublicKey {
  return key.kind === ECDSA ? { kind: "ecdsa", spki: key.key } : { kind: "ed25519", raw: key.key };
}
