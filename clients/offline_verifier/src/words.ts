/** The Chinese of everything that the page says, by the English; sentences that `vermilion verify` says too have the same Chinese there. */

export const CHINESE: Readonly<Record<string, string>> = {};
