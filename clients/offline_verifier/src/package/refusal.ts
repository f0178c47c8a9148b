import { english, type Sentence, sentence } from "../verdict";

/** Something does not hold; the sentence says what. */
export class Refused extends Error {
  readonly said: Sentence;

  constructor(template: string, values: Record<string, string | number> = {}) {
    const said = sentence(template, values);
    super(english(said));
    this.said = said;
  }
}

/** Raises {@link Refused} unless it *holds*. */
export function require(holds: unknown, template: string, values: Record<string, string | number> = {}): asserts holds {
  if (!holds) throw new Refused(template, values);
}
