/**
 * Certification paths from a signer to whom the user believes (RFC 5280, 6), and what can be said about the end of one
 * at the times that are known (EN 319 102-1, 5.2.6, 5.5 and 5.6.2.4).
 */

import { isWeak, keyWeakness, NotComputed } from "./algorithms";
import { equal } from "./asn1";
import { type Certificate, authorityIn, isSignedBy, keyUsage, purposes, same, schemeIn } from "./certificates";
import { TooManyCertificates } from "./limits";
import type { RevocationData, RevocationStatus } from "./revocation";
import { TEMPLATES } from "./sentences";
import { PASSED, type Sentence, type Verdict, sentence, undecided } from "./verdict";

const LONGEST = 10;
const MOST_PATHS = 16;
const MOST_STEPS = 256;
const MOST_CHECKS = 2000;
const UNDERSTOOD = new Set([
  "2.5.29.19",
  "2.5.29.15",
  "2.5.29.37",
  "2.5.29.17",
  "2.5.29.18",
  "2.5.29.32",
  "2.5.29.31",
  "2.5.29.35",
  "2.5.29.14",
  "1.3.6.1.5.5.7.1.3",
]);
/** E-mail, any, document signing (RFC 9336), the same of Microsoft and of Adobe. */
const DOCUMENT_PURPOSES = [
  "1.3.6.1.5.5.7.3.4",
  "2.5.29.37.0",
  "1.3.6.1.5.5.7.3.36",
  "1.3.6.1.4.1.311.10.3.12",
  "1.2.840.113583.1.1.5",
];
const TIME_STAMPING = "1.3.6.1.5.5.7.3.8";
const DIGITAL_SIGNATURE = 0;
const CONTENT_COMMITMENT = 1;
const CERT_SIGN = 5;

export type Purpose = "document" | "timestamp";
/** From the end certificate to the anchor. */
export type Path = readonly Certificate[];

/** `at` is the control time; `proven` the earliest proof that the signature existed. */
export interface Times {
  readonly at: Date;
  readonly proven: Date | null;
}

/** The verdict about a certificate with the best path for it, and the status of each but the anchor. */
export interface Finding {
  readonly verdict: Verdict;
  readonly path: Path;
  readonly revocation: readonly RevocationStatus[];
}

/** Judges certificates for one file: whom to believe, certificates at hand, and what is known about revocation. */
export class CertificateJudge {
  readonly known: readonly Certificate[];
  private readonly issued = new Map<string, boolean>();

  constructor(
    readonly anchors: readonly Certificate[],
    pool: readonly Certificate[],
    private readonly revocation: RevocationData,
  ) {
    const all = new Map([...anchors, ...pool].map((each) => [each.fingerprint, each]));
    this.known = [...all.values()];
  }

  /** Everybody at hand who issued *certificate*, anchors first. */
  async issuers(certificate: Certificate): Promise<Certificate[]> {
    const found: Certificate[] = [];
    for (const each of this.known) {
      if (equal(each.subject, certificate.issuer) && (await this.isIssued(certificate, each))) found.push(each);
    }
    return found;
  }

  private async isIssued(certificate: Certificate, issuer: Certificate): Promise<boolean> {
    const key = certificate.fingerprint + issuer.fingerprint;
    const known = this.issued.get(key);
    if (known !== undefined) return known;
    if (this.issued.size >= MOST_CHECKS) throw new TooManyCertificates();
    const issued = await isSignedBy(certificate, issuer.key);
    this.issued.set(key, issued);
    return issued;
  }

  /** Paths from *leaf* to an anchor, the shortest first, at most a handful. */
  async paths(leaf: Certificate): Promise<Path[]> {
    const found: Path[] = [];
    const waiting: Path[] = [[leaf]];
    for (let step = 0; step < MOST_STEPS && found.length < MOST_PATHS; step++) {
      const path = waiting.shift();
      const last = path?.at(-1);
      if (path === undefined || last === undefined) break;
      if (this.anchors.some((each) => same(each, last))) found.push(path);
      else if (path.length < LONGEST) {
        const issuers = await this.issuers(last);
        waiting.push(...issuers.filter((each) => !path.some((on) => same(on, each))).map((each) => [...path, each]));
      }
    }
    return found;
  }

  /** The best that can be said about *leaf*. */
  async judge(leaf: Certificate, purpose: Purpose, times: Times): Promise<Finding> {
    let best: Finding | null = null;
    for (const path of await this.paths(leaf)) {
      const finding = await this.along(path, purpose, times);
      if (finding.verdict === PASSED) return finding;
      best ??= finding;
    }
    const verdict = undecided("NO_CERTIFICATE_CHAIN_FOUND", TEMPLATES.untrusted, { name: leaf.name });
    return best ?? { verdict, path: [leaf], revocation: [] };
  }

