/**
 * An evidence package, judged as far as the checkers in it go (decision 56): what signatures, timestamps, the log and the
 * manifest prove. What records and entries mean is not judged, so no package is called TOTAL-PASSED here: *proven* says
 * that everything holds which can be proven without judging that.
 */

import { verifyDetached, verifyPdf, verifyTimestamp } from "../engine";
import { judgeWitnesses, readPolicy, type Witnessing } from "../log/witnesses";
import { readNote, signedAlone } from "../log/note";
import { digestOf, encoded, hex, same, sha256, toBase64 } from "../octets";
import {
  type CertificateDetails,
  type FileVerdict,
  PASSED,
  type Sentence,
  type SignatureVerdict,
  type SubIndication,
  type Verdict,
  failed,
  sentence,
  undecided,
  worst,
} from "../verdict";
import { decode, fields } from "./canonical";
import { type Carried, OTHER_SIGNATURES, SIGNED, requireContract, requireParts } from "./contract";
import { type Entry, requireCheckpoint, requireEntries, requireHistory, requireTold } from "./entries";
import { type Files, part } from "./files";
import { KNOWN_CHECKERS } from "./known";
import { hasAPlace, requireLayout } from "./layout";
import { type Manifest, readManifest, requireSame } from "./manifest";
import { type Certificate, fromPem, identifierOf, isEvidenceService, queryFor, readCertificate, readMessage, readToken } from "./messages";
import { Refused, require } from "./refusal";

export type Part = "files" | "manifest" | "contract" | "signatures" | "records" | "log" | "history";

/** One thing that was checked, with what was found besides the verdict. */
export interface Step {
  readonly part: Part;
  readonly verdict: Verdict;
  readonly found: readonly Sentence[];
}

export interface RecordVerdict {
  readonly path: string;
  readonly report: SignatureVerdict;
}

export interface LogState {
  readonly origin: string;
  readonly size: number;
  readonly root: string;
  readonly entries: readonly Entry[];
  readonly at: Date | null;
}

export interface PackageVerdict extends FileVerdict {
  readonly kind: "evidence";
  /** Everything holds that the checkers of a package prove, by a root that the reader named. */
  readonly proven: boolean;
  readonly contract: string;
  readonly audience: string;
  readonly steps: readonly Step[];
  readonly document: FileVerdict | null;
  readonly manifest: SignatureVerdict | null;
  readonly records: readonly RecordVerdict[];
  readonly log: LogState | null;
  readonly witnesses: Witnessing | null;
  /** Files of which nothing is proven but that the manifest lists them. */
  readonly listedOnly: readonly string[];
  /** Records that say, or entries by which, the contract is void. */
  readonly voiding: boolean;
  /** The root in the package, for comparing; null where there is none that can be read. */
  readonly root: Uint8Array | null;
}

/** What rests on the root. */
const RESTING: ReadonlySet<Part> = new Set(["manifest", "contract", "signatures", "records", "log"]);
const ROOT = "certificates/ca.pem";
const POLICY = "log/witness-policy.txt";
const CHECKERS = ["check.sh", "check.py"];
const RECORD = /^((?:agreement|voiding)\/[^/]+|authority\/(?:power|anchor|vouching)-[^/]+)\.(?:json|p7s)$/;
const NAMING: ReadonlyMap<string, string> = new Map([
  ["vermilion-agreement/3", "application/x.vermilion.agreement+json"],
  ["vermilion-agreement/4", "application/x.vermilion.agreement+json"],
  ["vermilion-voiding/2", "application/x.vermilion.voiding+json"],
]);
/** Of people whose keys sign for other software: these sign no contract and no record. */
const REMOTE = /^person-.*\.(?:document|hash)$/;

/** The verdict about the *files* of a package, for the moment *at*; only *trust* is believed. */
export async function verifyPackage(
  files: Files,
  trust: readonly Uint8Array[],
  at: Date,
  more: { readonly remarks?: readonly Sentence[]; readonly digest?: string } = {},
): Promise<PackageVerdict> {
  return new PackageJudge(files, trust, at).judge(more.remarks ?? [], more.digest ?? "");
}

class PackageJudge {
  private readonly steps: Step[] = [];
  private readonly records: RecordVerdict[] = [];
  private readonly believed: readonly Uint8Array[];
  private readonly more: { known: Uint8Array[]; crls: Uint8Array[] };
  private readonly root: Uint8Array | null;
  private found: Sentence[] = [];
  private listed: Manifest | null = null;
  private document: FileVerdict | null = null;
  private seal: SignatureVerdict | null = null;
  private carried: readonly Carried[] = [];
  private entries: readonly Entry[] = [];
  private checkpointAt: Date | null = null;
  private witnesses: Witnessing | null = null;

