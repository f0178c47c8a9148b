/** The log's entries in a package: each in its one form and in the log, their private fields as committed to. */

import { digestOf, encoded, hex, same, toBase64 } from "../octets";
import { type NoteKey, readKey, requireSigned } from "../log/note";
import { spkiOf } from "../log/keys";
import { leafHash, readProof, rootOf } from "../log/proof";
import { canonical, decode, fields, type Json } from "./canonical";
import { type Files, part } from "./files";
import { instant, type Manifest } from "./manifest";
import { require } from "./refusal";

const NO_RULE = "The package has a file {path}, and no rule says what a file of this name counts for.";

export interface Entry {
  readonly index: number;
  readonly kind: string;
  readonly at: Date;
  readonly public: { readonly [name: string]: Json };
  readonly opened: number;
  readonly hash: string;
}

/** The checkpoint is the log's and the one that the manifest names, and its parts beside it are its own. */
export async function requireCheckpoint(files: Files, manifest: Manifest): Promise<NoteKey> {
  const vkey = new TextDecoder("latin1").decode(part(files, "log/log.vkey"));
  const key = await readKey(vkey);
  const { note, state, signature } = await requireSigned(part(files, "log/checkpoint"), key);
  const stated = manifest.checkpoint;
  const named = state.origin === stated.origin && state.size === stated.size && same(state.root, stated.root);
  require(named, "The checkpoint in the package is not the one that its manifest names.");
  const spki = spkiOf(key.kind === 2 ? { kind: "ecdsa", spki: key.key } : { kind: "ed25519", raw: key.key });
  const body = (toBase64(spki).match(/.{1,64}/g) ?? []).join("\n");
  const beside: [string, Uint8Array][] = [
    ["log/checkpoint.text", encoded(`${state.origin}\n${state.size}\n${toBase64(state.root)}\n`)],
    ["log/checkpoint.sig", signature],
    ["log/log.pub.pem", encoded(`-----BEGIN PUBLIC KEY-----\n${body}\n-----END PUBLIC KEY-----\n`)],
  ];
  for (const [path, expected] of beside) {
    require(same(part(files, path), expected), "The file {path} is not of its signature.", { path });
  }
  require(note.text === new TextDecoder().decode(part(files, "log/checkpoint.text")), "The file {path} is not of its signature.", {
    path: "log/checkpoint.text",
  });
  return key;
}

/** All entries, each proven to be in the log of the manifest's checkpoint. */
export async function requireEntries(files: Files, manifest: Manifest): Promise<Entry[]> {
  const found: Entry[] = [];
  const beside = new Set<string>();
  for (const path of files.keys()) {
    const number = /^log\/entries\/(\d{8,18})\.json$/.exec(path)?.[1];
    if (number === undefined) continue;
    beside.add(`log/proofs/${number}.tlog-proof`).add(`log/openings/${number}.json`);
    found.push(await readEntry(files, number, manifest));
  }
  for (const path of files.keys()) {
    require(!/^log\/(?:proofs|openings)\//.test(path) || beside.has(path), NO_RULE, { path });
  }
  require(found.length > 0, "The package has no entry of the log.");
  return found.sort((one, other) => one.index - other.index);
}

async function readEntry(files: Files, number: string, manifest: Manifest): Promise<Entry> {
  const leaf = part(files, `log/entries/${number}.json`);
  const index = Number(number);
  const proof = readProof(part(files, `log/proofs/${number}.tlog-proof`));
  const own = proof.index === index && same(proof.checkpoint, part(files, "log/checkpoint"));
  require(own, "The proof of log entry {entry} is another one's.", { entry: index });
  const hash = await leafHash(leaf);
  const root = await rootOf(hash, index, manifest.checkpoint.size, proof.hashes);
  const within = root !== null && same(root, manifest.checkpoint.root);
  require(within, "The log entry {entry} is not in the log.", { entry: index });
  const value = fields(decode(leaf));
  const unknown = "The log entry {entry} is not in a known form.";
  const { at, kind } = value;
  require(Object.keys(value).join(" ") === "at commitments format kind public", unknown, { entry: index });
  require(typeof at === "string" && typeof kind === "string" && /^[a-z0-9-]+$/.test(kind), unknown, { entry: index });
  const opened = await requireOpened(files, number, fields(value["commitments"]));
  return { index, kind, at: instant(at), public: fields(value["public"]), opened, hash: hex(hash) };
}

/** How many private fields are opened: each has a salt and a value, and is what the entry commits to. */
async function requireOpened(files: Files, number: string, committed: { readonly [name: string]: Json }): Promise<number> {
  const opening = files.get(`log/openings/${number}.json`);
  if (opening === undefined) return 0;
  const fieldsOpened = Object.entries(fields(decode(opening)));
  for (const [name, opened] of fieldsOpened) {
    const { salt = null, value = null, ...others } = fields(opened);
    const commitment = await digestOf(encoded(canonical({ name, salt, value })));
    const own = typeof salt === "string" && Object.keys(others).length === 0 && commitment === committed[name];
    const values = { name, entry: Number(number) };
    require(own, "The private field {name} of log entry {entry} is not the one that the log commits to.", values);
  }
  return fieldsOpened.length;
}
