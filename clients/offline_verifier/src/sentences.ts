/**
 * Every sentence that the engine says, in English with places: the one list that `words.ts` translates. Sentences that
 * `vermilion verify` says too are the same to the letter. A value `detail` that stands in no place of its sentence is for
 * engineers.
 */

export const TEMPLATES = {
  // the file
  notWellFormed: "The file is not well-formed, and its reader could not make sense of it.",
  nothingSigned: "The document carries no signature; only a signed document can be verified.",
  encrypted: "The document is encrypted; give one that opens without a password.",
  tooLong: "The file takes more time or memory to verify than is allowed; it may be built to exhaust its readers.",
  tooLarge: "The file is too large to be verified.",
  hidden: "The file holds a signature that its form does not lead to.",
  altered: "The file was changed after it was signed: the bytes that a signature covers are no longer the same.",
  oddStructure:
    "The file is not built as plainly as this verifier needs; whether all programs show the same of it was not examined.",
  datedOnly: "Nobody signed this document: it has timestamps alone, which anybody can have for anything.",
  describedAnew: "The file's metadata, such as its title and author, are no longer those of the first signature.",
  notCompared: "Pages were not drawn or compared here, and changes to them are not explained.",
  revocationMissing: "Whether the certificate of {name} was revoked is not known: the file has no data about it.",
  restsOnNamed:
    "This verdict rests on a certificate that you named: {name} (SHA-256 {fingerprint}). Whether it is genuine was not verified here.",
  // places of signatures
  misplaced: "The signature's place in the file is not where it says (ByteRange).",
  notWhole: "The signature does not cover the whole of the document as it was when it was signed.",
  unknownKind: "The kind of signature is not known here: {kind}.",
  unnamedSigner: "The signature does not name its signer's certificate under its protection, as PAdES requires.",
  ownContent: "The signature carries content of its own, or is not over a document's bytes.",
  locked: "Something was changed after signing that this signature forbids to change.",
  unexplained: "The document was changed after this signature, and what was changed was not examined here.",
  newVisible: "A later signature has a new place on a page; whether it hides something was not examined here.",
  // messages
  damagedMessage: "The signature's structure is damaged (CMS).",
  ber: "The signature is encoded in BER, not in DER.",
  roomNotEmpty: "The room after the signature is not empty: something was hidden or changed there.",
  noSignedData: "The signature is not a SignedData message (CMS).",
  severalSigners: "The signature must have one signer; it has {count}.",
  otherVersion: "The signature gives another version than its contents require (CMS).",
  moreDigests: "The signature lists digest algorithms that it does not use (CMS).",
  otherDigests: "The digest algorithms that the signature lists are not those that it uses.",
  oddCertificates: "The signature carries something else than certificates in their place.",
  signerVersion: "The signer's version does not fit its identifier (CMS).",
  noSignedAttributes: "The signed attributes lack the content's digest or its type.",
  unsorted: "The signed attributes are not in the order that DER prescribes.",
  unsignedUnknown: "The signature carries unsigned attributes that are not known here ({oid}).",
  otherAlgorithms: "The algorithms that the signature protects are not those that it uses (RFC 6211).",
  repeated: "The signed attribute {oid} is repeated.",
  otherContent: "The content is not what was signed: its digest differs.",
  unreadableReference: "The signed reference to the signer's certificate cannot be read.",
  twoSigners: "The signature names two different certificates as its signer's.",
  signerMissing: "The signer's certificate is not in the file; give it to verify the signature.",
  otherSigner: "The certificate in the signature is not the one that signed.",
  doesNotVerify: "The signature does not verify with the signer's key.",
  carriedDamaged: "A certificate that the signature carries is damaged.",
  listDamaged: "A revocation list that the signature carries is damaged.",
  otherRecord: "The signature does not say that it is over a record of this kind.",
  // algorithms
  algorithmUnknown: "The signature uses {algorithm}, which was not examined here: browsers cannot compute it.",
  algorithmDoesNotFit: "The signature's algorithm is not known, or does not fit the signer's key.",
  weakHash: "{algorithm} no longer protects a signature.",
  shortKey: "A key of {bits} bits is too short.",
  keyUnknown: "The key's algorithm is not known.",
  // certificates
  untrusted: "The certificate of {name} leads to nobody whom you trust; if you trust its issuer, say so.",
  tooManyCertificates:
    "The file carries more certificates with the same names than are looked at; remove the needless ones.",
  notForSignatures: "The certificate of {name} is not meant for signatures (key usage).",
  notForDocuments: "The certificate of {name} is not meant for signing documents (extended key usage).",
  notForTimestamps: "The certificate of {name} is not one of a timestamp authority (extended key usage).",
  noAuthority: "The certificate of {name} is no certification authority's, yet it issued another.",
  pathTooLong: "{name} may not have so many authorities below it (path length).",
  mayNotCertify: "The certificate of {name} may not sign certificates (key usage).",
  criticalExtension: "The certificate of {name} has a critical extension that is not understood ({oid}).",
  weakCertificate: "The certificate of {name} is signed with {algorithm}, which no longer counts.",
  notYetValid: "The certificate of {name} is valid only from {time}, later than the signature.",
  expired: "The certificate of {name} expired on {time}, and nothing proves that the signature is older.",
  revoked: "The certificate of {name} was revoked on {time}, and nothing proves that the signature is older.",
  revocationUnreadable: "Revocation data that belong to this signature cannot be read here, so they were not examined.",
  // timestamps
  notATimestamp: "The file is neither a timestamp token nor a timestamp reply.",
  refusedTimestamp: "The timestamp authority refused: the reply holds no timestamp.",
  modifiedTimestamp: "The timestamp authority granted something else than was asked (grantedWithMods).",
  noData: "The timestamp itself holds; what it was taken of was not given, so it cannot be compared.",
  otherNonce: "The timestamp does not answer this request: its nonce is missing or differs.",
  noToken: "This signed message is not a timestamp token.",
  tokenVersion: "The timestamp is of a version that is not known.",
  tokenExtension: "The timestamp has a critical extension that is not understood.",
  tokenDamaged: "The timestamp's content is damaged.",
  unnamedStamper: "The timestamp does not name its certificate under its signature (RFC 3161, 2.4.1).",
  otherData: "The timestamp is about other data: the digests differ.",
  tokenUnsigned: "The timestamp carries unsigned attributes, which nobody answers for.",
  future: "At the moment asked for, this timestamp did not exist yet: it says {time}.",
  beforeCertificate: "The timestamp is older than its certificate of {name}.",
  afterCertificate: "The timestamp was made after its certificate of {name} expired.",
  stampTooLate: "A timestamp ({time}) is later than the timestamp of the document that covers it ({later}).",
} as const;

export type Template = (typeof TEMPLATES)[keyof typeof TEMPLATES];
