/** A judgement as people read it: the verdict first, then by whom and when, what was checked, and what was not. */

import { type Judgement } from "../judge";
import { type LogVerdict } from "../log/judge";
import { type Witnessing } from "../log/witnesses";
import { fromBase64, hex } from "../octets";
import { type LogState, type PackageVerdict, type Part, type Step } from "../package/model";
import { TEMPLATES } from "../sentences";
import { type CertificateDetails, type FileVerdict, type Sentence, type SignatureVerdict, type SubIndication, type Verdict } from "../verdict";
import { captureParts } from "./capture";
import { type Child, facts, folded, list, make } from "./elements";
import { type Speech, grouped } from "./speech";

/** What the report is of, and what its buttons do. */
export interface Around {
  readonly name: string;
  readonly roots: number;
  readonly add: (input: HTMLInputElement) => void;
  readonly believe: (name: string, root: Uint8Array) => void;
}

type Tone = "yes" | "no" | "open";
const TONES = { "TOTAL-PASSED": "yes", "TOTAL-FAILED": "no", INDETERMINATE: "open" } as const;
const LABELS = { yes: "Valid", no: "Not valid", open: "Undecided" } as const;
const SIGNS = { yes: "✓", no: "✕", open: "?" } as const;
const HEADLINES: Readonly<Record<string, Readonly<Record<Tone, string>>>> = {
  pdf: {
    yes: "The document is validly signed, and what was signed has not been altered since.",
    no: "Do not rely on this document: it was altered, or its signature is broken.",
    open: "It cannot be said whether this document is validly signed.",
  },
  timestamp: {
    yes: "The timestamp is valid: the data existed in this form at that time.",
    no: "Do not rely on this timestamp: it is broken, or about other data.",
    open: "It cannot be said whether this timestamp proves anything.",
  },
  evidence: {
    yes: "Who signed which bytes, and when, is proven as listed below.",
    no: "Do not rely on this evidence package: it was altered or is incomplete.",
    open: "It cannot be said whether this evidence package is sound.",
  },
  capture: {
    yes: "The recording existed in this form by the time of its timestamp, and nothing was changed since.",
    no: "Do not rely on this evidence package: it was altered or is incomplete.",
    open: "It cannot be said whether this evidence package is sound.",
  },
  log: {
    yes: "The log whose key you named had this when it signed the checkpoint.",
    no: "Do not rely on this log proof: it is broken, or about another entry.",
    open: "It cannot be said whether this log proof proves anything.",
  },
};
const KINDS: Readonly<Record<string, string>> = {
  pdf: "PDF document",
  timestamp: "Timestamp (RFC 3161)",
  evidence: "Evidence package",
  capture: "Evidence package of a web capture",
  log: "Proof from the log",
};
const PARTS: Readonly<Record<Part, string>> = {
  files: "Files and manifest",
  manifest: "Signature and timestamp of the manifest",
  contract: "The contract begins with the one that was given, carries the signatures beside it, and is dated",
  signatures: "Signatures and timestamps in the contract",
  records: "Signed records: acceptances, powers, declarations",
  log: "Entries of the log, and its checkpoint",
  history: "The contract’s history has no gap and tells of these signatures",
  recording: "The recording (WARC), its timestamp, and the order of all times",
  facts: "Facts and files of the capture, as the log has them",
  archive: "The WACZ holds exactly that recording, and opens this page of it",
};
const REMEDIES: Readonly<Partial<Record<SubIndication, string>>> = {
  FORMAT_FAILURE: "Ask the sender for an unaltered copy and compare its SHA-256 with theirs.",
  GENERIC: "Ask the sender for an unaltered copy and compare its SHA-256 with theirs.",
  HASH_FAILURE: "Ask the sender for an unaltered copy and compare its SHA-256 with theirs.",
  SIG_CRYPTO_FAILURE: "Ask the sender for an unaltered copy and compare its SHA-256 with theirs.",
  NO_CERTIFICATE_CHAIN_FOUND: "Get the certificate of the authority by a way that you trust, and verify again with it.",
  SIGNED_DATA_NOT_FOUND: "Verify again and give the data that the timestamp was taken of.",
  NO_SIGNATURE_FOUND: "Ask the sender for the signed version of the document.",
};
const COVERAGES = { "whole-file": "the whole file", "whole-revision": "the whole revision that was signed", partial: "only a part" } as const;
const CHANGES = {
  none: "Nothing",
  "validation-data": "Validation data",
  "further-signatures": "Further signatures",
  unexplained: "Something that cannot be explained here",
  unknown: "Not known",
} as const;
const PAGES =
  "Pages were not drawn: whether what was added after a signature looks like part of what was signed, only a program that compares pages can tell (“vermilion verify”, or the verification centre).";
