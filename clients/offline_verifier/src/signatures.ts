/**
 * One signature of a PDF, or one document timestamp: integrity, signer, time (EN 319 102-1, 5.2 to 5.6), and the
 * baseline level that it has reached (ETSI EN 319 142-1, 6).
 */

import { NotComputed, digest } from "./algorithms";
import { latin1 } from "./asn1";
import { type Certificate, details } from "./certificates";
import { DATA, MIME_TYPE, type SignedMessage, claimedTime, reasonOf } from "./messages";
import { type CertificateJudge, type Finding, type Times, shownTime } from "./paths";
import type { FoundSignature } from "./pdf/form";
import type { RevocationData } from "./revocation";
import { TEMPLATES } from "./sentences";
import { NotSigned, type Signer, defectOfCarried, identifySigner, weaknessOf } from "./signers";
import { type ExaminedToken, examineToken, ofAnotherForm, provenBy } from "./tokens";
import { type Level, PASSED, type Sentence, type SignatureVerdict, type Verdict, undecided } from "./verdict";

const SUBFILTERS = ["adbe.pkcs7.detached", "ETSI.CAdES.detached", "ETSI.RFC3161"];
const RECORDS = ["application/x.vermilion.agreement+json", "application/x.vermilion.voiding+json"];
/** A signature timestamp that fails so proves nothing, and harms nothing: the signature stands without it. */
const HELPLESS = ["NO_CERTIFICATE_CHAIN_FOUND", "OUT_OF_BOUNDS_NO_POE"];

/** A message examined by itself. `intact`: made by its signer over these bytes, whoever that is. */
export interface Examined {
  readonly verdict: Verdict;
  readonly intact: boolean;
  readonly finding: Finding | null;
  readonly stamps: readonly ExaminedToken[];
  readonly proven: Date | null;
  readonly signer: string | null;
  readonly claimed: Date | null;
  readonly algorithms: string | null;
  readonly remarks: readonly Sentence[];
}

/** Whoever examines: certificates, revocation data and the control time. */
export interface Examiner {
  readonly judge: CertificateJudge;
  readonly revocation: RevocationData;
  readonly at: Date;
}

export function unexamined(verdict: Verdict): Examined {
  return { verdict, intact: false, finding: null, stamps: [], proven: null, signer: null, claimed: null, algorithms: null, remarks: [] };
}

/** A document timestamp over *content*; *proven* is the earliest later proof. */
export async function examineTimestamp(
  message: SignedMessage,
  content: Uint8Array,
  proven: Date | null,
  by: Examiner,
): Promise<Examined> {
  const times: Times = { at: by.at, proven };
  const stamp = await examineToken(message, (hash) => digest(hash, content), by.judge, times);
  const verdict = stamp.verdict === PASSED ? (tooLate([stamp], proven) ?? unknownRevocation(by) ?? PASSED) : stamp.verdict;
  const intact = stamp.finding !== null && verdict.indication !== "TOTAL-FAILED";
  return { verdict, intact, finding: stamp.finding, stamps: [stamp], proven, signer: stamp.signer, claimed: null, algorithms: stamp.algorithms, remarks: message.remarks };
}

/** A signature over *content* that lies outside the message. */
export async function examineSignature(
  message: SignedMessage,
  content: Uint8Array,
  proven: Date | null,
  by: Examiner,
): Promise<Examined> {
  let signer: Signer;
  try {
    signer = await identifySigner(message, (hash) => digest(hash, content), by.judge.known);
  } catch (error) {
    if (error instanceof NotSigned) return unexamined(error.verdict);
    const why = error instanceof NotComputed ? "CRYPTO_CONSTRAINTS_FAILURE" : "GENERIC";
    return unexamined({ indication: "INDETERMINATE", subindication: why, reasons: [reasonOf(error)] });
  }
  const stamps: ExaminedToken[] = [];
  for (const token of message.timestamps) {
    stamps.push(await examineToken(token, (hash) => digest(hash, message.signature), by.judge, { at: by.at, proven }));
  }
  const proofs = [proven, ...stamps.map(provenBy)].filter((each) => each !== null).sort((a, b) => Number(a) - Number(b));
  const best = proofs[0] ?? null;
  const finding = await by.judge.judge(signer.certificate, "document", { at: by.at, proven: best });
  const damaged = await defectOfCarried(message, finding.path, by.judge);
  const checks: (Verdict | null)[] = [
    damaged === null ? null : formatFailure(damaged),
    ofAnotherForm(message, proven),
    stampedBadly(stamps) ?? tooLate(stamps, proven),
    finding.verdict === PASSED ? null : finding.verdict,
    weaknessOf(signer, message.hash),
    unknownRevocation(by),
  ];
  const verdict = checks.find((each) => each !== null) ?? PASSED;
  return {
    verdict,
    intact: true,
    finding,
    stamps,
    proven: best,
    signer: signer.certificate.name,
    claimed: claimedTime(message),
    algorithms: `${message.hash}, ${signer.scheme.label}`,
    remarks: message.remarks,
  };
}

