/**
 * Verifying a PDF: every signature and document timestamp, then the document (EN 319 102-1, 5; ETSI EN 319 142-1).
 *
 * 1. Signatures are found twice, through the form and in the bytes alone, and both must be the same ones; 2. each covers
 * its whole revision, and the room in it that nothing signs has one form only; 3. document timestamps are judged from the
 * last to the first, each proving what lies before it; 4. signature timestamps, then signers, are judged with those
 * proofs; 5. what came after each signature is recognised, or said to be unexamined. No page is drawn.
 */

import { digest } from "./algorithms";
import { type Certificate, details } from "./certificates";
import { type SignedMessage, messageIn, reasonOf } from "./messages";
import { type Step, NewVisible, Unexplained, explained } from "./pdf/changes";
import { MILLISECONDS, PdfFile } from "./pdf/file";
import { type ByteRange, type FoundSignature, type Written, Covered, locks, signatures, writtenRanges } from "./pdf/form";
import { type StoredData, storedData, storedSince } from "./pdf/store";
import { Odd } from "./pdf/syntax";
import { TEMPLATES } from "./sentences";
import {
  type Examined,
  type Examiner,
  anchorsOf,
  examineSignature,
  examineTimestamp,
  foreign,
  ofUnknownKind,
  levelOf,
  signatureVerdict,
  unexamined,
} from "./signatures";
import { isAbout } from "./signers";
import { provenBy, statementOf } from "./tokens";
import { type Circumstances, Material } from "./trust";
import { equal } from "./asn1";
import {
  type Changes,
  type FileVerdict,
  PASSED,
  type Sentence,
  type SignatureVerdict,
  type Verdict,
  failed,
  sentence,
  undecided,
  worst,
} from "./verdict";

type Part = Pick<FileVerdict, "verdict" | "signatures" | "remarks" | "anchors">;

interface One {
  readonly found: FoundSignature;
  readonly examined: Examined;
}

