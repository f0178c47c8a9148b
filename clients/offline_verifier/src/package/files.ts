/** The files of a package, from a ZIP or a folder, by their paths inside: the folder around them and what operating systems add are left out. */

import { Refused, require } from "./refusal";

export type Files = ReadonlyMap<string, Uint8Array>;

const SYSTEM = new Set([".DS_Store", "Thumbs.db", "desktop.ini"]);
const SYSTEM_FOLDER = "__MACOSX";
const SEGMENT = "[A-Za-z0-9][A-Za-z0-9_.-]*(?<!\\.)";
const PATH = new RegExp(`^${SEGMENT}(?:/${SEGMENT}){0,3}$`);
const LONGEST = 120;
/** What programs that show PDFs go by, wherever it stands in a file. */
const PART_OF_PDF = /%PDF-|\d[\0\t\n\f\r ]+obj/;

const LARGEST_RECORD = 4 * 1024 * 1024;
const LARGEST_SIGNATURE = 256 * 1024;

/** *named* by the paths in the package, sorted, and the names that operating systems added. */
export function placed(named: ReadonlyMap<string, Uint8Array>): { files: Files; ignored: readonly string[] } {
  const own = [...named].filter(([name]) => added(name) === "");
  const around = folderAround(own.map(([name]) => name));
  const files = new Map<string, Uint8Array>();
  const seen = new Set<string>();
  for (const [name, content] of own.sort(([one], [other]) => (one < other ? -1 : 1))) {
    const path = name.slice(around.length);
    const refusal = "The package names a file {path}, which is not a plain relative path; do not unpack it.";
    require(path.length <= LONGEST && PATH.test(path), refusal, { path: path.slice(0, LONGEST) });
    require(!seen.has(path.toLowerCase()), "The package has two files of one name, or of names alike but for case.");
    seen.add(path.toLowerCase());
    files.set(path, content);
  }
  for (const [name, content] of named) {
    const hidden = added(name) !== "" && PART_OF_PDF.test(new TextDecoder("latin1").decode(content));
    const template =
      "The file {path}, which does not belong to the package, has parts of a PDF, which programs would" +
      " show instead of the package.";
    require(!hidden, template, { path: name.slice(0, LONGEST) });
  }
  const ignored = [...new Set([...named.keys()].map(added))].filter((each) => each !== "").sort();
  return { files, ignored };
}

/** The octets of the file *path*. Raises Refused when it is missing, or larger than what is of its kind. */
export function part(files: Files, path: string, limit?: number): Uint8Array {
  const found = files.get(path);
  if (found === undefined) throw new Refused("The package lacks the file {path}.", { path });
  const most = limit ?? (/\.(p7s|tsr|tst)$/.test(path) ? LARGEST_SIGNATURE : LARGEST_RECORD);
  const larger = "The file {path} of the package is larger than {limit}.";
  require(found.length <= most, larger, { path, limit: `${most / 1024} KiB` });
  return found;
}

function added(name: string): string {
  const folders = name.split("/");
  const last = folders.pop() ?? "";
  if (folders.includes(SYSTEM_FOLDER)) return SYSTEM_FOLDER;
  return SYSTEM.has(last) ? last : "";
}

/** The one folder that all files lie in, with its slash; empty where there is none. */
function folderAround(names: readonly string[]): string {
  const first = names[0] ?? "";
  const around = first.slice(0, first.indexOf("/") + 1);
  const plain = around !== "" && around !== "./" && around !== "../" && !around.includes("\\");
  return plain && names.every((each) => each.startsWith(around)) ? around : "";
}
