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

/** Raises Refused for a file in one of these folders whose name has another form. */
export function requireLayout(paths: Iterable<string>): void {
  for (const path of paths) {
    const [folder = "", ...rest] = path.split("/");
    const form = FOLDERS.get(folder.toLowerCase());
    const placed = form === undefined || (FOLDERS.has(folder) && new RegExp(`^(?:${form})$`).test(rest.join("/")));
    require(placed, "The package has a file {path}, and no rule says what a file of this name counts for.", { path });
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