const LIMITS = [
  "That this page is genuine. One that came with the files proves nothing about them until its SHA-256 has been compared with one from elsewhere.",
  PAGES,
  "Nothing was looked up on a network. Revocation is judged by the lists in the file; of revocations after their dates nothing is known.",
  "A timestamp authority of one's own is not an independent third party, and an internal certification authority is not a licensed electronic certification service. Who the trusted authorities are, and whether that is enough, is for the reader to judge.",
];
const CONTRACT_LIMITS = [
  "What signed records and entries of the log mean: whether the parties had agreed to sign electronically, a power of attorney covers a signature, the contract is void. “vermilion verify” does that.",
  "What the log has of this contract after the newest entry here, that it is void for example: ask the keeper of the log.",
];

/** As `vermilion verify` says it. */
const CAPTURE_LIMIT =
  "What it does not prove: that the server sent these bytes. For that there is only the word of {operator}, who ran the machine;" +
  " TLS does not prove to others what a server sent. The same holds for the purpose, for who asked for the capture, and for everything" +
  " else in {facts}. Other visitors may have been shown another page.";
const COMPARED =
  "Whether picture, PDF and text show what the recording holds: they are the files of then, and were not compared with it.";

export class Report {
  constructor(
    private readonly speech: Speech,
    private readonly around: Around,
  ) {}

  /** The elements of the report. */
  of(found: Judgement): Child[] & Node[] {
    const parts =
      found.kind === "none" ? [this.none(found.said)] : found.kind === "log" ? this.log(found) : this.file(found as FileVerdict);
    return parts.filter((each) => each !== null) as Child[] & Node[];
  }

  private say(template: string, values: Record<string, string | number> = {}): string {
    return this.speech.say(template, values);
  }

  private none(said: Sentence): HTMLElement {
    const heading = make("h2", { id: "heading", tabindex: "-1" }, this.say("Not verified"));
    return make("section", { class: "verdict open", "data-indication": "NONE" }, heading, make("p", { class: "headline" }, this.speech.sentence(said)));
  }

  private file(found: FileVerdict): (HTMLElement | null)[] {
    const pack = found.kind === "evidence" && "steps" in found ? (found as PackageVerdict) : null;
    return [
      this.verdict(kindOf(found, pack), found.verdict, pack?.proven ?? false),
      pack?.voiding ? this.callout("This contract may be void: there are declarations of that, or an entry of the log. Have them judged by “vermilion verify”.") : null,
      pack !== null && pack.root !== null ? this.rootToCompare(pack) : null,
      found.verdict.subindication === "SIGNED_DATA_NOT_FOUND" ? this.adding("Add the file that it dates") : null,
      pack?.capture ? this.section("The capture", ...captureParts(pack.capture, this.speech)) : null,
      this.signatures(found.signatures, found.kind === "timestamp"),
      ...(pack === null ? [] : this.package(pack)),
      this.section("Remarks", list(this.remarks(found))),
      this.limits(pack),
      this.subject(kindOf(found, pack), found.digest, found.at, found.verdict, found.anchors, pack?.proven),
    ];
  }

