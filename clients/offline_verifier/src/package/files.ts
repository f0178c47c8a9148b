/** The files of a package, from a ZIP or a folder, by their paths inside: the folder around them and what operating systems add are left out. */

import { Refused, require } from "./refusal";

export type Files = ReadonlyMap<string, Uint8Array>;

const SYSTEM = new Set([".DS_Store", "Thumbs.db", "desktop.ini"]);
const SYSTEM_FOLDERS = new Set(["__MACOSX", ".Spotlight-V100", ".Trashes", ".fseventsd", "$RECYCLE.BIN", "System Volume Information"]);
/** How names of files begin that macOS puts beside others on disks of other systems (AppleDouble, RFC 1740). */
const BESIDE = "._";
const SEGMENT = "[A-Za-z0-9][A-Za-z0-9_.-]*(?<!\\.)";
const PATH = new RegExp(`^${SEGMENT}(?:/${SEGMENT}){0,3}$`);
const LONGEST = 120;
/** What programs that show PDFs go by, wherever it stands in a file. */
const PART_OF_PDF = /%PDF-|\d[\0\t\n\f\r ]+obj/;

const NOT_PLAIN = "The package names a file {path}, which is not a plain relative path; do not unpack it.";
const TWICE = "The package has two files of one name, or of names alike but for case.";
const LARGEST_RECORD = 4 * 1024 * 1024;
const LARGEST_SIGNATURE = 256 * 1024;

/**
 * *named* by the paths in the package, sorted, and the names that operating systems added. Folders, which end with a
 * slash, are held to the same rules, though nothing is in them.
 */
export function placed(named: ReadonlyMap<string, Uint8Array>): { files: Files; ignored: readonly string[] } {
  const around = folderAround([...named.keys()].filter((name) => !name.endsWith("/") && added(name) === ""));
  const files = new Map<string, Uint8Array>();
  const seen = new Set<string>();
  for (const [name, content] of [...named].sort(([one], [other]) => (one < other ? -1 : 1))) {
    require(!seen.has(bare(name).toLowerCase()), TWICE);
    seen.add(bare(name).toLowerCase());
    if (added(name) !== "") requireHarmless(name, content);
    else if (name !== around) place(files, name.startsWith(around) ? name.slice(around.length) : name, content);
  }
  const folders = new Set([...files.keys()].flatMap((path) => foldersOf(path.toLowerCase())));
  require(![...files.keys()].some((path) => folders.has(path.toLowerCase())), TWICE);
  const ignored = [...new Set([...named.keys()].map(added))].filter((each) => each !== "").sort();
  return { files, ignored };
}

function place(files: Map<string, Uint8Array>, name: string, content: Uint8Array): void {
  const path = bare(name);
  require(path.length <= LONGEST && PATH.test(path), NOT_PLAIN, { path: path.slice(0, LONGEST) });
  if (!name.endsWith("/")) files.set(path, content);
}

/** What an operating system added leads nowhere else, and no program shows it instead of the package. */
function requireHarmless(name: string, content: Uint8Array): void {
  const plain = !name.includes("\\") && !bare(name).split("/").some((each) => ["", ".", ".."].includes(each));
  require(plain, NOT_PLAIN, { path: name.slice(0, LONGEST) });
  const template =
    "The file {path}, which does not belong to the package, has parts of a PDF, which programs would" +
    " show instead of the package.";
  require(!PART_OF_PDF.test(new TextDecoder("latin1").decode(content)), template, { path: name.slice(0, LONGEST) });
}

function bare(name: string): string {
  return name.replace(/\/$/, "");
}

function foldersOf(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, at) => parts.slice(0, at + 1).join("/"));
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

/** The name by which a file is known that macOS or Windows adds to folders and sticks; empty for any other file. */
function added(name: string): string {
  const folders = name.split("/");
  const last = folders.pop() ?? "";
  const folder = folders.find((each) => SYSTEM_FOLDERS.has(each));
  if (folder !== undefined) return folder;
  return last.startsWith(BESIDE) ? `${BESIDE}*` : SYSTEM.has(last) ? last : "";
}

/** The one folder that all files lie in, with its slash; empty where there is none. */
function folderAround(names: readonly string[]): string {
  const first = names[0] ?? "";
  const around = first.slice(0, first.indexOf("/") + 1);
  const plain = around !== "" && around !== "./" && around !== "../" && !around.includes("\\");
  return plain && names.every((each) => each.startsWith(around)) ? around : "";
}