  constructor(
    private readonly files: Files,
    private readonly trust: readonly Uint8Array[],
    private readonly at: Date,
  ) {
    this.root = rootIn(files);
    this.believed = trust.length > 0 || this.root === null ? trust : [this.root];
    const pems = [...files].filter(([path]) => /^certificates\/[^/]+\.pem$/.test(path) && path !== "certificates/crls.pem");
    this.more = { known: pems.map(([, content]) => content), crls: [files.get("certificates/crls.pem") ?? encoded("")] };
  }

  async judge(remarks: readonly Sentence[], digest: string): Promise<PackageVerdict> {
    await this.step("files", () => this.checkFiles());
    await this.step("manifest", () => this.checkManifest());
    await this.step("contract", () => this.checkContract());
    await this.step("signatures", () => this.checkSignatures());
    await this.step("records", () => this.checkRecords());
    await this.step("log", () => this.checkLog());
    await this.step("history", () => this.checkHistory());
    const unread = await this.askWitnesses();
    const whole = worst(this.steps.map((each) => each.verdict));
    const own = this.trust.length === 0;
    const proven = whole.indication === "TOTAL-PASSED" && !own;
    if (own) this.doubt();
    return {
      kind: "evidence",
      proven,
      verdict: whole.indication === "TOTAL-PASSED" ? (own ? OWN_ROOT : NOT_JUDGED) : whole,
      at: this.at,
      digest,
      signatures: this.document?.signatures ?? [],
      remarks: [...remarks, ...unread, ...(this.document?.remarks ?? [])],
      anchors: own ? [] : this.anchors(),
      contract: this.listed?.contract ?? "",
      audience: this.listed?.audience ?? "",
      steps: this.steps,
      document: this.document,
      manifest: this.seal,
      records: this.records,
      log: this.listed && { ...this.listed.checkpoint, root: toBase64(this.listed.checkpoint.root), entries: this.entries, at: this.checkpointAt },
      witnesses: this.witnesses,
      listedOnly: this.listedOnly(),
      voiding: [...this.files.keys()].some((each) => each.startsWith("voiding/")) || this.entries.some((each) => each.kind === "contract-voided"),
      root: this.root,
    };
  }

  /** What holds by the package's own root alone is not called valid before the reader named that root. */
  private doubt(): void {
    const doubted = (verdict: Verdict): Verdict => (verdict.indication === "TOTAL-PASSED" ? IF_GENUINE : verdict);
    const report = (each: SignatureVerdict): SignatureVerdict => ({ ...each, verdict: doubted(each.verdict) });
    if (this.document !== null) this.document = { ...this.document, signatures: this.document.signatures.map(report) };
    if (this.seal !== null) this.seal = report(this.seal);
    for (const [at, each] of this.records.entries()) this.records[at] = { ...each, report: report(each.report) };
    for (const [at, each] of this.steps.entries()) {
      if (RESTING.has(each.part)) this.steps[at] = { ...each, verdict: doubted(each.verdict) };
    }
  }

  /** Does the *check*; what it refuses is TOTAL-FAILED, and what it returns counts. */
  private async step(part: Part, check: () => Promise<readonly Verdict[]>): Promise<void> {
    this.found = [];
    let verdict: Verdict;
    try {
      verdict = worst(await check());
    } catch (error) {
      const said = error instanceof Refused ? error.said : sentence("A file of the package is not in the form that it must have.");
      verdict = { indication: "TOTAL-FAILED", subindication: "FORMAT_FAILURE", reasons: [said] };
    }
    this.steps.push({ part, verdict, found: this.found });
  }

  private async checkFiles(): Promise<Verdict[]> {
    this.listed = readManifest(part(this.files, "manifest.json"));
    await requireSame(this.listed, this.files);
    requireLayout(this.files.keys());
    const verdicts: Verdict[] = [];
    for (const file of CHECKERS) {
      const known = KNOWN_CHECKERS.has(`${await digestOf(part(this.files, file))}  ${file}`);
      if (!known) verdicts.push(undecided("SIG_CONSTRAINTS_FAILURE", UNKNOWN_CHECKER, { file }));
    }
    const other = [...this.files.keys()].find((each) => !hasAPlace(each));
    if (other !== undefined) verdicts.push(undecided("SIG_CONSTRAINTS_FAILURE", UNKNOWN_KIND, { file: other }));
    this.found.push(sentence("Files, each as the manifest lists it, and no other: {count}", { count: this.files.size }));
    return verdicts;
  }

