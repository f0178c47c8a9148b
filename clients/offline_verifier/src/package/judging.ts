/**
 * What packages of every kind have, judged as far as the checkers in them go (decision 56): files, manifest, certificates,
 * the log's checkpoint and entries. *proven* says that everything holds which can be proven here.
 */

import { readCertificates } from "../certificates";
import { verifyDetached, verifyTimestamp } from "../engine";
import { judgeWitnesses, readPolicy, type Witnessing } from "../log/witnesses";
import { readNote, signedAlone } from "../log/note";
import { digestOf, encoded, same, sha256, toBase64 } from "../octets";
import { CertificateJudge } from "../paths";
import { RevocationData, areListsBy, withoutCurrentList } from "../revocation";
import { type CertificateDetails, type Sentence, type SignatureVerdict, type Verdict, sentence, undecided, worst } from "../verdict";
import { type Entry, requireCheckpoint, requireEntries } from "./entries";
import { type Files, part } from "./files";
import { KNOWN_CHECKERS } from "./known";
import { type Manifest, readManifest, requireSame } from "./manifest";
import { type Certificate, fromPem, isEvidenceService, queryFor, readCertificate, readMessage, readToken, replyWith } from "./messages";
import { type PackageVerdict, type Part, type Step } from "./model";
import { Refused, require } from "./refusal";

/** What rests on the root. */
const RESTING: ReadonlySet<Part> = new Set(["manifest", "contract", "signatures", "records", "log", "recording"]);
const ROOT = "certificates/ca.pem";
const LISTS = "certificates/crls.pem";
/** Of certificates/: what leads to the root, the lists, and certificates of others, whose lists the PDF has. */
const UNSIGNING = /^certificates\/(?:ca|chain|crls|own-[0-9]+(?:-anchor)?)[.]pem$/;
const POLICY = "log/witness-policy.txt";
const CHECKERS = ["check.sh", "check.py"];

/** Verdicts on a certificate that do not matter to what is proven to be older. */
const SINCE: ReadonlySet<string | null> = new Set(["REVOKED_NO_POE", "REVOKED_CA_NO_POE", "OUT_OF_BOUNDS_NO_POE"]);

/** Whether *verdict* is that the certificate has run out or was revoked, which may have happened since it was used. */
export function happenedSince(verdict: Verdict): boolean {
  return verdict.indication !== "TOTAL-PASSED" && SINCE.has(verdict.subindication);
}

/** Of a timestamp: the verdict, the time that it states, and that time where it holds. */
export interface Dated {
  readonly verdict: Verdict;
  readonly stated: Date | null;
  readonly time: Date | null;
  /** From the certificate that made it to the anchor. */
  readonly path: readonly CertificateDetails[];
}

/** Judges what packages of every kind have; each kind has a judge of its own. */
export abstract class PackageJudge {
  protected readonly steps: Step[] = [];
  protected readonly believed: readonly Uint8Array[];
  protected readonly more: { known: Uint8Array[]; crls: Uint8Array[] };
  protected readonly root: Uint8Array | null;
  protected found: Sentence[] = [];
  protected listed: Manifest | null = null;
  protected seal: SignatureVerdict | null = null;
  protected entries: readonly Entry[] = [];
  protected checkpointAt: Date | null = null;
  protected witnesses: Witnessing | null = null;

  /** As of when the manifest is judged. */
  protected asOf: Date;

  constructor(
    protected readonly files: Files,
    protected readonly trust: readonly Uint8Array[],
    protected readonly at: Date,
  ) {
    this.root = rootIn(files);
    this.believed = trust.length > 0 || this.root === null ? trust : [this.root];
    this.asOf = at;
    const pems = [...files].filter(([path]) => /^(?:certificates|renewals)\/[^/]+\.pem$/.test(path) && !path.endsWith("crls.pem"));
    this.more = { known: pems.map(([, content]) => content), crls: this.listPaths().map((path) => files.get(path) ?? encoded("")) };
  }

  /** The steps in their order; each kind has its own. */
  protected abstract check(): Promise<void>;

  /** Raises Refused for names that files of this kind of package do not have. */
  protected abstract requireNames(): void;

  /** Whether files of this name have a rule in packages of this kind. */
  protected abstract hasAPlace(path: string): boolean;

  /** What a package of this kind has besides what was *found*, when every step was taken. */
  protected abstract report(found: PackageVerdict): Partial<PackageVerdict>;

  /** Whether a file of this name lies beside what the manifest lists. */
  protected isBeside(_path: string): boolean {
    return false;
  }

  /** Where lists of revocations are. */
  protected listPaths(): string[] {
    return [LISTS, ...[...this.files.keys()].filter((path) => /^renewals\/[^/]+\.crls\.pem$/.test(path))];
  }

  /** Whether more is known of the file *path* than that the manifest lists it. */
  protected isJudged(path: string): boolean {
    return /^(?:manifest\.|check\.|verify\.html$|certificates\/|log\/)/.test(path);
  }

