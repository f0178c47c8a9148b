/** What was given, judged by its contents, whatever it is called: a PDF, a timestamp, a log proof, an evidence package. */

import { verifyPdf, verifyTimestamp } from "./engine";
import { type LogVerdict, judgeLog } from "./log/judge";
import { readNote } from "./log/note";
import { isProof } from "./log/proof";
import { digestOf, encoded, indexOf, utf8 } from "./octets";
import { placed } from "./package/files";
import { isTimestamp } from "./package/messages";
import { type PackageVerdict } from "./package/model";
import { verifyPackage } from "./package/package";
import { Refused } from "./package/refusal";
import { isZip, readZip } from "./package/zip";
import { type FileVerdict, type Sentence, failed, sentence } from "./verdict";

export type Judgement = FileVerdict | PackageVerdict | LogVerdict | { readonly kind: "none"; readonly said: Sentence };

/** A file that was dropped or chosen; *path* has the folders of one that came in a folder. */
export interface Given {
  readonly path: string;
  readonly octets: Uint8Array;
}

const HEADER_WITHIN = 1024;

/** The verdict for the moment *at*; only *trust* is believed. Never raises for what is in the files. */
export async function judge(given: readonly Given[], trust: readonly Uint8Array[], at: Date): Promise<Judgement> {
  const [first, second] = given;
  if (first === undefined) return { kind: "none", said: sentence("The file is empty.") };
  if (given.some((each) => /(?:^|\/)manifest\.json$/.test(each.path))) return judgeFolder(given, trust, at);
  const stamp = given.find((each) => isTimestamp(each.octets));
  const proof = given.find((each) => isProof(each.octets)) ?? given.find((each) => isCheckpoint(each.octets));
  if (proof !== undefined) return judgeLog(proof.octets, besideProof(given, proof), at, isProof(proof.octets));
  if (stamp !== undefined && given.length <= 2) {
    const data = given.find((each) => each !== stamp)?.octets ?? null;
    return verifyTimestamp(stamp.octets, data, trust, at);
  }
  if (second !== undefined) return { kind: "none", said: sentence(SEVERAL) };
  return judgeOne(first.octets, trust, at);
}

async function judgeOne(octets: Uint8Array, trust: readonly Uint8Array[], at: Date): Promise<Judgement> {
  const header = indexOf(octets.subarray(0, HEADER_WITHIN), encoded("%PDF-")) !== -1;
  if (octets.length === 0) return { kind: "none", said: sentence("The file is empty.") };
  if (isZip(octets)) return header ? { kind: "none", said: sentence(BOTH) } : judgeZip(octets, trust, at);
  if (header || indexOf(octets, encoded("/ByteRange")) !== -1) return verifyPdf(octets, trust, at);
  const text = utf8(octets.subarray(0, 11));
  if (text === "-----BEGIN ") return { kind: "none", said: sentence(PEM) };
  return { kind: "none", said: sentence(UNKNOWN) };
}

async function judgeZip(octets: Uint8Array, trust: readonly Uint8Array[], at: Date): Promise<Judgement> {
  const digest = await digestOf(octets);
  try {
    const { files, ignored } = placed(await readZip(octets));
    const remarks = ignored.length === 0 ? [] : [sentence(IGNORED, { names: ignored.join(", ") })];
    return await verifyPackage(files, trust, at, { remarks, digest });
  } catch (error) {
    return refused(error, digest, at);
  }
}

async function judgeFolder(given: readonly Given[], trust: readonly Uint8Array[], at: Date): Promise<Judgement> {
  const further = folderFurther(given.map((each) => each.path));
  if (further !== "") return { kind: "none", said: sentence(FURTHER, { name: further }) };
  try {
    const { files, ignored } = placed(new Map(given.map((each) => [each.path, each.octets])));
    const added = ignored.length === 0 ? [] : [sentence(IGNORED, { names: ignored.join(", ") })];
    return await verifyPackage(files, trust, at, { remarks: [sentence(UNPACKED), ...added] });
  } catch (error) {
    return refused(error, "", at);
  }
}

/** Where the package lies in a folder of the one that was given, as on a disc: that folder's name; else nothing. */
function folderFurther(paths: readonly string[]): string {
  const depths = paths.map((path) => path.split("/")).filter((path) => path.at(-1) === "manifest.json");
  const nearest = depths.sort((one, other) => one.length - other.length)[0] ?? [];
  return nearest.length > 2 ? nearest.slice(1, -1).join("/") : "";
}

function refused(error: unknown, digest: string, at: Date): FileVerdict {
  const said = error instanceof Refused ? error.said : sentence("A file of the package is not in the form that it must have.");
  const verdict = { ...failed("FORMAT_FAILURE", said.template), reasons: [said] };
  return { kind: "evidence", verdict, at, digest, signatures: [], remarks: [], anchors: [] };
}

function isCheckpoint(octets: Uint8Array): boolean {
  if (octets.length > 1 << 16 || !utf8(octets)?.includes("\n\n\u2014 ")) return false;
  try {
    return readNote(octets).signatures.length > 0;
  } catch {
    return false;
  }
}

/** Of the files beside a proof: a key line, a policy, and the entry, which is what else there is. */
function besideProof(given: readonly Given[], proof: Given): { key: Uint8Array | null; entry: Uint8Array | null; policy: Uint8Array | null } {
  const others = given.filter((each) => each !== proof && !isCheckpoint(each.octets)).map((each) => each.octets);
  const text = (octets: Uint8Array): string => utf8(octets.subarray(0, 1 << 16)) ?? "";
  const key = others.find((each) => /^[^+\s]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+\s*$/.test(text(each))) ?? null;
  const policy = others.find((each) => /^\s*quorum[ \t]+\S+/m.test(text(each))) ?? null;
  return { key, policy, entry: others.find((each) => each !== key && each !== policy) ?? null };
}

const SEVERAL =
  "These files do not belong together: give one PDF, one evidence package (its ZIP or its folder), a timestamp with the file that it dates," +
  " or a log proof with the log’s key and the entry.";
const BOTH =
  "The file is a ZIP and a PDF at once: programs show different things of it. Ask the sender for the" +
  " evidence package as it was made.";
const FURTHER = "The package is not in this folder but in the folder {name} in it; give that one.";
const PEM = "This is a certificate, a list or a key in PEM: name a root certificate under “Trusted roots”, and give what is to be verified here.";
const UNKNOWN = "The file is neither a signed PDF nor a timestamp, a log proof or an evidence package.";
const UNPACKED = "The package was given as a folder: its files were judged. Whether its ZIP was changed, nobody can tell from them; nothing depends on it.";
const IGNORED = "There are also files that operating systems add to folders ({names}); they were ignored.";