/** One verification of one document. */
export class DocumentVerification {
  private readonly covered: Covered;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly circumstances: Circumstances,
    private readonly at: Date,
  ) {
    this.covered = new Covered(bytes);
  }

  async verdict(): Promise<Part> {
    let written: Written[] = [];
    try {
      written = writtenRanges(this.bytes, Date.now() + MILLISECONDS);
      const file = await PdfFile.open(this.bytes);
      return await this.parsed(file, written);
    } catch (error) {
      if (!(error instanceof Odd)) throw error;
      if (await this.isAltered(written, [])) return nothingBut(failed("HASH_FAILURE", TEMPLATES.altered));
      return nothingBut(undecided("GENERIC", TEMPLATES.oddStructure, { detail: error.message }));
    }
  }

  private async parsed(file: PdfFile, written: readonly Written[]): Promise<Part> {
    const found = signatures(file);
    const unreached = this.unreached(file, found, written);
    const reachedRanges = found.map((each) => each.range).filter((each) => each !== null);
    if (await this.isAltered(unreached, reachedRanges)) return nothingBut(failed("HASH_FAILURE", TEMPLATES.altered));
    if (found.length === 0) {
      return nothingBut(undecided("NO_SIGNATURE_FOUND", unreached.length > 0 ? TEMPLATES.hidden : TEMPLATES.nothingSigned));
    }
    const all = await this.examined(file, found);
    const steps = new Steps(file, Math.min(...found.map((each) => each.revision)));
    const stored = storedSince(file);
    const reports = all.map((one) => this.report(file, one, all, steps, stored));
    const verdicts = reports.map((each) => each.verdict);
    if (unreached.length > 0) verdicts.push(undecided("NO_SIGNATURE_FOUND", TEMPLATES.hidden));
    const anchors = new Map(all.flatMap(({ examined }) => anchorsOf(examined)).map((each) => [each.fingerprint, each]));
    return {
      verdict: worst(verdicts),
      signatures: reports,
      remarks: remarksOn(all, steps),
      anchors: [...anchors.values()].map((each: Certificate) => details(each)),
    };
  }

  /** The names /ByteRange in the bytes that are not the one of a signature to which the form leads. */
  private unreached(file: PdfFile, found: readonly FoundSignature[], written: readonly Written[]): Written[] {
    const used = new Set<number>();
    return written.filter(({ at, range }) => {
      const owner = found.find((each) => {
        const span = file.spans.get(each.number);
        return span !== undefined && at > span[0] && at < span[1];
      });
      if (owner === undefined || used.has(owner.number) || !sameRange(owner.range, range)) return true;
      used.add(owner.number);
      return false;
    });
  }

  /** Whether bytes that one of *ranges* covers are not those that were signed; ranges that stand in bytes which an
   * intact signature covers may belong to a file inside this one. */
  private async isAltered(ranges: readonly Written[], reached: readonly ByteRange[]): Promise<boolean> {
    for (const { at, range } of ranges) {
      if (range === null || reached.some((each) => at < each.gapStart || (at > each.gapEnd && at < each.end))) continue;
      const contents = contentsIn(this.bytes, range);
      if (contents === null) continue;
      const content = this.covered.by(range);
      try {
        const message = messageIn(contents);
        const same =
          message.content === null
            ? await isAbout(message, (hash) => digest(hash, content))
            : await this.isStampOf(message, content);
        if (!same) return true;
      } catch {
        continue; // a message that cannot be read says nothing about the bytes
      }
    }
    return false;
  }

  private async isStampOf(message: SignedMessage, content: Uint8Array): Promise<boolean> {
    const statement = statementOf(message);
    return equal(statement.digest, await digest(statement.hash, content));
  }

  /** Every signature examined, in the order of revisions. */
  private async examined(file: PdfFile, found: readonly FoundSignature[]): Promise<One[]> {
    const material = new Material();
    let unreadable: Verdict | null = null;
    try {
      const stored: StoredData = await storedData(file);
      material.certificates.push(...stored.certificates);
      material.crls.push(...stored.crls);
      material.responses.push(...stored.responses);
    } catch (error) {
      if (!(error instanceof Odd)) throw error;
      unreadable = undecided("CERTIFICATE_CHAIN_GENERAL_FAILURE", TEMPLATES.revocationUnreadable);
    }
    const messages = found.map((each) => read(each, material));
    const by: Examiner = { ...(await material.judge(this.circumstances)), at: this.at };
    const proofs: { revision: number; time: Date }[] = [];
    const done: One[] = [];
    const order = found
      .map((each, index) => ({ each, message: messages[index] ?? null }))
      .sort((a, b) => Number(b.each.documentTimestamp) - Number(a.each.documentTimestamp) || b.each.revision - a.each.revision);
    for (const { each, message } of order) {
      file.spend(true);
      const later = proofs.filter((proof) => proof.revision > each.revision).map((proof) => Number(proof.time));
      const proven = later.length > 0 ? new Date(Math.min(...later)) : null;
      const examined = await this.one(each, message, proven, by);
      const judged = { ...examined, verdict: worst([examined.verdict, ...(unreadable === null ? [] : [unreadable])]) };
      done.push({ found: each, examined: judged });
      const stamp = each.documentTimestamp && judged.verdict === PASSED ? judged.stamps[0] : undefined;
      const time = stamp === undefined ? null : provenBy(stamp);
      if (time !== null) proofs.push({ revision: each.revision, time });
    }
    return done.sort((a, b) => a.found.revision - b.found.revision);
  }

  private async one(
    found: FoundSignature,
    message: SignedMessage | Sentence | null,
    proven: Date | null,
    by: Examiner,
  ): Promise<Examined> {
    if (message === null || found.contents === null) return unexamined(undecided("GENERIC", TEMPLATES.misplaced));
    if ("template" in message) {
      return unexamined({ indication: "INDETERMINATE", subindication: "GENERIC", reasons: [message] });
    }
    const unknown = ofUnknownKind(found);
    if (unknown !== null) return unexamined(unknown);
    const content = found.range === null ? new Uint8Array() : this.covered.by(found.range);
    const examine = found.documentTimestamp ? examineTimestamp : examineSignature;
    const examined = await examine(message, content, proven, by);
    if (examined.verdict.indication === "TOTAL-FAILED") return examined;
    const odd = [foreign(found, message), found.complete ? null : undecided("GENERIC", TEMPLATES.notWhole)];
    const wrong = odd.filter((each) => each !== null);
    return wrong.length === 0 ? examined : { ...examined, verdict: worst([...wrong, examined.verdict]) };
  }

  private report(file: PdfFile, one: One, all: readonly One[], steps: Steps, stored: number | null): SignatureVerdict {
    const { found, examined } = one;
    const { changes, verdict } = steps.after(found);
    const judged = { ...examined, verdict: worst([examined.verdict, verdict]) };
    const archived = all.some(
      (other) =>
        other.found.documentTimestamp &&
        other.examined.verdict === PASSED &&
        other.found.revision > found.revision &&
        other.found.revision >= (stored ?? 0),
    );
    const whole = found.complete && found.range?.end === file.bytes.length;
    return {
      ...signatureVerdict(judged),
      field: found.field,
      claimed: found.claimed ?? examined.claimed,
      signingTime: signatureVerdict(judged).signingTime ?? found.claimed,
      level: found.documentTimestamp ? null : levelOf(judged, archived, stored !== null),
      coverage: whole ? "whole-file" : found.complete ? "whole-revision" : "partial",
      changes,
      documentTimestamp: found.documentTimestamp,
      stamps: found.documentTimestamp ? [] : signatureVerdict(judged).stamps,
      end: found.range?.end ?? null,
    };
  }
}

