/**
 * The package of a web capture. The recording (WARC) was dated, then logged with the facts, which name every file; all of
 * that is judged here, as `vermilion verify` judges it. That a server sent the recording, the machine's owner alone says.
 */

import { isSignedBy, readCertificates } from "../certificates";
import { digestOf, same } from "../octets";
import { type Verdict, sentence, undecided } from "../verdict";
import { requireArchive } from "./archive";
import { decode, fields } from "./canonical";
import { type Entry } from "./entries";
import { type CaptureFacts, listsJust, readFacts } from "./facts";
import { part } from "./files";
import { type Dated, PackageJudge, happenedSince } from "./judging";
import { isFromCapture, requireCaptureLayout } from "./layout";
import { fromPem, readToken } from "./messages";
import { type CaptureReport, type PackageVerdict } from "./model";
import { require } from "./refusal";
import { checkRenewals, follows, requireRenewals } from "./renewals";

const [WARC, FACTS, PICTURE] = ["capture.warc.gz", "capture.json", "page.png"] as const;
const CA = "certificates/ca.pem";
const UNREAD = "The file {path} of the package cannot be read.";
const [QUERY, REPLY] = ["capture.warc.tsq", "capture.warc.tsr"] as const;
const OPENED = "address name title";
const NOT_LOGGED = "The file {path} is not the one that the log has.";

export class CaptureJudge extends PackageJudge {
  private facts: CaptureFacts | null = null;
  private dating: Date | null = null;

  protected async check(): Promise<void> {
    await this.step("files", () => this.checkFiles());
    await this.step("manifest", () => this.checkManifest());
    await this.step("log", () => this.checkLog());
    await this.step("facts", () => this.checkFacts());
    await this.step("recording", () => this.checkRecording());
    await this.step("archive", () => this.checkArchive());
  }

  /** The authorities' files are whole, too, whether or not a verdict rests on them. */
  protected override async checkManifest(): Promise<Verdict[]> {
    const [root] = await readCertificates([part(this.files, CA)]);
    const known = [...this.believed, ...this.more.known];
    const renewed = await checkRenewals(this.files, this.at, known, (path, data, query, at) => this.dated(path, data, query, at));
    this.asOf = renewed.asOf;
    if (renewed.count > 0) this.found.push(sentence("Renewed timestamps, each made while the one before it counted: {count}", { count: renewed.count }));
    const verdicts = [...renewed.verdicts, ...(await super.checkManifest())];
    const sealed = this.seal?.timestamp ?? null;
    require(sealed === null || renewed.first === null || follows(renewed.first, sealed), "The renewed timestamps in the package do not follow one another.");
    const whole = root !== undefined && fromPem(part(this.files, CA), "CERTIFICATE", CA).length === 1 && (await isSignedBy(root, root.key));
    if (!whole) verdicts.push(undecided("CERTIFICATE_CHAIN_GENERAL_FAILURE", UNREAD, { path: CA }));
    return verdicts;
  }

  protected override listsAt(sealed: Date | null): Date | null {
    return sealed;
  }

  protected override isBeside(path: string): boolean {
    return path.startsWith("renewals/");
  }

  protected requireNames(): void {
    requireCaptureLayout([...this.files.keys()].filter((path) => !this.isBeside(path)));
    requireRenewals([...this.files.keys()].filter((path) => this.isBeside(path)));
  }

  protected hasAPlace(): boolean {
    return true; // the layout has every name
  }

  protected override isJudged(path: string): boolean {
    return super.isJudged(path) || this.isBeside(path) || isFromCapture(path) || [QUERY, REPLY, FACTS].includes(path as typeof FACTS);
  }

  protected report(found: PackageVerdict): Partial<PackageVerdict> {
    const whole = found.steps.every((each) => each.verdict.indication !== "TOTAL-FAILED");
    const capture: CaptureReport | null = this.facts && {
      facts: this.facts,
      dated: this.dating,
      logged: this.entries[0]?.at ?? null,
      picture: whole ? (this.files.get(PICTURE) ?? null) : null,
    };
    return { capture };
  }

  /** The one entry is that of this capture, and what opens it is all that it commits to. */
  private async entry(): Promise<Entry> {
    const [entry, ...others] = this.entries;
    require(entry && others.length === 0, "The package has no entry of the log.");
    const own = entry.kind === "page-captured" && entry.public["capture"] === this.manifestOf().about;
    require(own, "The log entry {entry} is not that of this capture.", { entry: entry.index });
    return entry;
  }

