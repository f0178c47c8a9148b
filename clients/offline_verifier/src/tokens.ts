/** Timestamp tokens (RFC 3161, RFC 5816): what one says, and whether it is to be believed. */

import { NotComputed, digest, hashOf } from "./algorithms";
import { Fields, INTEGER, Malformed, OCTET_STRING, SEQUENCE, equal, flag, integer, oid, time, whole } from "./asn1";
import { readExtensions } from "./certificates";
import { type SignedMessage, TST_INFO, UnreadableMessage, readMessage, reasonOf } from "./messages";
import { type CertificateJudge, type Finding, type Times, shownTime } from "./paths";
import { TEMPLATES } from "./sentences";
import { type DigestOf, NotSigned, defectOfCarried, identifySigner, weaknessOf } from "./signers";
import { PASSED, type Verdict, failed, undecided } from "./verdict";

const SKEW = 5000;

/** The TSTInfo inside a token. */
export interface Statement {
  readonly hash: string;
  readonly digest: Uint8Array;
  readonly time: Date;
  readonly nonce: bigint | null;
}

export interface ExaminedToken {
  readonly verdict: Verdict;
  readonly statement: Statement | null;
  readonly finding: Finding | null;
  readonly signer: string | null;
  readonly algorithms: string | null;
}

/** The time that a token proves, null unless it passed. */
export function provenBy(token: ExaminedToken): Date | null {
  return token.verdict === PASSED ? (token.statement?.time ?? null) : null;
}

/** What a token says. Raises UnreadableMessage unless it is one. */
export function statementOf(message: SignedMessage): Statement {
  if (message.contentType !== TST_INFO || message.content === null) throw new UnreadableMessage(TEMPLATES.noToken);
  try {
    const fields = new Fields(whole(message.content));
    if (integer(fields.next()) !== 1n) throw new UnreadableMessage(TEMPLATES.tokenVersion);
    oid(fields.next());
    const imprint = new Fields(fields.next());
    const hash = hashOf(imprint.next());
    const value = imprint.next(OCTET_STRING).body;
    imprint.end();
    integer(fields.next());
    const stated = time(fields.next(0x18));
    fields.optional(SEQUENCE);
    flag(fields);
    const nonce = fields.optional(INTEGER);
    fields.optional(0xa0);
    const extensions = fields.optional(0xa1);
    fields.end();
    const known = extensions === undefined ? [] : readExtensions({ ...extensions, tag: SEQUENCE }).values();
    if ([...known].some((each) => each.critical)) throw new UnreadableMessage(TEMPLATES.tokenExtension);
    return { hash, digest: value, time: stated, nonce: nonce === undefined ? null : integer(nonce) };
  } catch (error) {
    if (error instanceof Malformed) throw new UnreadableMessage(TEMPLATES.tokenDamaged);
    throw error;
  }
}

/**
 * Judges a token about what *digestOf* gives (null: about anything; the caller then says so).
 *
 * 1. The signature and its bindings hold; 2. it is about the data; 3. it is not of the future; 4. its authority is
 * trusted for timestamps at the control time, or was when a later proof dates this token; 5. what it carries is whole.
 */
export async function examineToken(
  token: SignedMessage | Uint8Array,
  digestOf: DigestOf | null,
  judge: CertificateJudge,
  times: Times,
): Promise<ExaminedToken> {
  let statement: Statement | null = null;
  const refused = (verdict: Verdict): ExaminedToken => ({ verdict, statement, finding: null, signer: null, algorithms: null });
  try {
    const message = token instanceof Uint8Array ? readMessage(token) : token;
    const stated = statementOf(message);
    statement = stated;
    const content = message.content ?? new Uint8Array();
    const signer = await identifySigner(message, (hash) => digest(hash, content), judge.known);
    const finding = await judge.judge(signer.certificate, "timestamp", times);
    const defect = await defectOfCarried(message, finding.path, judge);
    const { name } = signer.certificate;
    const checks: (Verdict | null)[] = [
      await aboutOther(stated, digestOf),
      defect === null ? null : { indication: "INDETERMINATE", subindication: "GENERIC", reasons: [defect] },
      message.unsigned ? undecided("GENERIC", TEMPLATES.tokenUnsigned) : null,
      ofAnotherForm(message, times.proven),
      signer.named ? null : undecided("SIG_CONSTRAINTS_FAILURE", TEMPLATES.unnamedStamper),
      Number(stated.time) > Number(times.at) + SKEW
        ? undecided("NO_POE", TEMPLATES.future, { time: shownTime(stated.time) })
        : null,
      stated.time < signer.certificate.notBefore
        ? undecided("NOT_YET_VALID", TEMPLATES.beforeCertificate, { name })
        : null,
      stated.time > signer.certificate.notAfter ? undecided("EXPIRED", TEMPLATES.afterCertificate, { name }) : null,
      finding.verdict === PASSED ? null : finding.verdict,
      weaknessOf(signer, message.hash, stated.hash),
    ];
    const verdict = checks.find((each) => each !== null) ?? PASSED;
    return { verdict, statement: stated, finding, signer: name, algorithms: signer.scheme.label };
  } catch (error) {
    if (error instanceof NotSigned) return refused(error.verdict);
    const reason = reasonOf(error);
    const why = error instanceof NotComputed ? "CRYPTO_CONSTRAINTS_FAILURE" : "GENERIC";
    return refused({ indication: "INDETERMINATE", subindication: why, reasons: [reason] });
  }
}

async function aboutOther(statement: Statement, digestOf: DigestOf | null): Promise<Verdict | null> {
  if (digestOf === null) return null;
  const same = equal(statement.digest, await digestOf(statement.hash));
  return same ? null : failed("HASH_FAILURE", TEMPLATES.otherData);
}

/** What lies outside the signature and does not fit may have been altered, unless a later document timestamp
 * (*proven*) covers it. */
export function ofAnotherForm(message: SignedMessage, proven: Date | null): Verdict | null {
  if (message.defects.length === 0 || proven !== null) return null;
  return { indication: "INDETERMINATE", subindication: "GENERIC", reasons: message.defects };
}