  private async along(path: Path, purpose: Purpose, times: Times): Promise<Finding> {
    const revocation: RevocationStatus[] = [];
    for (const [index, certificate] of path.slice(0, -1).entries()) {
      const issuer = path[index + 1];
      if (issuer !== undefined) revocation.push(await this.revocation.status(certificate, issuer, times.at));
    }
    const verdict = problemOf(path, purpose) ?? untimely(path, times) ?? revoked(path, revocation, times) ?? PASSED;
    return { verdict, path, revocation };
  }
}

/** The first reason why *path* does not serve *purpose* at any time, or null. */
function problemOf(path: Path, purpose: Purpose): Verdict | null {
  const [leaf, ...issuers] = path;
  if (leaf === undefined) return null;
  const reasons = [
    wrongPurpose(leaf, purpose),
    ...issuers.map((issuer, below) => wrongAuthority(issuer, below)),
    ...path.map(notUnderstood),
  ];
  const reason = reasons.find((each) => each !== null);
  if (reason) return { indication: "INDETERMINATE", subindication: "CHAIN_CONSTRAINTS_FAILURE", reasons: [reason] };
  const weak = path.map((each, index) => weaknessOf(each, index === path.length - 1)).find((each) => each !== null);
  if (weak) return { indication: "INDETERMINATE", subindication: "CRYPTO_CONSTRAINTS_FAILURE", reasons: [weak] };
  return null;
}

function wrongPurpose(leaf: Certificate, purpose: Purpose): Sentence | null {
  const name = { name: leaf.name };
  const usage = keyUsage(leaf);
  if (usage !== null && !usage.has(DIGITAL_SIGNATURE) && !usage.has(CONTENT_COMMITMENT)) {
    return sentence(TEMPLATES.notForSignatures, name);
  }
  const stated = purposes(leaf);
  if (purpose === "document") {
    const fits = stated === null || stated.some((each) => DOCUMENT_PURPOSES.includes(each));
    return fits ? null : sentence(TEMPLATES.notForDocuments, name);
  }
  // RFC 3161, 2.3: critical, and for this purpose alone
  const critical = leaf.extensions.get("2.5.29.37")?.critical === true;
  const fits = critical && stated?.length === 1 && stated[0] === TIME_STAMPING;
  return fits ? null : sentence(TEMPLATES.notForTimestamps, name);
}

/** RFC 5280, 6.1.4 (k) to (n); *below* counts the authorities under *issuer*. */
function wrongAuthority(issuer: Certificate, below: number): Sentence | null {
  const name = { name: issuer.name };
  const { authority, pathLength } = authorityIn(issuer);
  if (!authority) return sentence(TEMPLATES.noAuthority, name);
  if (pathLength !== null && below > pathLength) return sentence(TEMPLATES.pathTooLong, name);
  const usage = keyUsage(issuer);
  return usage !== null && !usage.has(CERT_SIGN) ? sentence(TEMPLATES.mayNotCertify, name) : null;
}

function notUnderstood(certificate: Certificate): Sentence | null {
  for (const [oid, extension] of certificate.extensions) {
    if (extension.critical && !UNDERSTOOD.has(oid)) {
      return sentence(TEMPLATES.criticalExtension, { name: certificate.name, oid });
    }
  }
  return null;
}

function weaknessOf(certificate: Certificate, anchor: boolean): Sentence | null {
  try {
    const weak = keyWeakness(certificate.key);
    if (weak !== null || anchor) return weak;
    const { hash } = schemeIn(certificate);
    return isWeak(hash) ? sentence(TEMPLATES.weakCertificate, { name: certificate.name, algorithm: hash }) : null;
  } catch (error) {
    return error instanceof NotComputed ? error.reason : sentence(TEMPLATES.keyUnknown);
  }
}

/** Validity periods; the anchor's own does not count, unless it is the signer's (RFC 5280, 6.1.1 (d)). */
function untimely(path: Path, times: Times): Verdict | null {
  const best = times.proven ?? times.at;
  for (const [index, certificate] of (path.length > 1 ? path.slice(0, -1) : path).entries()) {
    const { name } = certificate;
    if (best < certificate.notBefore) {
      const values = { name, time: shownTime(certificate.notBefore) };
      return times.proven !== null && index === 0
        ? undecided("NOT_YET_VALID", TEMPLATES.notYetValid, values)
        : undecided("OUT_OF_BOUNDS_NO_POE", TEMPLATES.notYetValid, values);
    }
    if (best > certificate.notAfter) {
      return undecided("OUT_OF_BOUNDS_NO_POE", TEMPLATES.expired, { name, time: shownTime(certificate.notAfter) });
    }
  }
  return null;
}

function revoked(path: Path, statuses: readonly RevocationStatus[], times: Times): Verdict | null {
  for (const [index, status] of statuses.entries()) {
    if (status.known !== "revoked" || status.since === null) continue;
    if (times.proven !== null && times.proven < status.since) continue;
    return undecided(index === 0 ? "REVOKED_NO_POE" : "REVOKED_CA_NO_POE", TEMPLATES.revoked, {
      name: path[index]?.name ?? "",
      time: shownTime(status.since),
    });
  }
  return null;
}

/** To the second, in UTC, and saying so. */
export function shownTime(moment: Date): string {
  return `${moment.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
