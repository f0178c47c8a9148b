/** What a hostile file runs into. Thrown up to the entry, which says so. */

/** More certificates of the same names, or lists, than any honest file has. */
export class TooManyCertificates extends Error {}

/** Verification takes longer than is allowed. */
export class TooLong extends Error {}