  async judge(remarks: readonly Sentence[], digest: string): Promise<PackageVerdict> {
    await this.check();
    const unread = await this.askWitnesses();
    const whole = worst(this.steps.map((each) => each.verdict));
    const own = this.trust.length === 0;
    const passed = whole.indication === "TOTAL-PASSED";
    if (own) this.doubt();
    const found = {
      kind: "evidence" as const,
      proven: passed && !own,
      verdict: passed && own ? OWN_ROOT : whole,
      at: this.at,
      digest,
      signatures: [],
      remarks: [...remarks, ...unread],
      anchors: own ? [] : this.anchors(),
      about: this.listed?.about ?? "",
      audience: this.listed?.audience ?? "",
      steps: this.steps,
      document: null,
      manifest: this.seal,
      records: [],
      log: this.listed && { ...this.listed.checkpoint, root: toBase64(this.listed.checkpoint.root), entries: this.entries, at: this.checkpointAt },
      witnesses: this.witnesses,
      listedOnly: [...this.files.keys()].filter((each) => !this.isJudged(each)).sort(),
      voiding: false,
      capture: null,
      root: this.root,
    };
    return { ...found, ...this.report(found) };
  }

  /** What holds by the package's own root is not called valid before the reader named that root. */
  protected doubt(): void {
    if (this.seal !== null) this.seal = doubted(this.seal);
    for (const [at, each] of this.steps.entries()) {
      if (RESTING.has(each.part)) this.steps[at] = { ...each, verdict: unlessNamed(each.verdict) };
    }
  }

