/**
 * Every sentence that the engine says, in English with places: the one list that `words.ts` translates. Sentences that
 * `vermilion verify` says too are the same to the letter.
 */

export const TEMPLATES = {
  notWellFormed: "The file is not well-formed, and its reader could not make sense of it.",
} as const;
