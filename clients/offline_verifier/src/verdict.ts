/**
 * The words of a verdict: those of `vermilion verify --json` (ETSI EN 319 102-1, 5.1.3 and tables 5 and 6), and the
 * report about one file. Types alone and what makes them; nothing here reads a byte.
 */

export type Indication = "TOTAL-PASSED" | "TOTAL-FAILED" | "INDETERMINATE";

/** Why not passed. The last one is ours: EN 319 102-1 starts where a signature has been found. */
export type SubIndication =
  | "FORMAT_FAILURE"
  | "HASH_FAILURE"
  | "SIG_CRYPTO_FAILURE"
  | "REVOKED"
  | "EXPIRED"
  | "NOT_YET_VALID"
  | "SIG_CONSTRAINTS_FAILURE"
  | "CHAIN_CONSTRAINTS_FAILURE"
  | "CERTIFICATE_CHAIN_GENERAL_FAILURE"
  | "CRYPTO_CONSTRAINTS_FAILURE"
  | "TIMESTAMP_ORDER_FAILURE"
  | "NO_SIGNING_CERTIFICATE_FOUND"
  | "NO_CERTIFICATE_CHAIN_FOUND"
  | "REVOKED_NO_POE"
  | "REVOKED_CA_NO_POE"
  | "OUT_OF_BOUNDS_NO_POE"
  | "NO_POE"
  | "SIGNED_DATA_NOT_FOUND"
  | "GENERIC"
  | "NO_SIGNATURE_FOUND";

/** A sentence for people: English with places, `{name}`, and what goes there. The page translates by the template. */
export interface Sentence {
  readonly template: string;
  readonly values: Readonly<Record<string, string>>;
}

/** An indication with its sub-indication (null exactly when passed) and at least one reason when not passed. */
export interface Verdict {
  readonly indication: Indication;
  readonly subindication: SubIndication | null;
  readonly reasons: readonly Sentence[];
}

export type Level = "B-B" | "B-T" | "B-LT" | "B-LTA";
/** How much of the file a signature covers. */
export type Coverage = "whole-file" | "whole-revision" | "partial";
/** What came after the signed revision, as far as the offline verifier can tell. */
export type Changes = "none" | "validation-data" | "further-signatures" | "unexplained" | "unknown";

/** A certificate of the validated path; `fingerprint` is SHA-256 in hex, `serial` hex. */
export interface CertificateDetails {
  readonly subject: string;
  readonly issuer: string;
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly fingerprint: string;
}

/** One timestamp over a signature: who gave it, for when, and whether it holds. */
export interface StampVerdict {
  readonly authority: string | null;
  readonly time: Date | null;
  readonly verdict: Verdict;
}

/**
 * One signature, document timestamp, timestamp token or detached message. Times as in the JSON of `vermilion verify`:
 * `signingTime` is the best time known, `timestamp` that of the signature timestamp (of the token itself for document
 * timestamps), `claimed` what the signer claims. `end` is where in the file ends what it covers.
 */
export interface SignatureVerdict {
  readonly field: string | null;
  readonly verdict: Verdict;
  readonly signer: string | null;
  readonly signingTime: Date | null;
  readonly timestamp: Date | null;
  readonly claimed: Date | null;
  readonly level: Level | null;
  readonly coverage: Coverage | null;
  readonly changes: Changes | null;
  readonly documentTimestamp: boolean;
  readonly path: readonly CertificateDetails[];
  readonly algorithms: string | null;
  readonly stamps: readonly StampVerdict[];
  readonly end: number | null;
}

/**
 * The verdict about one file. `digest` is its SHA-256 in hex; `remarks` do not change the verdict; `anchors` are the
 * certificates, of those that were named as trusted, to which something in the file leads.
 */
export interface FileVerdict {
  readonly kind: "pdf" | "timestamp" | "evidence";
  readonly verdict: Verdict;
  readonly at: Date;
  readonly digest: string;
  readonly signatures: readonly SignatureVerdict[];
  readonly remarks: readonly Sentence[];
  readonly anchors: readonly CertificateDetails[];
}

export const PASSED: Verdict = { indication: "TOTAL-PASSED", subindication: null, reasons: [] };

/** The sentence *template* with *values* in its places. */
export function sentence(template: string, values: Record<string, string | number> = {}): Sentence {
  return { template, values: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)])) };
}

/** A sentence in English, its values in their places. */
export function english(said: Sentence): string {
  return said.template.replace(/\{(\w+)\}/g, (place, name: string) => said.values[name] ?? place);
}

/** TOTAL-FAILED for a reason. */
export function failed(why: SubIndication, template: string, values?: Record<string, string | number>): Verdict {
  return { indication: "TOTAL-FAILED", subindication: why, reasons: [sentence(template, values)] };
}

/** INDETERMINATE for a reason. */
export function undecided(why: SubIndication, template: string, values?: Record<string, string | number>): Verdict {
  return { indication: "INDETERMINATE", subindication: why, reasons: [sentence(template, values)] };
}

const ORDER: readonly Indication[] = ["TOTAL-FAILED", "INDETERMINATE", "TOTAL-PASSED"];

/** The worst of *verdicts*, the first of equals, with the reasons of all that are not passed, none twice. */
export function worst(verdicts: readonly Verdict[]): Verdict {
  const rank = (each: Verdict): number => ORDER.indexOf(each.indication);
  const bad = verdicts.filter((each) => each.indication !== "TOTAL-PASSED").sort((a, b) => rank(a) - rank(b));
  const first = bad[0];
  if (first === undefined) return PASSED;
  const reasons = new Map(bad.flatMap((each) => each.reasons).map((each) => [english(each), each]));
  return { ...first, reasons: [...reasons.values()] };
}