/** What each revision after the first signed one did, as far as that is recognised. */
class Steps {
  private readonly known: (Step | Unexplained)[] = [];

  constructor(
    file: PdfFile,
    private readonly first: number,
  ) {
    for (let revision = first + 1; revision < file.revisions.length; revision++) {
      file.spend(true);
      try {
        this.known.push(explained(file, revision));
      } catch (error) {
        if (!(error instanceof Unexplained)) throw error;
        this.known.push(error);
      }
    }
  }

  get describedAnew(): boolean {
    return this.known.some((each) => !(each instanceof Unexplained) && each.describedAnew);
  }

  /** What came after *found*, and the verdict on that. */
  after(found: FoundSignature): { changes: Changes; verdict: Verdict } {
    const later = this.known.slice(found.revision - this.first);
    if (later.length === 0) return { changes: "none", verdict: PASSED };
    const filled = later.flatMap((each) => (each instanceof Unexplained ? [] : each.filled));
    const { lock } = found;
    const forbidden = (found.permission === 1 && filled.length > 0) || (lock !== null && filled.some((each) => locks(lock, each)));
    if (forbidden) return { changes: "unexplained", verdict: undecided("GENERIC", TEMPLATES.locked) };
    const unknown = later.find((each) => each instanceof Unexplained);
    if (unknown instanceof Unexplained) {
      const verdict =
        unknown instanceof NewVisible
          ? undecided("SIG_CONSTRAINTS_FAILURE", TEMPLATES.newVisible)
          : undecided("SIG_CONSTRAINTS_FAILURE", TEMPLATES.unexplained, { detail: unknown.message });
      return { changes: "unexplained", verdict };
    }
    return { changes: filled.length > 0 ? "further-signatures" : "validation-data", verdict: PASSED };
  }
}

function read(found: FoundSignature, material: Material): SignedMessage | Sentence | null {
  if (found.contents === null) return null;
  try {
    const message = messageIn(found.contents);
    material.addMessage(message);
    return message;
  } catch (error) {
    return reasonOf(error);
  }
}

function sameRange(a: ByteRange | null, b: ByteRange | null): boolean {
  return a !== null && b !== null && a.gapStart === b.gapStart && a.gapEnd === b.gapEnd && a.end === b.end;
}

/** The bytes in the gap of *range*, null unless it is exactly one hexadecimal string that holds something. */
function contentsIn(bytes: Uint8Array, range: ByteRange): Uint8Array | null {
  const gap = bytes.subarray(range.gapStart, range.gapEnd);
  if (gap[0] !== 0x3c || gap.at(-1) !== 0x3e || gap.length % 2) return null;
  const made = new Uint8Array(gap.length / 2 - 1);
  for (let index = 0; index < made.length; index++) {
    const digits = String.fromCharCode(gap[2 * index + 1] ?? 0, gap[2 * index + 2] ?? 0);
    if (!/^[0-9A-Fa-f]{2}$/.test(digits)) return null;
    made[index] = Number.parseInt(digits, 16);
  }
  return made;
}

function remarksOn(all: readonly One[], steps: Steps): Sentence[] {
  const found: Sentence[] = [];
  if (all.every(({ found: each }) => each.documentTimestamp)) found.push(sentence(TEMPLATES.datedOnly));
  if (steps.describedAnew) found.push(sentence(TEMPLATES.describedAnew));
  for (const { examined } of all) {
    found.push(...examined.remarks);
    const missing = examined.finding?.revocation.findIndex((each) => each.known === "nothing") ?? -1;
    const name = examined.finding?.path[missing]?.name;
    if (examined.verdict === PASSED && name !== undefined) found.push(sentence(TEMPLATES.revocationMissing, { name }));
  }
  found.push(sentence(TEMPLATES.notCompared));
  return [...new Map(found.map((each) => [JSON.stringify(each), each])).values()];
}

function nothingBut(verdict: Verdict): Part {
  return { verdict, signatures: [], remarks: [], anchors: [] };
}