  private log(found: LogVerdict): (HTMLElement | null)[] {
    const missing = found.verdict.subindication === "SIGNED_DATA_NOT_FOUND" || found.verdict.subindication === "NO_SIGNING_CERTIFICATE_FOUND";
    return [
      this.verdict("log", found.verdict, false),
      missing ? this.adding("Add the log’s key or the entry") : null,
      this.section(
        "Place in the log",
        facts([
          [this.say("Log"), found.origin],
          [this.say("Entry"), found.index === null ? null : String(found.index)],
          [this.say("SHA-256 of the entry"), found.entry === null ? null : this.digest(found.entry)],
          [this.say("Size of the log"), String(found.size)],
          [this.say("Root of the log"), this.digest(found.root)],
        ]),
        this.witnesses(found.witnesses),
      ),
      this.section("Remarks", list(found.remarks.map((each) => this.speech.sentence(each)))),
      this.subject("log", found.digest, found.at, found.verdict, []),
    ];
  }

  private verdict(kind: string, verdict: Verdict, proven: boolean): HTMLElement {
    const tone: Tone = proven ? "yes" : TONES[verdict.indication];
    const label = proven ? "Proven" : LABELS[tone];
    const reasons = verdict.reasons.map((each) => this.speech.sentence(each));
    const remedy = proven || verdict.subindication === null ? undefined : REMEDIES[verdict.subindication];
    return make(
      "section",
      { class: `verdict ${tone}`, "data-indication": verdict.indication, "data-proven": proven, "aria-labelledby": "heading" },
      make("h2", { id: "heading", tabindex: "-1" }, make("span", { class: "sign", "aria-hidden": "true" }, SIGNS[tone]), this.say(label)),
      make("p", { class: "soft" }, this.say("File: {name}", { name: this.around.name })),
      make("p", { class: "headline" }, this.say(HEADLINES[kind]?.[tone] ?? "")),
      list(reasons),
      remedy === undefined ? null : make("p", { class: "remedy" }, this.say("What to do: {remedy}", { remedy: this.say(remedy) })),
    );
  }

  /** Those that the limits do not say anyway. */
  private remarks(found: FileVerdict): string[] {
    return found.remarks.filter((each) => each.template !== TEMPLATES.notCompared).map((each) => this.speech.sentence(each));
  }

  private callout(template: string): HTMLElement {
    return make("p", { class: "callout" }, this.say(template));
  }

  /** The root in the package, whose fingerprint the reader compares before it is believed. */
  private rootToCompare(pack: PackageVerdict): HTMLElement | null {
    if (this.around.roots > 0 || pack.root === null) return null;
    const root = pack.root;
    const code = make("code", { class: "fingerprint" }, "…");
    void crypto.subtle.digest("SHA-256", root as Uint8Array<ArrayBuffer>).then((digest) => {
      code.textContent = grouped(hex(new Uint8Array(digest)));
    });
    const button = make("button", { type: "button", id: "believe" }, this.say("They are the same: trust this root"));
    button.addEventListener("click", () => this.around.believe("certificates/ca.pem", root));
    return make(
      "section",
      { class: "compare" },
      make("h3", {}, this.say("Compare the root’s fingerprint")),
      make("p", {}, this.say("Everything leads to this root certificate. Get its SHA-256 from its issuer by another way than this package, and compare all of it.")),
      code,
      make("p", {}, button),
    );
  }

  private adding(label: string): HTMLElement {
    const input = make("input", { type: "file", multiple: true, id: "more" });
    input.addEventListener("change", () => this.around.add(input));
    return make("p", { class: "adding" }, make("label", { for: "more" }, this.say(label)), make("span", { class: "filebox" }, input, make("span", { class: "face", "aria-hidden": "true" }, this.say("Choose files"))));
  }

  /** *tokens*: each is a timestamp by itself, and signs nothing but a time. */
  private signatures(found: readonly SignatureVerdict[], tokens: boolean): HTMLElement | null {
    return this.section("Signatures and timestamps", ...found.map((each) => this.signature(each, undefined, tokens)));
  }

