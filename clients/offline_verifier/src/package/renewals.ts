/** Renewed timestamps of a package (after RFC 4998, 5.2): each covers manifest, seals and all renewals before it. */

import { readCertificates } from "../certificates";
import { digestOf, encoded, same } from "../octets";
import { areListsBy, withoutCurrentList } from "../revocation";
import { type Verdict, undecided } from "../verdict";
import { type Files, part } from "./files";
import { type Dated } from "./judging";
import { SEALS } from "./manifest";
import { fromPem, readToken } from "./messages";
import { require } from "./refusal";

const ENDINGS = [".crls.pem", ".pem", ".tsq", ".tsr", ".txt"] as const;
const [MOST, GIVEN] = [99, ENDINGS.slice(0, 2)];
const MANIFEST = ["manifest.tsr", "manifest.json", "manifest.tsq"];
const UNREAD = "The file {path} of the package cannot be read.";
const NO_LIST =
  "The renewed timestamp {path} brings no revocation list by the issuer of {name} that counted when it was made:" +
  " whether the timestamp before it held then is not known.";

const pathOf = (number: number, ending: string): string => `renewals/${String(number).padStart(2, "0")}${ending}`;

/** Raises Refused unless *paths* are those of renewals that are numbered without a gap, each with all of its files. */
export function requireRenewals(paths: readonly string[]): void {
  const count = Math.min(Math.floor(paths.length / ENDINGS.length), MOST);
  const wanted = Array.from({ length: count }, (_, at) => ENDINGS.map((ending) => pathOf(at + 1, ending))).flat();
  const misfit = [...wanted.filter((each) => !paths.includes(each)), ...paths.filter((each) => !wanted.includes(each))].sort()[0];
  require(misfit === undefined, "The renewed timestamps in the package are not whole, or not in order: {path}.", { path: misfit ?? "" });
}

interface Renewed {
  readonly count: number;
  readonly verdicts: readonly Verdict[];
  /** As of when what all of them cover is judged. */
  readonly asOf: Date;
  /** What the first one says; null where there is none, or not all of them hold. */
  readonly first: Date | null;
}

/**
 * The last one is judged for the moment *at*, each of the others for that of the next; the first that does not hold ends it.
 * So does one whose revocation lists did not count at its own time. *known*: the files of certificates that paths go by.
 */
export async function checkRenewals(
  files: Files,
  at: Date,
  known: readonly Uint8Array[],
  dated: (path: string, data: Uint8Array, query: string, at: Date) => Promise<Dated>,
): Promise<Renewed> {
  const count = [...files.keys()].filter((path) => /^renewals\/\d\d\.tsr$/.test(path)).length;
  const verdicts: Verdict[] = [];
  const certificates = count === 0 ? [] : await readCertificates(known);
  let [asOf, first]: [Date, Date | null] = [at, null];
  let found: Dated | null = null;
  for (let number = count; number > 0; number -= 1) {
    const [text, query, reply] = [".txt", ".tsq", ".tsr"].map((ending) => pathOf(number, ending)) as [string, string, string];
    const content = part(files, text);
    require(same(content, await covered(files, number)), "The renewed timestamp {path} is not over the files of this package.", { path: reply });
    requireOwn(files, reply, pathOf(number, ".pem"));
    const lists = fromPem(part(files, pathOf(number, ".crls.pem")), "X509 CRL", pathOf(number, ".crls.pem"));
    require(await areListsBy(lists, certificates), UNREAD, { path: pathOf(number, ".crls.pem") });
    found ??= await dated(reply, content, query, asOf);
    verdicts.push(found.verdict);
    if (found.time === null) return { count, verdicts, asOf, first: null };
    require(first === null || follows(first, found.time), "The renewed timestamps in the package do not follow one another.");
    const [last, over, asked] = number > 1 ? [".tsr", ".txt", ".tsq"].map((ending) => pathOf(number - 1, ending)) : MANIFEST;
    const before = await dated(last ?? "", part(files, over ?? ""), asked ?? "", found.time);
    const path = before.path.map((each) => certificates.find((one) => one.fingerprint === each.fingerprint));
    const without = await withoutCurrentList(path, lists, found.time);
    if (without !== null) {
      const name = path[without]?.name ?? before.path[without]?.subject ?? "";
      verdicts.push(undecided("CERTIFICATE_CHAIN_GENERAL_FAILURE", NO_LIST, { path: reply, name }));
      return { count, verdicts, asOf, first: null };
    }
    asOf = first = found.time;
    found = before;
  }
  return { count, verdicts, asOf, first };
}

/** Whether *later* may come after *earlier*, in whole seconds: timestamps of the same second are in no order (RFC 3161, 2.4.2). */
export function follows(later: Date, earlier: Date): boolean {
  return Math.floor(later.getTime() / 1000) >= Math.floor(earlier.getTime() / 1000);
}

/** What `sha256sum` writes of all that the renewal with this number covers. */
async function covered(files: Files, number: number): Promise<Uint8Array> {
  const earlier = Array.from({ length: number - 1 }, (_, at) => ENDINGS.map((ending) => pathOf(at + 1, ending))).flat();
  const lines: string[] = [];
  for (const path of [...SEALS, ...earlier, ...GIVEN.map((ending) => pathOf(number, ending))]) {
    lines.push(`${await digestOf(part(files, path))}  ${path}\n`);
  }
  return encoded(lines.join(""));
}

/** Raises Refused for a token with a certificate that is neither of the package nor of that renewal. */
function requireOwn(files: Files, reply: string, brought: string): void {
  const pems = [...files.keys()].filter((path) => /^certificates\/[^/]+\.pem$/.test(path) && path !== "certificates/crls.pem");
  const own = [...pems, brought].flatMap((path) => fromPem(part(files, path), "CERTIFICATE", path));
  const carried = readToken(part(files, reply), reply).certificates.every((each) => own.some((one) => same(one, each)));
  require(carried, "The timestamp {path} carries a certificate that is not of the package.", { path: reply });
}
