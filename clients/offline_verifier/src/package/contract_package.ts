/** The package of a contract. What its records and entries mean is not judged, so none is called TOTAL-PASSED here. */

import { verifyDetached, verifyPdf } from "../engine";
import { digestOf, hex, same, sha256 } from "../octets";
import { type CertificateDetails, type FileVerdict, PASSED, type SignatureVerdict, type Verdict, sentence, undecided, worst } from "../verdict";
import { decode, fields } from "./canonical";
import { type Carried, OTHER_SIGNATURES, SIGNED, requireContract, requireParts } from "./contract";
import { part } from "./files";
import { provenBy, requireHistory, requireTold } from "./history";
import { type Dated, PackageJudge, doubted, happenedSince } from "./judging";
import { hasAPlace, requireLayout } from "./layout";
import { type Certificate, identifierOf, isEvidenceService, readMessage } from "./messages";
import { type PackageVerdict, type RecordVerdict } from "./model";
import { require } from "./refusal";

const RECORD = /^((?:agreement|voiding)\/[^/]+|authority\/(?:power|anchor|vouching)-[^/]+)\.(?:json|p7s)$/;
const NAMING: ReadonlyMap<string, string> = new Map([
  ["vermilion-agreement/3", "application/x.vermilion.agreement+json"],
  ["vermilion-agreement/4", "application/x.vermilion.agreement+json"],
  ["vermilion-voiding/2", "application/x.vermilion.voiding+json"],
]);
/** Of people whose keys sign for other software: these sign no contract and no record. */
const REMOTE = /^person-.*\.(?:document|hash)$/;

/** A package has a record for each party's acceptance. */
const MOST_RECORDS = 200;

export class ContractJudge extends PackageJudge {
  private readonly records: RecordVerdict[] = [];
  private document: FileVerdict | null = null;
  private carried: readonly Carried[] = [];

  protected async check(): Promise<void> {
    await this.step("files", () => this.checkFiles());
    await this.step("manifest", () => this.checkManifest());
    await this.step("contract", () => this.checkContract());
    await this.step("signatures", () => this.checkSignatures());
    await this.step("log", () => this.checkLog());
    await this.step("records", () => this.checkRecords());
    await this.step("history", () => this.checkHistory());
  }

  protected requireNames(): void {
    requireLayout(this.files.keys());
  }

  protected hasAPlace(path: string): boolean {
    return hasAPlace(path);
  }

  protected override isJudged(path: string): boolean {
    const signed = this.records.some((each) => each.path.replace(/\.json$/, "") === path.replace(/\.[^.]+$/, ""));
    return super.isJudged(path) || /^(?:index\.txt$|contract\/|signatures\/)/.test(path) || signed;
  }

  protected report(found: PackageVerdict): Partial<PackageVerdict> {
    return {
      verdict: found.verdict.indication === "TOTAL-PASSED" ? NOT_JUDGED : found.verdict,
      signatures: this.document?.signatures ?? [],
      remarks: [...found.remarks, ...(this.document?.remarks ?? [])],
      document: this.document,
      records: this.records,
      voiding: [...this.files.keys()].some((each) => each.startsWith("voiding/")) || this.entries.some((each) => each.kind === "contract-voided"),
    };
  }

  protected override doubt(): void {
    super.doubt();
    if (this.document !== null) this.document = { ...this.document, signatures: this.document.signatures.map(doubted) };
    for (const [at, each] of this.records.entries()) this.records[at] = { ...each, report: doubted(each.report) };
  }

  protected override anchors(): CertificateDetails[] {
    const found = [...(this.document?.anchors ?? []), ...super.anchors()];
    return [...new Map(found.map((each) => [each.fingerprint, each])).values()];
  }

  private async checkContract(): Promise<Verdict[]> {
    this.carried = await requireContract(this.files);
    const dated = await this.dated("contract/contract.tsr", part(this.files, SIGNED, Infinity), "contract/contract.tsq");
    return [dated.verdict];
  }

  /** Each signature that the contract carries is one that the verifier of PDFs has judged. */
  private async checkSignatures(): Promise<Verdict[]> {
    const document = part(this.files, SIGNED, Infinity);
    this.document = await verifyPdf(document, this.believed, this.at, this.more);
    const verdicts: Verdict[] = [this.document.verdict];
    for (const each of this.carried) {
      const report = this.document.signatures.find((one) => one.end === each.end);
      require(report && report.documentTimestamp === (each.kind === "timestamp"), OTHER_SIGNATURES);
      if (each.kind === "timestamp") continue;
      const certificate = this.certificateOf(each.kind === "own" ? `own-${each.number}` : each.number);
      require(report.path.length === 0 || report.path[0]?.fingerprint === hex(await sha256(certificate.der)), OTHER_SIGNATURES);
      if (each.kind === "own") this.found.push(sentence(ELSEWHERE, { number: each.number }));
      else requireForContracts(certificate, `signatures/${each.number}.p7s`);
      if (each.kind !== "own") verdicts.push(this.underOneRoot(report, `signatures/${each.number}.p7s`));
    }
    return verdicts;
  }