  private async checkManifest(): Promise<Verdict[]> {
    const [octets, signature, reply] = ["manifest.json", "manifest.p7s", "manifest.tsr"].map((each) => part(this.files, each));
    require(octets && signature && reply, "A file of the package is not in the form that it must have.");
    const message = readMessage(signature, "manifest.p7s");
    require(message.plain && message.content === null, "The signature of the manifest is not in its one form.");
    require(message.statesTime, "The signature was not made for a manifest: it does not state its time.");
    const token = readToken(reply, "manifest.tsr");
    const own = this.certificates();
    const carried = [...message.certificates, ...token.certificates].every((each) => own.some((one) => same(one.der, each)));
    require(carried, "The signature or timestamp of the manifest carries a certificate that is not of the package.");
    const evidence = own.find((one) => message.signer && same(one.issuer, message.signer.issuer) && one.serial === message.signer.serial);
    require(evidence && isEvidenceService(evidence), "The manifest is signed by a certificate that is not an evidence service’s.");
    const dated = await this.dated("manifest.tsr", octets, "manifest.tsq");
    const proven = dated.time === null ? {} : { proven: dated.time };
    const seal = await verifyDetached(signature, octets, this.believed, this.at, { ...this.more, ...proven });
    this.seal = { ...seal, timestamp: dated.time, signingTime: dated.time ?? seal.signingTime };
    return [this.seal.verdict, dated.verdict];
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
    for (const name of [...names].sort()) {
      const [message, content] = [part(this.files, `${name}.p7s`), part(this.files, `${name}.json`)];
      requireParts(this.files, name, message);
      const said = fields(decode(content));
      const mediaType = NAMING.get(typeof said["format"] === "string" ? said["format"] : "") ?? null;
      const report = await verifyDetached(message, content, this.believed, this.at, { ...this.more, mediaType });
      const certificate = this.certificateOf(name.replace("/", "-"));
      const signer = readMessage(message, `${name}.p7s`).signer;
      const own = signer && certificate.serial === signer.serial && same(certificate.issuer, signer.issuer);
      const speaks = name.startsWith("authority/") ? isEvidenceService(certificate) : said["person"] === identifierOf(certificate);
      const names = { path: `${name}.json`, name: report.signer ?? "" };
      require(own && speaks, "The record {path} is signed by {name}, who is somebody else than who may sign it.", names);
      requireForContracts(certificate, `${name}.p7s`);
      this.records.push({ path: `${name}.json`, report });
      verdicts.push(report.verdict, this.underOneRoot(report, `${name}.p7s`));
      if (report.timestamp === null) verdicts.push(failed("FORMAT_FAILURE", "The signature {name} has no timestamp.", { name }));
    }
    return verdicts;
  }

  private async checkLog(): Promise<Verdict[]> {
    const manifest = this.manifestOf();
    const key = await requireCheckpoint(this.files, manifest);
    const dated = await this.dated("log/checkpoint.tst", signedAlone(part(this.files, "log/checkpoint"), key));
    this.checkpointAt = dated.time;
    this.entries = await requireEntries(this.files, manifest);
    return [dated.verdict];
  }

  private async checkHistory(): Promise<Verdict[]> {
    const manifest = this.manifestOf();
    require(this.entries.length > 0, "The package has no entry of the log.");
    await requireHistory(this.files, this.entries, manifest.contract);
    const people = new Map<string, string>();
    for (const each of this.carried) {
      if (each.kind === "signature") people.set(each.number, identifierOf(this.certificateOf(each.number)));
    }
    requireTold(this.entries, this.carried, people, manifest.contract);
    return [];
  }

  /** By the policy in the package, which is its maker's word and decides nothing; a remark where it cannot be read. */
  private async askWitnesses(): Promise<Sentence[]> {
    if (!this.files.has(POLICY)) return [];
    try {
      const policy = await readPolicy(part(this.files, POLICY));
      this.witnesses = await judgeWitnesses(readNote(part(this.files, "log/checkpoint")), policy);
      return [];
    } catch (error) {
      return [error instanceof Refused ? error.said : sentence("The file {path} of the package cannot be read.", { path: POLICY })];
    }
  }

  /** The timestamp at *path* over *data*; a whole reply answers the query beside it. */
  private async dated(path: string, data: Uint8Array, query?: string): Promise<{ verdict: Verdict; time: Date | null }> {
    const octets = part(this.files, path);
    const { nonce } = readToken(octets, path);
    if (query !== undefined) {
      const own = same(part(this.files, query), queryFor(await sha256(data), nonce));
      require(own, "The file {path} is not of its signature.", { path: query });
    }
    const report = await verifyTimestamp(octets, data, this.believed, this.at, { ...this.more, ...(nonce === null ? {} : { nonce }) });
    const time = report.verdict.indication === "TOTAL-PASSED" ? (report.signatures[0]?.timestamp ?? null) : null;
    return { verdict: report.verdict, time };
  }

