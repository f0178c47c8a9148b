/** What a verification is done with: whom the user believes, certificates and lists at hand, and the judge of paths. */

import { type Certificate, blocks, readCertificates, readOrNull } from "./certificates";
import { type SignedMessage, readMessage } from "./messages";
import { CertificateJudge } from "./paths";
import { RevocationData } from "./revocation";

/** Everything that a verification is done with besides the file. */
export interface Circumstances {
  /** Certificates (DER or PEM, several in one file) that the user believes. */
  readonly trust: readonly Uint8Array[];
  /** Revocation lists (DER or PEM) at hand, beside those in the file. */
  readonly crls?: readonly Uint8Array[];
  /** Certificates (DER or PEM) that help to build paths and are not believed. */
  readonly known?: readonly Uint8Array[];
}

const MOST_CERTIFICATES = 5000;

/** Certificates, lists and responses (DER) found in the file. */
export class Material {
  readonly certificates: Uint8Array[] = [];
  readonly crls: Uint8Array[] = [];
  readonly responses: Uint8Array[] = [];

  /** What *message* carries, and what its timestamps carry. */
  addMessage(message: SignedMessage): void {
    this.certificates.push(...message.certificates);
    this.crls.push(...message.crls);
    this.responses.push(...message.responses);
    for (const token of message.timestamps) {
      try {
        this.addMessage(readMessage(token));
      } catch {
        // said when the token is judged
      }
    }
  }

  /** A judge who knows all of it, and the data about revocation that it judges by. */
  async judge(circumstances: Circumstances): Promise<{ judge: CertificateJudge; revocation: RevocationData }> {
    const anchors = await readCertificates(circumstances.trust);
    const pool: Certificate[] = await readCertificates(circumstances.known ?? []);
    for (const each of this.certificates.slice(0, MOST_CERTIFICATES)) {
      const certificate = await readOrNull(each);
      if (certificate !== null) pool.push(certificate);
    }
    const given = [...circumstances.trust.filter(isPem), ...(circumstances.crls ?? [])];
    const atHand = given.flatMap((each) => blocks(each, "X509 CRL"));
    const revocation = await RevocationData.read(this.crls, this.responses, atHand);
    return { judge: new CertificateJudge(anchors, pool, revocation), revocation };
  }
}

function isPem(file: Uint8Array): boolean {
  return file[0] !== 0x30;
}
