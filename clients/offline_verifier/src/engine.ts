/**
 * What the page calls: bytes in, a verdict out, whatever the bytes are. Nothing is fetched, and nothing is thrown for
 * what a file contains.
 */

import { digest } from "./algorithms";
import { type Element, Fields, Malformed, SEQUENCE, hex, integer, members, whole } from "./asn1";
import { details } from "./certificates";
import { DocumentVerification } from "./document";
import { type SignedMessage, UnreadableMessage, readMessage, reasonOf } from "./messages";
import { TooLong, TooManyCertificates } from "./limits";
import { TEMPLATES } from "./sentences";
import { type Examined, examineSignature, mediaType, signatureVerdict, unexamined } from "./signatures";
import { examineToken } from "./tokens";
import { type Circumstances, Material } from "./trust";
import {
  type FileVerdict,
  PASSED,
  type Sentence,
  type SignatureVerdict,
  sentence,
  undecided,
  worst,
} from "./verdict";

export type { Circumstances } from "./trust";
type More = Omit<Circumstances, "trust">;

const LARGEST_FILE = 512 * 1024 * 1024;

/**
 * Every signature and document timestamp of a PDF, then the document, judged for the moment *at*. *trust* are the
 * certificates (PEM or DER) that the user believes.
 */
export async function verifyPdf(
  bytes: Uint8Array,
  trust: readonly Uint8Array[],
  at: Date,
  more: More = {},
): Promise<FileVerdict> {
  return guarded("pdf", bytes, at, async (report) => {
    if (bytes.length > LARGEST_FILE) return refused(report, sentence(TEMPLATES.tooLarge));
    const found = await new DocumentVerification(bytes, { ...more, trust }, at).verdict();
    return { ...report, ...found };
  });
}

/** An RFC 3161 token or reply; without the *data* that it was taken of it cannot be passed, and says so. *nonce* is
 * the one that was sent. */
export async function verifyTimestamp(
  token: Uint8Array,
  data: Uint8Array | null,
  trust: readonly Uint8Array[],
  at: Date,
  more: More & { readonly nonce?: bigint } = {},
): Promise<FileVerdict> {
  return guarded("timestamp", token, at, async (report) => {
    let message: SignedMessage;
    try {
      message = readMessage(tokenIn(token));
    } catch (error) {
      return refused(report, reasonOf(error));
    }
    const material = new Material();
    material.addMessage(message);
    const { judge, revocation } = await material.judge({ ...more, trust });
    const digestOf = data === null ? null : (hash: string): Promise<Uint8Array> => digest(hash, data);
    const stamp = await examineToken(message, digestOf, judge, { at, proven: null });
    const verdicts = [stamp.verdict];
    if (more.nonce !== undefined && stamp.statement?.nonce !== more.nonce) {
      verdicts.unshift(undecided("SIG_CONSTRAINTS_FAILURE", TEMPLATES.otherNonce));
    }
    if (revocation.unreadable) verdicts.push(undecided("CERTIFICATE_CHAIN_GENERAL_FAILURE", TEMPLATES.revocationUnreadable));
    if (data === null && worst(verdicts) === PASSED) verdicts.push(undecided("SIGNED_DATA_NOT_FOUND", TEMPLATES.noData));
    const verdict = worst(verdicts);
    const time = stamp.statement?.time ?? null;
    const one: Examined = { ...unexamined(verdict), finding: stamp.finding, signer: stamp.signer, algorithms: stamp.algorithms };
    return {
      ...report,
      verdict,
      signatures: [{ ...signatureVerdict(one), signingTime: time, timestamp: time }],
      anchors: stamp.finding === null ? [] : stamp.finding.path.slice(-1).map(details),
    };
  });
}

/**
 * A detached signature (CMS) over *content*, such as the manifest of a package or a signed record. *mediaType* is what
 * the signed attribute `mime-type` must say, null where it must be absent, undefined where it does not matter. *proven*
 * is a moment by which the message is known to have existed, from elsewhere than the message.
 */
export async function verifyDetached(
  encoded: Uint8Array,
  content: Uint8Array,
  trust: readonly Uint8Array[],
  at: Date,
  more: More & { readonly mediaType?: string | null; readonly proven?: Date } = {},
): Promise<SignatureVerdict> {
  const report = await guarded("evidence", encoded, at, async (empty) => {
    const message = readMessage(encoded);
    const material = new Material();
    material.addMessage(message);
    const by = { ...(await material.judge({ ...more, trust })), at };
    const one = await examineSignature(message, content, more.proven ?? null, by);
    const verdicts = [one.verdict];
    if (message.content !== null) verdicts.push(undecided("GENERIC", TEMPLATES.ownContent));
    if (more.mediaType !== undefined && !isOfType(message, more.mediaType)) {
      verdicts.push(undecided("GENERIC", TEMPLATES.otherRecord));
    }
    return { ...empty, signatures: [signatureVerdict({ ...one, verdict: worst(verdicts) })] };
  });
  return report.signatures[0] ?? signatureVerdict(unexamined(report.verdict));
}

function isOfType(message: SignedMessage, wanted: string | null): boolean {
  return mediaType(message) === wanted;
}

/** The token in a reply (RFC 3161, 2.4.2), or the token that *bytes* are. */
function tokenIn(bytes: Uint8Array): Uint8Array {
  let parts: Element[];
  try {
    parts = members(whole(bytes, SEQUENCE));
  } catch {
    throw new UnreadableMessage(TEMPLATES.notATimestamp);
  }
  const [status, token] = parts;
  if (status?.tag !== SEQUENCE) return bytes;
  const granted = integer(new Fields(status).next());
  if (granted === 1n) throw new UnreadableMessage(TEMPLATES.modifiedTimestamp);
  if (granted !== 0n) throw new UnreadableMessage(TEMPLATES.refusedTimestamp);
  if (token === undefined || parts.length > 2) throw new UnreadableMessage(TEMPLATES.notATimestamp);
  return token.bytes;
}

type Judged = (report: FileVerdict) => Promise<FileVerdict>;

/** The report that *judge* makes; whatever goes wrong inside is INDETERMINATE. */
async function guarded(kind: FileVerdict["kind"], bytes: Uint8Array, at: Date, judge: Judged): Promise<FileVerdict> {
  const verdict = undecided("GENERIC", TEMPLATES.notWellFormed);
  const sha256 = hex(await digest("SHA-256", bytes));
  const report: FileVerdict = { kind, verdict, at, digest: sha256, signatures: [], remarks: [], anchors: [] };
  try {
    return await judge(report);
  } catch (error) {
    if (error instanceof TooManyCertificates) {
      return { ...report, verdict: undecided("CERTIFICATE_CHAIN_GENERAL_FAILURE", TEMPLATES.tooManyCertificates) };
    }
    if (error instanceof TooLong || error instanceof RangeError) return refused(report, sentence(TEMPLATES.tooLong));
    if (error instanceof UnreadableMessage || error instanceof Malformed) return refused(report, reasonOf(error));
    return report;
  }
}

function refused(report: FileVerdict, reason: Sentence): FileVerdict {
  return { ...report, verdict: { indication: "INDETERMINATE", subindication: "GENERIC", reasons: [reason] } };
}
