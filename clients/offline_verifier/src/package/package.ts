/** An evidence package of any kind: its manifest says of which. */

import { type Sentence } from "../verdict";
import { CaptureJudge } from "./capture_package";
import { ContractJudge } from "./contract_package";
import { type Files } from "./files";
import { isOfCapture } from "./manifest";
import { type PackageVerdict } from "./model";

/** The verdict about the *files* of a package, for the moment *at*; only *trust* is believed. */
export async function verifyPackage(
  files: Files,
  trust: readonly Uint8Array[],
  at: Date,
  more: { readonly remarks?: readonly Sentence[]; readonly digest?: string } = {},
): Promise<PackageVerdict> {
  const judge = isOfCapture(files.get("manifest.json") ?? new Uint8Array()) ? CaptureJudge : ContractJudge;
  return new judge(files, trust, at).judge(more.remarks ?? [], more.digest ?? "");
}
