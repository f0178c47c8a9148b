/** What is said of a package: types alone. */

import { type Witnessing } from "../log/witnesses";
import { type FileVerdict, type Sentence, type SignatureVerdict, type Verdict } from "../verdict";
import { type Entry } from "./entries";
import { type CaptureFacts } from "./facts";

/** The parts of a package of every kind, of a contract's, and of a web capture's. */
export type Part = "files" | "manifest" | "log" | "contract" | "signatures" | "records" | "history" | "recording" | "facts" | "archive";

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

/** A web capture: what its facts say, when the recording was dated and logged; the picture (PNG) where nothing failed. */
export interface CaptureReport {
  readonly facts: CaptureFacts;
  readonly dated: Date | null;
  readonly logged: Date | null;
  readonly picture: Uint8Array | null;
}

export interface PackageVerdict extends FileVerdict {
  readonly kind: "evidence";
  /** Everything holds that the checkers of a package prove, by a root that the reader named. */
  readonly proven: boolean;
  /** The contract or the capture that the package is about. */
  readonly about: string;
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
  /** Of a package of a web capture whose facts can be read; else null. */
  readonly capture: CaptureReport | null;
  /** The root in the package, for comparing; null where there is none that can be read. */
  readonly root: Uint8Array | null;
}
