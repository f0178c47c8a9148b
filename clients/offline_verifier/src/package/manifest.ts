/** The manifest: path, size and SHA-256 of every file, and the state of the log that the package rests on. */

import { digestOf, fromBase64 } from "../octets";
import { decode, fields, type Json } from "./canonical";
import { type Files } from "./files";
import { Refused, require } from "./refusal";

export const SEALS = ["manifest.json", "manifest.p7s", "manifest.tsq", "manifest.tsr"] as const;
const FORMAT = "vermilion-evidence-manifest/3";
const CAPTURE_FORMAT = "vermilion-capture-manifest/1";
/** Of packages of contracts, those of earlier releases too, and of web captures. */
const FIELDS: ReadonlyMap<string, string> = new Map([
  [FORMAT, "checkpoint contract created files format made_for powers_stated_since withheld"],
  ["vermilion-evidence-manifest/2", "checkpoint contract created files format made_for withheld"],
  ["vermilion-evidence-manifest/1", "checkpoint contract created files format"],
  [CAPTURE_FORMAT, "capture checkpoint created files format made_for"],
]);

export interface Manifest {
  /** The contract or the capture that the package is about. */
  readonly about: string;
  readonly created: Date;
  readonly audience: string;
  readonly withheld: number;
  readonly checkpoint: { readonly origin: string; readonly size: number; readonly root: Uint8Array };
  readonly files: ReadonlyMap<string, { readonly size: number; readonly sha256: string }>;
}

const TWICE = "The manifest of the package lists files twice, unsorted, or alike but for case.";
const OTHER = "The manifest of the package is not in its one form ({format}).";

/** The manifest in *octets*; raises Refused unless it is in its one form. */
export function readManifest(octets: Uint8Array): Manifest {
  try {
    return read(fields(decode(octets)));
  } catch (error) {
    if (error instanceof Refused && [OTHER, TWICE].includes(error.said.template)) throw error;
    throw new Refused(OTHER, { format: FORMAT });
  }
}

function read(value: { readonly [name: string]: Json }): Manifest {
  const format = text(value["format"]);
  check(Object.keys(value).join(" ") === FIELDS.get(format));
  check(format !== CAPTURE_FORMAT || /^[0-9a-f]{24}$/.test(text(value["capture"])));
  const state = fields(value["checkpoint"]);
  check(Object.keys(state).join(" ") === "origin root size");
  const root = fromBase64(text(state["root"]));
  check(root?.length === 32);
  const withheld = list(value["withheld"] ?? []).map(number);
  check(withheld.every((each, at) => at === 0 || each > (withheld[at - 1] ?? 0)));
  number(value["powers_stated_since"] ?? 0);
  return {
    about: text(value[format === CAPTURE_FORMAT ? "capture" : "contract"]),
    created: instant(text(value["created"])),
    audience: value["made_for"] === undefined ? "" : text(value["made_for"]),
    withheld: withheld.length,
    checkpoint: { origin: text(state["origin"]), size: number(state["size"]), root },
    files: listed(list(value["files"])),
  };
}

function listed(files: readonly Json[]): Manifest["files"] {
  const found = new Map<string, { size: number; sha256: string }>();
  let before = "";
  for (const each of files.map(fields)) {
    check(Object.keys(each).join(" ") === "path sha256 size");
    const [path, sha256, size] = [text(each["path"]), text(each["sha256"]), number(each["size"])];
    check(/^[0-9a-f]{64}$/.test(sha256));
    const own = path > before && !(SEALS as readonly string[]).includes(path);
    require(own, TWICE);
    before = path;
    found.set(path, { size, sha256 });
  }
  const distinct = new Set([...found.keys()].map((each) => each.toLowerCase())).size === found.size;
  require(distinct, TWICE);
  return found;
}

/** Exactly the listed files are there, each with its listed size and SHA-256; else raises Refused. */
export async function requireSame(manifest: Manifest, files: Files): Promise<void> {
  for (const [path, content] of files) {
    if ((SEALS as readonly string[]).includes(path)) continue;
    const stated = manifest.files.get(path);
    require(stated !== undefined, "The package has a file that its manifest does not list: {path}.", { path });
    const same = stated.size === content.length && stated.sha256 === (await digestOf(content));
    require(same, "The file {path} is not the one that the manifest lists.", { path });
  }
  for (const path of manifest.files.keys()) {
    require(files.has(path), "The package lacks a file that its manifest lists: {path}.", { path });
  }
}

/** A moment in the form of manifests and of the log, in UTC with whole seconds. */
export function instant(written: string): Date {
  const moment = new Date(written);
  const formed = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(written) && !Number.isNaN(moment.getTime());
  check(formed && moment.toISOString() === written.replace("Z", ".000Z"));
  return moment;
}

/** Whether the manifest in *octets* says that it is of a web capture, whatever else it is. */
export function isOfCapture(octets: Uint8Array): boolean {
  try {
    return fields(decode(octets))["format"] === CAPTURE_FORMAT;
  } catch {
    return false;
  }
}

function check(holds: unknown): asserts holds {
  require(holds, OTHER, { format: FORMAT });
}

function text(value: Json | undefined): string {
  check(typeof value === "string" && value !== "" && !/[\p{C}\p{Zl}\p{Zp}]/u.test(value));
  return value;
}

function number(value: Json | undefined): number {
  check(typeof value === "number" && value >= 0);
  return value;
}

function list(value: Json | undefined): readonly Json[] {
  check(Array.isArray(value));
  return value as readonly Json[];
}