  /** Does the *check*; what it refuses is TOTAL-FAILED, and what it returns counts. */
  protected async step(part: Part, check: () => Promise<readonly Verdict[]>): Promise<void> {
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

  protected async checkFiles(): Promise<Verdict[]> {
    this.listed = readManifest(part(this.files, "manifest.json"));
    await requireSame(this.listed, new Map([...this.files].filter(([path]) => !this.isBeside(path))));
    this.requireNames();
    const verdicts: Verdict[] = [];
    for (const file of CHECKERS) {
      const known = KNOWN_CHECKERS.has(`${await digestOf(part(this.files, file))}  ${file}`);
      if (!known) verdicts.push(undecided("SIG_CONSTRAINTS_FAILURE", UNKNOWN_CHECKER, { file }));
    }
    const other = [...this.files.keys()].find((each) => !this.hasAPlace(each));
    if (other !== undefined) verdicts.push(undecided("SIG_CONSTRAINTS_FAILURE", UNKNOWN_KIND, { file: other }));
    this.found.push(sentence("Files, each as the manifest lists it, and no other: {count}", { count: this.files.size }));
    return verdicts;
  }

  protected async checkManifest(): Promise<Verdict[]> {
    const [octets, signature, reply] = ["manifest.json", "manifest.p7s", "manifest.tsr"].map((each) => part(this.files, each));
    require(octets && signature && reply, "A file of the package is not in the form that it must have.");
    const message = readMessage(signature, "manifest.p7s");
    const formed = message.plain && message.content === null && message.versions.every((each) => each === 1n);
    require(formed, "The signature of the manifest is not in its one form.");
    require(message.statesTime, "The signature was not made for a manifest: it does not state its time.");
    const token = readToken(reply, "manifest.tsr");
    const own = this.certificates();
    const carried = [...message.certificates, ...token.certificates].every((each) => own.some((one) => same(one.der, each)));
    require(carried, "The signature or timestamp of the manifest carries a certificate that is not of the package.");
    const evidence = own.find((one) => message.signer && same(one.issuer, message.signer.issuer) && one.serial === message.signer.serial);
    require(evidence && isEvidenceService(evidence), "The manifest is signed by a certificate that is not an evidence service’s.");
    const dated = await this.dated("manifest.tsr", octets, "manifest.tsq", this.asOf);
    const proven = dated.time === null ? {} : { proven: dated.time };
    const seal = await verifyDetached(signature, octets, this.believed, this.asOf, { ...this.more, ...proven });
    this.seal = { ...seal, timestamp: dated.time, signingTime: dated.time ?? seal.signingTime };
    return [this.seal.verdict, dated.verdict, ...(await this.checkLists(this.listsAt(dated.time)))];
  }

  /** When the lists in the package have to count, of which the manifest is *sealed* at that time; null for any time. */
  protected listsAt(_sealed: Date | null): Date | null {
    return null;
  }

  /** About each certificate by which something was signed, and each above it up to whom the reader trusts, one of the lists in the
   * package speaks, and these are whole. What leads to nobody who is trusted is told elsewhere. */
  private async checkLists(at: Date | null): Promise<Verdict[]> {
    const octets = part(this.files, LISTS);
    const lists = octets.length === 0 ? [] : fromPem(octets, "X509 CRL", LISTS);
    const [anchors, pool] = [await readCertificates(this.believed), await readCertificates(this.more.known)];
    const verdicts: Verdict[] = [];
    const whole = await areListsBy(lists, [...anchors, ...pool]);
    if (!whole) verdicts.push(undecided("CERTIFICATE_CHAIN_GENERAL_FAILURE", UNLIKE, { path: LISTS }));
    const judge = new CertificateJudge(anchors, pool, await RevocationData.read([], [], []));
    const signing = [...this.files].filter(([path]) => /^certificates\/[^/]+\.pem$/.test(path) && !UNSIGNING.test(path));
    for (const each of await readCertificates(signing.map(([, content]) => content))) {
      const [path = []] = await judge.paths(each);
      const missing = await withoutCurrentList(path, lists, at);
      if (missing === null) continue;
      verdicts.push(undecided("CERTIFICATE_CHAIN_GENERAL_FAILURE", UNLISTED, { name: path[missing]?.name ?? "" }));
      break;
    }
    return verdicts;
  }

  protected async checkLog(): Promise<Verdict[]> {
    const manifest = this.manifestOf();
    const key = await requireCheckpoint(this.files, manifest);
    const dated = await this.covered("log/checkpoint.tst", signedAlone(part(this.files, "log/checkpoint"), key));
    this.checkpointAt = dated.time;
    this.entries = await requireEntries(this.files, manifest);
    return [dated.verdict];
  }

  /** By the policy in the package, which is its maker's word and decides nothing; a remark where it cannot be read. */
  protected async askWitnesses(): Promise<Sentence[]> {
    if (!this.files.has(POLICY)) return [];
    try {
      const policy = await readPolicy(part(this.files, POLICY));
      this.witnesses = await judgeWitnesses(readNote(part(this.files, "log/checkpoint")), policy);
      return [];
    } catch (error) {
      return [error instanceof Refused ? error.said : sentence("The file {path} of the package cannot be read.", { path: POLICY })];
    }
  }

  /** The timestamp at *path* over *data*, which the manifest covers. */
  protected covered(path: string, data: Uint8Array, query?: string): Promise<Dated> {
    return this.dated(path, data, query);
  }

  /** The timestamp at *path* over *data*, judged for the moment *at*; a whole reply answers the query beside it. */
  protected async dated(path: string, data: Uint8Array, query?: string, at = this.at): Promise<Dated> {
    const octets = part(this.files, path);
    const { nonce, token } = readToken(octets, path);
    if (query !== undefined) {
      const own = same(part(this.files, query), queryFor(await sha256(data), nonce)) && same(octets, replyWith(token));
      require(own, "The file {path} is not of its signature.", { path: query });
    }
    const report = await verifyTimestamp(octets, data, this.believed, at, { ...this.more, ...(nonce === null ? {} : { nonce }) });
    const stated = report.signatures[0]?.timestamp ?? null;
    const time = report.verdict.indication === "TOTAL-PASSED" ? stated : null;
    return { verdict: report.verdict, stated, time, path: report.signatures[0]?.path ?? [] };
  }

  protected certificates(): Certificate[] {
    const paths = [...this.files.keys()].filter((each) => /^certificates\/[^/]+\.pem$/.test(each) && each !== "certificates/crls.pem");
    const pems = paths.map((path) => [path, fromPem(part(this.files, path), "CERTIFICATE", path)] as const);
    return pems.flatMap(([path, found]) => found.map((der) => readCertificate(der, path)));
  }

  protected certificateOf(name: string): Certificate {
    const path = `certificates/${name}.pem`;
    const [der, ...others] = fromPem(part(this.files, path), "CERTIFICATE", path);
    require(der && others.length === 0, "The file {path} of the package cannot be read.", { path });
    return readCertificate(der, path);
  }

  protected manifestOf(): Manifest {
    require(this.listed, "The manifest of the package is not in its one form ({format}).", { format: "vermilion-evidence-manifest/3" });
    return this.listed;
  }

  protected anchors(): CertificateDetails[] {
    return [this.seal?.path.at(-1)].filter((each) => each !== undefined);
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

/** *report*, not called valid before the reader named the package's root. */
export function doubted(report: SignatureVerdict): SignatureVerdict {
  return { ...report, verdict: unlessNamed(report.verdict) };
}

function unlessNamed(verdict: Verdict): Verdict {
  return verdict.indication === "TOTAL-PASSED" ? IF_GENUINE : verdict;
}

const UNLIKE =
  "A revocation list in {path} is not by an authority in the package, or has parts that programs read" +
  " differently. No verdict rests on it.";
const UNLISTED =
  "Whether the certificate of {name} was revoked is not known: the package has no revocation list by its issuer" +
  " that counts for it.";
const UNKNOWN_CHECKER =
  "The checker {file} in the package is unknown to this verifier; the package may come from a newer release." +
  " Do not run it.";
const UNKNOWN_KIND =
  "The package has a file {file} about which this verifier has no rule: it proves nothing, and it might be a" +
  " program. The package may come from a newer release. Run no checker from this package.";
/** What a package gets that is whole in itself, before the reader named a root. */
const OWN_ROOT = undecided(
  "NO_CERTIFICATE_CHAIN_FOUND",
  "The package agrees with itself, by the root certificate that lies in it. Anybody can make such a package with a root of their own:" +
    " compare the root’s fingerprint with one that you got from its issuer by another way.",
);
const IF_GENUINE = undecided(
  "NO_CERTIFICATE_CHAIN_FOUND",
  "It holds if the root certificate in the package is genuine: compare its fingerprint.",
);