  private signature(each: SignatureVerdict, title?: string, token = false): HTMLElement {
    const tone = TONES[each.verdict.indication];
    return make(
      "article",
      { class: `signature ${tone}`, "data-indication": each.verdict.indication },
      make(
        "header",
        {},
        make("h4", {}, each.signer ?? this.say("Unknown signer")),
        make("b", {}, make("span", { class: "sign", "aria-hidden": "true" }, SIGNS[tone]), this.say(LABELS[tone])),
      ),
      make("p", { class: "soft" }, [title, this.dating(each, token)].filter((line) => line !== undefined).join(" · ")),
      tone === "yes" ? null : list(each.verdict.reasons.map((reason) => this.speech.sentence(reason))),
      folded(
        this.say("Details and certificates"),
        facts([
          [this.say("Indication"), this.indication(each.verdict)],
          [this.say("Field"), each.field],
          [this.say("Time claimed by the signer"), each.claimed && this.speech.time(each.claimed)],
          [this.say("Timestamp by"), each.stamps.map((stamp) => stamp.authority ?? "").filter((name) => name !== "").join(", ")],
          [this.say("Signed part"), each.coverage && this.say(COVERAGES[each.coverage])],
          [this.say("Added afterwards"), each.changes && this.say(CHANGES[each.changes])],
          [this.say("Level"), each.level],
          [this.say("Algorithms"), each.algorithms],
        ]),
        ...each.path.map((certificate, at) => this.certificate(certificate, at + 1)),
      ),
    );
  }

  private dating(each: SignatureVerdict, token: boolean): string {
    if (token) return each.timestamp ? this.say("Timestamp of {time}", { time: this.speech.time(each.timestamp) }) : this.say("Timestamp, time unknown");
    if (each.documentTimestamp && !each.timestamp) return this.say("Timestamp over the document, time unknown");
    if (each.documentTimestamp && each.timestamp) return this.say("Timestamp over the document, {time}", { time: this.speech.time(each.timestamp) });
    if (each.timestamp) return this.say("Signed {time}, by timestamp", { time: this.speech.time(each.timestamp) });
    if (each.claimed) return this.say("Signed {time}, as the signer claims", { time: this.speech.time(each.claimed) });
    return this.say("Signature, time unknown");
  }

  private certificate(each: CertificateDetails, number: number): HTMLElement {
    return make(
      "div",
      { class: "certificate" },
      make("h5", {}, this.say("Certificate {number}", { number })),
      facts([
        [this.say("Subject"), each.subject],
        [this.say("Issuer"), each.issuer],
        [this.say("Serial number"), make("code", {}, each.serial)],
        [this.say("Validity"), `${this.speech.time(each.notBefore)} – ${this.speech.time(each.notAfter)}`],
        ["SHA-256", make("code", { class: "fingerprint" }, grouped(each.fingerprint))],
      ]),
    );
  }

  private package(pack: PackageVerdict): (HTMLElement | null)[] {
    const steps = pack.steps.map((each) => this.step(each));
    return [
      this.section("What was checked", make("ol", { class: "steps" }, ...steps)),
      this.section(
        "Manifest and signed records",
        pack.manifest === null ? null : this.signature(pack.manifest, this.say("Manifest")),
        ...pack.records.map((each) => this.signature(each.report, each.path)),
      ),
      this.section("Place in the log", pack.log === null ? null : this.logState(pack.log), this.witnesses(pack.witnesses)),
    ];
  }

  private step(each: Step): HTMLElement {
    const tone = TONES[each.verdict.indication];
    const sentences = [...each.verdict.reasons, ...each.found].map((said) => this.speech.sentence(said));
    return make(
      "li",
      { class: tone, "data-part": each.part, "data-indication": each.verdict.indication },
      make("span", { class: "sign", "aria-hidden": "true" }, SIGNS[tone]),
      make("div", {}, make("strong", {}, this.say(PARTS[each.part])), " ", make("span", { class: "word" }, this.say(STEP_WORDS[tone])), list(sentences)),
    );
  }

