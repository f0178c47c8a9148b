/** Digest and name of every checker that a package ever had: the build puts in the lines of hsm/checkers.txt. */

declare const CHECKERS: readonly string[];

export const KNOWN_CHECKERS: ReadonlySet<string> = new Set(CHECKERS);