  /** Whatever is signed, or would be taken for signed: acceptances, declarations, statements about powers. */
  private async checkRecords(): Promise<Verdict[]> {
    const names = new Set<string>();
    for (const path of this.files.keys()) {
      const name = RECORD.exec(path)?.[1];
      if (name !== undefined) names.add(name);
    }
    const verdicts: Verdict[] = [];
    require(names.size <= MOST_RECORDS, "The package has more than {limit} signed records; it was not judged.", { limit: MOST_RECORDS });
    const stamps = await this.stampedFiles();
    for (const name of [...names].sort()) {
      const [message, content] = [part(this.files, `${name}.p7s`), part(this.files, `${name}.json`)];
      requireParts(this.files, name, message);
      const said = fields(decode(content));
      const mediaType = NAMING.get(typeof said["format"] === "string" ? said["format"] : "") ?? null;
      const report = await this.record(name, mediaType, stamps);
      const certificate = this.certificateOf(name.replace("/", "-"));
      const signer = readMessage(message, `${name}.p7s`).signer;
      const own = signer && certificate.serial === signer.serial && same(certificate.issuer, signer.issuer);
      const speaks = name.startsWith("authority/") ? isEvidenceService(certificate) : said["person"] === identifierOf(certificate);
      const names = { path: `${name}.json`, name: report.signer ?? "" };
      require(own && speaks, "The record {path} is signed by {name}, who is somebody else than who may sign it.", names);
      requireForContracts(certificate, `${name}.p7s`);
      this.records.push({ path: `${name}.json`, report });
      verdicts.push(report.verdict, this.underOneRoot(report, `${name}.p7s`));
    }
    return verdicts;
  }

  /** The record *name*, judged with its timestamp. */
  private async record(name: string, mediaType: string | null, stamps: ReadonlyMap<string, Date>): Promise<SignatureVerdict> {
    const [message, content, more] = [part(this.files, `${name}.p7s`), part(this.files, `${name}.json`), { ...this.more, mediaType }];
    const report = await verifyDetached(message, content, this.believed, this.at, more);
    if (report.timestamp !== null) return report;
    const { time, verdict } = await this.stampOf(name, content, stamps);
    const counts = time !== null && (report.verdict.indication === "TOTAL-PASSED" || happenedSince(report.verdict));
    const anew = counts ? await verifyDetached(message, content, this.believed, this.at, { ...more, proven: time }) : report;
    return { ...anew, verdict: worst([anew.verdict, verdict]) };
  }

  /** The timestamp of the record *name*; where its certificate has run out or was revoked, as of when the record is proven to have been there. */
  private async stampOf(name: string, content: Uint8Array, stamps: ReadonlyMap<string, Date>): Promise<Dated> {
    const [path, value] = [`${name}.tst`, part(this.files, `${name}.sig`)];
    const dated = await this.dated(path, value);
    if (dated.stated === null || !happenedSince(dated.verdict)) return dated;
    const proven = provenBy(name, await digestOf(content), dated.stated, this.entries, this.manifestOf().about, stamps);
    return proven === null || proven >= this.at ? dated : this.dated(path, value, undefined, proven);
  }

  /** The document timestamps that hold, by the SHA-256 of the contract up to the end of each; none where the log does not hold. */
  private async stampedFiles(): Promise<Map<string, Date>> {
    const stamps = new Map<string, Date>();
    const needed = this.steps.filter((each) => each.part === "manifest" || each.part === "log");
    if (needed.some((each) => each.verdict.indication !== "TOTAL-PASSED")) return stamps;
    const document = part(this.files, SIGNED, Infinity);
    for (const { kind, end } of this.carried) {
      const report = this.document?.signatures.find((each) => each.end === end);
      const holds = kind === "timestamp" && report?.documentTimestamp && report.verdict.indication === "TOTAL-PASSED";
      if (holds && report.timestamp !== null) stamps.set(await digestOf(document.subarray(0, end)), report.timestamp);
    }
    return stamps;
  }

  private async checkHistory(): Promise<Verdict[]> {
    const manifest = this.manifestOf();
    require(this.entries.length > 0, "The package has no entry of the log.");
    await requireHistory(this.files, this.entries, manifest.about);
    const people = new Map<string, string>();
    for (const each of this.carried) {
      if (each.kind === "signature") people.set(each.number, identifierOf(this.certificateOf(each.number)));
    }
    requireTold(this.entries, this.carried, people, manifest.about);
    return [];
  }

  /** Undecided where who signed is certified under another root than the evidence service: the log may mean somebody else. */
  private underOneRoot(report: SignatureVerdict, name: string): Verdict {
    const [one, other] = [report.path, this.seal?.path ?? []].map((path) => path[path.length - 1]?.fingerprint);
    if (one === undefined || other === undefined || one === other) return PASSED;
    return undecided("CHAIN_CONSTRAINTS_FAILURE", OF_ANOTHER, { name, signer: report.signer ?? "" });
  }
}

function requireForContracts(certificate: Certificate, path: string): void {
  const own = !REMOTE.test(identifierOf(certificate));
  require(own, "The signature {path} is by a key for other software, which signs no contract and no record.", { path });
}

const OF_ANOTHER =
  "The signature {name} is by {signer}, whose certificate leads to another trust anchor than the package's: the" +
  " history may mean somebody else by the same number.";
const ELSEWHERE =
  "Signature {number} was made elsewhere, by a certificate of another house. It is judged by the trust anchors that you" +
  " name, not by the approval in the package.";
/** What a package gets of which everything holds that can be proven here. */
const NOT_JUDGED = undecided(
  "SIG_CONSTRAINTS_FAILURE",
  "What signatures, timestamps, the manifest and the log prove holds. What the signed records and the log’s entries mean is not judged here;" +
    " “vermilion verify” and the verification centre do that.",
);
