/**
 * What the page calls: bytes in, a verdict out, whatever the bytes are. Nothing is fetched, and nothing is thrown for
 * what a file contains.
 */

import { type FileVerdict, type SignatureVerdict, undecided } from "./verdict";
import { TEMPLATES } from "./sentences";

/** Everything that a verification is done with besides the file. */
export interface Circumstances {
  /** Certificates (DER or PEM, several in one file) that the user believes. */
  readonly trust: readonly Uint8Array[];
  /** Revocation lists (DER or PEM) at hand, beside those in the file. */
  readonly crls?: readonly Uint8Array[];
  /** Certificates (DER or PEM) that help to build paths and are not believed. */
  readonly known?: readonly Uint8Array[];
}

/** Every signature and document timestamp of a PDF, then the document, judged for the moment *at*. */
export async function verifyPdf(
  bytes: Uint8Array,
  trust: readonly Uint8Array[],
  at: Date,
  more: Omit<Circumstances, "trust"> = {},
): Promise<FileVerdict> {
  void bytes, trust, more;
  return nothing("pdf", at);
}

/** An RFC 3161 token or reply; without the *data* that it was taken of it cannot be passed, and says so. */
export async function verifyTimestamp(
  token: Uint8Array,
  data: Uint8Array | null,
  trust: readonly Uint8Array[],
  at: Date,
  more: Omit<Circumstances, "trust"> & { readonly nonce?: bigint } = {},
): Promise<FileVerdict> {
  void token, data, trust, more;
  return nothing("timestamp", at);
}

/**
 * A detached signature (CMS) over *content*, such as the manifest of a package or a signed record. *mediaType* is what
 * the signed attribute `mime-type` must say, null where it must be absent, undefined where it does not matter.
 */
export async function verifyDetached(
  message: Uint8Array,
  content: Uint8Array,
  trust: readonly Uint8Array[],
  at: Date,
  more: Omit<Circumstances, "trust"> & { readonly mediaType?: string | null } = {},
): Promise<SignatureVerdict> {
  void message, content, trust, at, more;
  throw new Error("not yet");
}

function nothing(kind: FileVerdict["kind"], at: Date): FileVerdict {
  const verdict = undecided("FORMAT_FAILURE", TEMPLATES.notWellFormed);
  return { kind, verdict, at, digest: "", signatures: [], remarks: [], anchors: [] };
}