/** A PDF's signature of a kind that is not judged here, so that nothing can be said of what it covers. */
export function ofUnknownKind(found: FoundSignature): Verdict | null {
  if (SUBFILTERS.includes(found.subfilter)) return null;
  return undecided("GENERIC", TEMPLATES.unknownKind, { kind: found.subfilter || "none" });
}

/** What a PDF's signature must be beside that: over plain data outside, and not over a record. */
export function foreign(found: FoundSignature, message: SignedMessage): Verdict | null {
  if (found.documentTimestamp) return null;
  const named = message.signed.has("1.2.840.113549.1.9.16.2.47") || message.signed.has("1.2.840.113549.1.9.16.2.12");
  if (found.subfilter === "ETSI.CAdES.detached" && !named) {
    return undecided("SIG_CONSTRAINTS_FAILURE", TEMPLATES.unnamedSigner);
  }
  const record = RECORDS.includes(mediaType(message) ?? "");
  if (message.contentType !== DATA || message.content !== null || record) return undecided("GENERIC", TEMPLATES.ownContent);
  return null;
}

/** The signed attribute mime-type (ETSI EN 319 122-1, 5.2.5), null without one. */
export function mediaType(message: SignedMessage): string | null {
  const values = message.signed.get(MIME_TYPE) ?? [];
  return values.length === 0 ? null : values.map((each) => latin1(each.body)).join(" ");
}

function stampedBadly(stamps: readonly ExaminedToken[]): Verdict | null {
  const bad = stamps.find((each) => each.verdict !== PASSED && !HELPLESS.includes(each.verdict.subindication ?? ""));
  return bad === undefined ? null : { ...bad.verdict, indication: "INDETERMINATE" };
}

function tooLate(stamps: readonly ExaminedToken[], proven: Date | null): Verdict | null {
  for (const stamp of stamps) {
    const time = provenBy(stamp);
    if (time === null || proven === null || time <= proven) continue;
    return undecided("TIMESTAMP_ORDER_FAILURE", TEMPLATES.stampTooLate, { time: shownTime(time), later: shownTime(proven) });
  }
  return null;
}

function unknownRevocation(by: Examiner): Verdict | null {
  return by.revocation.unreadable ? undecided("CERTIFICATE_CHAIN_GENERAL_FAILURE", TEMPLATES.revocationUnreadable) : null;
}

function formatFailure(reason: Sentence): Verdict {
  return { indication: "INDETERMINATE", subindication: "GENERIC", reasons: [reason] };
}

/** The level; null for what is not a signature by a known key. *archived*: a later document timestamp proves it. */
export function levelOf(one: Examined, archived: boolean, stored: boolean): Level | null {
  if (one.finding === null || one.verdict.indication === "TOTAL-FAILED") return null;
  if (one.proven === null) return "B-B";
  const proving = one.stamps.filter((each) => provenBy(each) !== null);
  const carried = (finding: Finding | null): boolean => finding !== null && finding.revocation.every((each) => each.carried);
  const chosen = proving.length > 0 ? proving : one.stamps;
  const known = chosen.map((each) => carried(each.finding));
  const dated = proving.length > 0 ? known.some(Boolean) : known.every(Boolean);
  if (!stored || !dated || !carried(one.finding)) return "B-T";
  return archived ? "B-LTA" : "B-LT";
}

/** The certificates at the top of the paths of a signature and of its timestamps. */
export function anchorsOf(one: Examined): Certificate[] {
  const findings = [one.finding, ...one.stamps.map((each) => each.finding)];
  return findings.flatMap((each) => (each?.verdict === PASSED ? each.path.slice(-1) : []));
}

/** What the report says of one message by itself. */
export function signatureVerdict(one: Examined): SignatureVerdict {
  const stamped = one.stamps.find((each) => each.verdict === PASSED)?.statement?.time ?? null;
  return {
    field: null,
    verdict: one.verdict,
    signer: one.signer,
    signingTime: stamped ?? one.proven ?? one.claimed,
    timestamp: stamped,
    claimed: one.claimed,
    level: null,
    coverage: null,
    changes: null,
    documentTimestamp: false,
    path: one.finding?.path.map(details) ?? [],
    algorithms: one.algorithms,
    stamps: one.stamps.map((each) => ({ authority: each.signer, time: each.statement?.time ?? null, verdict: each.verdict })),
    end: null,
  };
}