  private opening(entry: Entry): { readonly [name: string]: unknown } {
    const number = String(entry.index).padStart(8, "0");
    const [leaf, opening] = [`log/entries/${number}.json`, `log/openings/${number}.json`].map((path) => fields(decode(part(this.files, path))));
    const names = [fields(leaf?.["commitments"]), opening ?? {}].map((each) => Object.keys(each).sort().join(" "));
    const texts = Object.values(opening ?? {}).every((each) => typeof fields(each)["value"] === "string");
    require(texts && names.every((each) => each === OPENED), "What opens log entry {entry} is not all that it commits to.", { entry: entry.index });
    return Object.fromEntries(Object.entries(opening ?? {}).map(([name, opened]) => [name, fields(opened)["value"]]));
  }

  /** The entry names facts and recording, the facts every file that the capture gave. */
  private async checkFacts(): Promise<Verdict[]> {
    const entry = await this.entry();
    for (const [name, path] of [
      ["facts", FACTS],
      ["warc", WARC],
    ] as const) {
      require(entry.public[name] === (await digestOf(part(this.files, path, Infinity))), NOT_LOGGED, { path });
    }
    const facts = await readFacts(part(this.files, FACTS));
    require(facts.capture === this.manifestOf().about, "The facts in the package are about another capture than its manifest.");
    const given = [...this.manifestOf().files].filter(([path]) => isFromCapture(path)).map(([path, file]) => ({ path, ...file }));
    require(listsJust(facts, given), "The files of the capture are not those of which its facts tell.");
    const opened = this.opening(entry);
    require(opened["address"] === facts.address, "The log has another address than the facts of the capture.");
    const named = opened["title"] === facts.page.title && opened["name"] === facts.by.name;
    require(named, "The log has another title or another name than the facts of the capture.");
    this.facts = facts;
    this.found.push(sentence("Files that the capture gave, each as the log’s facts have it: {count}", { count: given.length }));
    return [];
  }

  /** As of the manifest's timestamp, if that holds, where the certificate has run out or was revoked since: the manifest has its digest. */
  protected override async covered(path: string, data: Uint8Array, query?: string): Promise<Dated> {
    const dated = await this.dated(path, data, query);
    const sealed = this.seal?.timestamp ?? null;
    return happenedSince(dated.verdict) && sealed !== null ? this.dated(path, data, query, sealed) : dated;
  }

  /** Dated by the timestamp that the log names, once the capture had ended and before it was logged. */
  private async checkRecording(): Promise<Verdict[]> {
    const entry = await this.entry();
    const warc = part(this.files, WARC, Infinity);
    const stamp = readToken(part(this.files, REPLY), REPLY);
    const own = this.certificates();
    const carried = stamp.certificates.every((each) => own.some((one) => same(one.der, each)));
    require(carried, "The timestamp {path} carries a certificate that is not of the package.", { path: REPLY });
    const logged = entry.public["serial"] === stamp.serial.toString(16);
    require(logged, "The log has another timestamp of {path} than the package.", { path: WARC });
    const dated = await this.covered(REPLY, warc, QUERY);
    const sealed = this.seal?.timestamp ?? null;
    this.dating = dated.time;
    if (dated.time !== null && sealed !== null && this.facts !== null) {
      const seconds = (each: Date): number => Math.floor(each.getTime() / 1000);
      const times = [this.facts.ended, dated.time, entry.at, sealed].map(seconds);
      const ordered = times.every((each, at) => at === 0 || each >= (times[at - 1] ?? 0));
      require(ordered, OUT_OF_ORDER, { path: WARC });
      const [began, ended] = [seconds(this.facts.began), seconds(this.facts.ended)];
      require(seconds(dated.time) - ended <= PROMPT && ended - began <= PROMPT, NOT_PROMPT, { path: WARC });
    }
    return [dated.verdict, ...(this.facts === null || sealed === null ? [UNKNOWN_ORDER] : [])];
  }

  /** Whoever opens the WACZ sees what is in the recording, and this page. */
  private async checkArchive(): Promise<Verdict[]> {
    if (this.facts === null) return [UNKNOWN_PAGE];
    await requireArchive(this.files, this.facts);
    return [];
  }
}

const OUT_OF_ORDER =
  "The times in the package contradict each other: the end of the capture, the timestamp of {path}, the log entry and the" +
  " timestamp of the manifest do not follow one another.";
/** Seconds that a capture takes at most, and that its recording waits for a timestamp. */
const PROMPT = 3600;
const NOT_PROMPT = "The timestamp of {path} is not of the hour after the capture ended, or the capture took longer than an hour.";
const UNKNOWN_PAGE = undecided("FORMAT_FAILURE", "Whether capture.wacz shows the page that was captured is not known.");
const UNKNOWN_ORDER = undecided("TIMESTAMP_ORDER_FAILURE", "In which order the capture was dated and logged is not known.");
