// Computes digests beside the page, which goes on answering. Takes a list of files, tells how far it is, and ends with
// the digest of each, in their order, or with the file that cannot be read.
import { Sha256 } from "./sha256.js";

const WHOLE = 64 * 2 ** 20; // bytes: the browser's own SHA-256 is faster, and takes files whole
const PIECE = 4 * 2 ** 20;
const PAUSE = 100; // milliseconds between two reports

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

async function digest(file, tell) {
  if (file.size <= WHOLE && globalThis.crypto?.subtle) {
    const bytes = await file.arrayBuffer();
    tell(bytes.byteLength);
    return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
  }
  const sum = new Sha256();
  for (let at = 0; at < file.size; at += PIECE) {
    const piece = new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer());
    sum.update(piece);
    tell(piece.length);
  }
  if (sum.length !== file.size) throw new Error("changed while it was read");
  return sum.hex();
}

addEventListener("message", async ({ data: files }) => {
  let bytes = 0;
  let told = 0;
  const digests = [];
  for (const [number, file] of files.entries()) {
    const tell = (more) => {
      bytes += more;
      if (performance.now() - told < PAUSE) return;
      told = performance.now();
      postMessage({ bytes, number });
    };
    try {
      digests.push(await digest(file, tell));
    } catch {
      postMessage({ failed: number });
      return;
    }
  }
  postMessage({ digests });
});