  private logState(log: LogState): HTMLElement {
    const numbers = log.entries.map((each) => each.index);
    return facts([
      [this.say("Log"), log.origin],
      [this.say("Entries in the package"), numbers.length === 0 ? "0" : `${numbers.length} (${numbers.join(", ")})`],
      [this.say("Size of the log"), String(log.size)],
      [this.say("Root of the log"), this.digest(hex(fromBase64(log.root) ?? new Uint8Array()))],
      [this.say("Checkpoint dated"), log.at && this.speech.time(log.at)],
    ]);
  }

  private witnesses(found: Witnessing | null): HTMLElement | null {
    if (found === null) return make("p", { class: "soft" }, this.say("No witnesses: only the log itself vouches for its checkpoint."));
    const cosigned = found.cosignatures.filter((each) => each.at !== null).length;
    const count = { cosigned, all: found.cosignatures.length };
    const quorum = found.quorum === null ? "The policy asks for none." : found.quorum ? "That is the quorum of the policy." : "That is not the quorum of the policy: nobody outside confirms that all see the same log.";
    const rows = found.cosignatures.map((each) => (each.at === null ? this.say("{name}: no cosignature", { name: each.name }) : `${each.name}: ${this.speech.time(each.at)}`));
    return make("div", { class: "witnesses", "data-cosigned": String(cosigned) }, make("p", {}, [this.say("{cosigned} of {all} witnesses cosigned the checkpoint.", count), this.say(quorum), this.say("Whom the policy names is its author’s word.")].join(" ")), list(rows));
  }

  private limits(pack: PackageVerdict | null): HTMLElement | null {
    const own = pack === null ? [] : pack.capture === null ? CONTRACT_LIMITS.map((each) => this.say(each)) : this.captureLimits(pack.capture.facts.operator);
    const pages = pack?.capture ? LIMITS.filter((each) => each !== PAGES) : LIMITS;
    const sentences = [...own, ...pages.map((each) => this.say(each))];
    const only = pack?.listedOnly ?? [];
    const listed = only.length === 0 ? null : folded(this.say("Files of which nothing is proven but that the manifest lists them: {count}", { count: only.length }), list(only.map((each) => make("code", {}, each))));
    return this.section("What is not proven", list(sentences, "limits"), listed);
  }

  private captureLimits(operator: string): string[] {
    return [this.say(CAPTURE_LIMIT, { operator, facts: "capture.json" }), this.say(COMPARED)];
  }

  private subject(kind: string, digest: string, at: Date, verdict: Verdict, anchors: readonly CertificateDetails[], proven = false): HTMLElement | null {
    const trusted = anchors.map((each) => make("div", {}, each.subject, make("code", { class: "fingerprint" }, grouped(each.fingerprint))));
    return this.section(
      "What was verified",
      facts([
        [this.say("File"), this.around.name],
        [this.say("Kind"), this.say(KINDS[kind] ?? "")],
        ["SHA-256", digest === "" ? null : this.digest(digest)],
        [this.say("Judged for"), this.say("{time} (by this computer’s clock)", { time: this.speech.time(at) })],
        [this.say("Indication"), proven && verdict.indication !== "TOTAL-PASSED" ? this.say(FAR) : this.indication(verdict)],
        [this.say("Trusted roots"), trusted.length === 0 ? this.say("None") : make("div", {}, ...trusted)],
      ]),
    );
  }

  private section(title: string, ...children: readonly Child[]): HTMLElement | null {
    const shown = children.filter((each) => each !== null);
    return shown.length === 0 ? null : make("section", { class: "part" }, make("h3", {}, this.say(title)), ...shown);
  }

  private indication(verdict: Verdict): string {
    return verdict.subindication === null ? verdict.indication : `${verdict.indication} / ${verdict.subindication}`;
  }

  private digest(text: string): HTMLElement {
    return make("code", {}, text);
  }
}

function kindOf(found: FileVerdict, pack: PackageVerdict | null): string {
  return pack !== null && pack.steps.some((each) => each.part === "recording") ? "capture" : found.kind;
}

const FAR = "Proven as far as this page judges. TOTAL-PASSED is said of packages by “vermilion verify” alone.";
const STEP_WORDS = { yes: "Holds", no: "Does not hold", open: "Undecided" } as const;