  /** Undecided where who signed is certified under another root than the evidence service: the log may mean somebody else. */
  private underOneRoot(report: SignatureVerdict, name: string): Verdict {
    const [one, other] = [report.path, this.seal?.path ?? []].map((path) => path[path.length - 1]?.fingerprint);
    if (one === undefined || other === undefined || one === other) return PASSED;
    return undecided("CHAIN_CONSTRAINTS_FAILURE", OF_ANOTHER, { name, signer: report.signer ?? "" });
  }

  private certificates(): Certificate[] {
    const paths = [...this.files.keys()].filter((each) => /^certificates\/[^/]+\.pem$/.test(each) && each !== "certificates/crls.pem");
    const pems = paths.map((path) => [path, fromPem(part(this.files, path), "CERTIFICATE", path)] as const);
    return pems.flatMap(([path, found]) => found.map((der) => readCertificate(der, path)));
  }

  private certificateOf(name: string): Certificate {
    const path = `certificates/${name}.pem`;
    const [der, ...others] = fromPem(part(this.files, path), "CERTIFICATE", path);
    require(der && others.length === 0, "The file {path} of the package cannot be read.", { path });
    return readCertificate(der, path);
  }

  private manifestOf(): Manifest {
    require(this.listed, "The manifest of the package is not in its one form ({format}).", { format: "vermilion-evidence-manifest/3" });
    return this.listed;
  }

  private anchors(): CertificateDetails[] {
    const found = [...(this.document?.anchors ?? []), ...[this.seal?.path.at(-1)].filter((each) => each !== undefined)];
    return [...new Map(found.map((each) => [each.fingerprint, each])).values()];
  }

  private listedOnly(): string[] {
    const judged = /^(?:manifest\.|index\.txt$|check\.|verify\.html$|certificates\/|contract\/|signatures\/|log\/)/;
    const proven = new Set(this.records.map((each) => each.path.replace(/\.json$/, "")));
    const of = (path: string): boolean => judged.test(path) || proven.has(path.replace(/\.[^.]+$/, ""));
    return [...this.files.keys()].filter((each) => !of(each)).sort();
  }
}

function rootIn(files: Files): Uint8Array | null {
  try {
    const found = fromPem(part(files, ROOT), "CERTIFICATE", ROOT);
    return found.length === 1 ? (found[0] ?? null) : null;
  } catch {
    return null;
  }
}

function requireForContracts(certificate: Certificate, path: string): void {
  const own = !REMOTE.test(identifierOf(certificate));
  require(own, "The signature {path} is by a key for other software, which signs no contract and no record.", { path });
}

function said(why: SubIndication, template: string): Verdict {
  return undecided(why, template);
}

const UNKNOWN_CHECKER =
  "The checker {file} in the package is unknown to this verifier; the package may come from a newer release." +
  " Do not run it.";
const UNKNOWN_KIND =
  "The package has a file {file} about which this verifier has no rule: it proves nothing, and it might be a" +
  " program. The package may come from a newer release. Run no checker from this package.";
const OF_ANOTHER =
  "The signature {name} is by {signer}, whose certificate leads to another trust anchor than the package's: the" +
  " history may mean somebody else by the same number.";
const ELSEWHERE =
  "Signature {number} was made elsewhere, by a certificate of another house. It is judged by the trust anchors that you" +
  " name, not by the approval in the package.";
/** What a package gets that is whole in itself, before the reader named a root. */
export const OWN_ROOT = said(
  "NO_CERTIFICATE_CHAIN_FOUND",
  "The package agrees with itself, by the root certificate that lies in it. Anybody can make such a package with a root of their own:" +
    " compare the root’s fingerprint with one that you got from its issuer by another way.",
);
const IF_GENUINE = said(
  "NO_CERTIFICATE_CHAIN_FOUND",
  "It holds if the root certificate in the package is genuine: compare its fingerprint.",
);
/** What a package gets of which everything holds that can be proven here. */
export const NOT_JUDGED = said(
  "SIG_CONSTRAINTS_FAILURE",
  "What signatures, timestamps, the manifest and the log prove holds. What the signed records and the log’s entries mean is not judged here;" +
    " “vermilion verify” and the verification centre do that.",
);
