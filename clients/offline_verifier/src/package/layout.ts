/** Which names files have in a package: no rule says what a file of another name counts for. */

import { utf8 } from "../octets";
import { require } from "./refusal";

const NUMBER = "(?:0[1-9]|[1-9]\\d{1,2})";
const RECORD = "(?:json|p7s|sig|tst)";
const FOLDERS: ReadonlyMap<string, string> = new Map([
  ["agreement", `${NUMBER}\\.${RECORD}|electronic-signing-[A-Za-z0-9_.-]+\\.md`],
  ["annexes", `${NUMBER}\\.(?:pdf|png|jpe?g|docx|xlsx|pptx|odt|ods|txt|csv)`],
  [
    "authority",
    `${NUMBER}\\.json|power-[0-9a-z-]+\\.(?:${RECORD}|pdf)|vouching-[0-9a-z-]+\\.${RECORD}|anchor-${NUMBER}\\.${RECORD}`,
  ],
  ["signatures", `${NUMBER}\\.(?:p7s|sig|tst)`],
  ["voiding", `${NUMBER}\\.${RECORD}`],
]);
const OTHERS = new RegExp(
  "^(?:manifest\\.(?:json|p7s|tsq|tsr)|check\\.(?:sh|py)|verify\\.html|index\\.txt|README\\.(?:en|zh)\\.txt" +
    "|certificates/[a-z0-9-]+\\.pem|contract/contract\\.(?:pdf|signed\\.pdf|tsq|tsr)|history/history\\.(?:json|(?:en|zh)\\.pdf)" +
    "|log/(?:entries|openings)/\\d{8,18}\\.json|log/proofs/\\d{8,18}\\.tlog-proof|log/log\\.(?:vkey|pub\\.pem)" +
    "|log/checkpoint(?:\\.(?:text|sig|tst))?|log/witness-policy\\.txt|review/(?:check|sign-off)\\.json|verification/report\\.json" +
    "|00-evidence-list\\.json|01-evidence-list\\.(?:en|zh)\\.pdf|02-submission-guide\\.(?:en|zh)\\.pdf)$",
);

const NO_RULE = "The package has a file {path}, and no rule says what a file of this name counts for.";
const GIVEN = /^(?:capture\.(?:wacz|warc\.gz)|page\.(?:pdf|png|txt)|session\.webp|step-(?:0[1-9]|1\d|20)\.png)$/;
const OF_CAPTURES = /^capture\.(?:json|warc\.ts[qr])$/;
const ALWAYS = [
  ...["capture.json", "capture.wacz", "capture.warc.gz", "capture.warc.tsq", "capture.warc.tsr", "page.pdf", "page.png", "page.txt"],
  ...["certificate.en.pdf", "certificate.zh.pdf", "README.en.txt", "README.zh.txt", "check.py", "check.sh", "verify.html"],
  ...["json", "p7s", "tsq", "tsr"].map((each) => `manifest.${each}`),
  ...["checkpoint", "checkpoint.sig", "checkpoint.text", "checkpoint.tst", "log.pub.pem", "log.vkey"].map((each) => `log/${each}`),
  ...["ca", "chain", "crls", "evidence", "timestamping"].map((each) => `certificates/${each}.pem`),
];
const SOMETIMES = /^(?:log\/witness-policy\.txt|certificates\/timestamping-[1-9]\.pem)$/;
const OF_ENTRY = /^log\/(entries|openings|proofs)\/(\d{8}|[1-9]\d{8,17})(?:(?<!proofs.*)\.json|(?<=proofs.*)\.tlog-proof)$/;

/** Whether a web capture itself gives a file of this name: recording, archive, pictures, text. */
export function isFromCapture(path: string): boolean {
  return GIVEN.test(path);
}

/** Raises Refused unless *paths* are exactly those of a web capture: of the log one entry, with its opening and proof, and pictures of steps from 1 on. */
export function requireCaptureLayout(paths: readonly string[]): void {
  const found = new Set(paths);
  const numbers = new Map<string, string>();
  for (const path of paths) {
    const [, folder = "", number = ""] = OF_ENTRY.exec(path) ?? [];
    const placed = ALWAYS.includes(path) || GIVEN.test(path) || SOMETIMES.test(path) || (number !== "" && !numbers.has(folder));
    require(placed, NO_RULE, { path });
    if (number !== "") numbers.set(folder, number);
  }
  const missing = ALWAYS.find((each) => !found.has(each));
  require(missing === undefined, "The package lacks the file {path}.", { path: missing ?? "" });
  require(numbers.size === 3 && new Set(numbers.values()).size === 1, "The package has no entry of the log.");
  const steps = paths.filter((each) => each.startsWith("step-")).sort();
  const gap = steps.findIndex((each, at) => each !== `step-${String(at + 1).padStart(2, "0")}.png`);
  require(gap === -1, NO_RULE, { path: steps[gap] ?? "" });
}

/** Raises Refused for a file in one of these folders whose name has another form. */
export function requireLayout(paths: Iterable<string>): void {
  for (const path of paths) {
    const [folder = "", ...rest] = path.split("/");
    const form = FOLDERS.get(folder.toLowerCase());
    const placed = form === undefined || (FOLDERS.has(folder) && new RegExp(`^(?:${form})$`).test(rest.join("/")));
    const other = GIVEN.test(path.toLowerCase()) || OF_CAPTURES.test(path.toLowerCase());
    require(placed && !other, NO_RULE, { path });
  }
}

/** Whether packages have a file of this name, so that it is judged or said not to be. */
export function hasAPlace(path: string): boolean {
  return FOLDERS.has(path.split("/")[0] ?? "") || OTHERS.test(path);
}

/** A line of index.txt: where in the signed contract a signature or timestamp is, by the number of its files. */
export interface Place {
  readonly kind: "signature" | "timestamp" | "own";
  readonly number: string;
  readonly head: number;
  readonly tail: number;
  readonly length: number;
}

const LINE = /^(signature|timestamp|own) (0[1-9]|[1-9]\d{1,2}) (0|[1-9]\d{0,17}) (0|[1-9]\d{0,17}) (0|[1-9]\d{0,17})$/;
/** Lines that packages of earlier releases have besides; the checkers of then went by them. */
const EARLIER = /^(?:created|checkpoint|certificate|record|agreement|grounds|letter|entry|agreed) [a-z0-9/, -]+$/;

/** The places in *index*. Raises Refused for a line that is of no known form. */
export function readIndex(index: Uint8Array): Place[] {
  const lines = (utf8(index) ?? "?").split("\n");
  require(lines.pop() === "", "The file index.txt has a line that is of no known form; run no checker here.");
  return lines.flatMap((line) => {
    if (line.startsWith("#") || EARLIER.test(line)) return [];
    const found = LINE.exec(line.replace(/^((?:signature|timestamp|own) \S+(?: \d+){3}) \d+$/, "$1"));
    require(found, "The file index.txt has a line that is of no known form; run no checker here.");
    const [, kind, number = "", head, tail, length] = found;
    return [{ kind: kind as Place["kind"], number, head: Number(head), tail: Number(tail), length: Number(length) }];
  });
}
