/** The page's language: Chinese or English, and how it writes times and digests. */

import { CHINESE } from "../words";
import { type Sentence } from "../verdict";

export type Language = "zh" | "en";

/** The language that the browser asks for first, of the two. */
export function preferred(): Language {
  const first = navigator.languages.map((each) => each.slice(0, 2)).find((each) => each === "zh" || each === "en");
  return first === "en" ? "en" : "zh";
}

export class Speech {
  constructor(readonly language: Language) {}

  /** *template* in the language, *values* in their places; a sentence without Chinese stays English. */
  say(template: string, values: Readonly<Record<string, string | number>> = {}): string {
    const sentence = this.language === "zh" ? (CHINESE[template] ?? template) : template;
    return sentence.replace(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place));
  }

  sentence(said: Sentence): string {
    return this.say(said.template, said.values);
  }

  /** By the reader's clock, with its difference from UTC. */
  time(moment: Date): string {
    const ahead = -moment.getTimezoneOffset();
    const local = new Date(moment.getTime() + ahead * 60_000).toISOString();
    const [hours, minutes] = [Math.floor(Math.abs(ahead) / 60), Math.abs(ahead) % 60].map((each) => String(each).padStart(2, "0"));
    const zone = ahead === 0 ? "UTC" : `UTC${ahead < 0 ? "\u2212" : "+"}${hours}:${minutes}`;
    return `${local.slice(0, 10)} ${local.slice(11, 19)} (${zone})`;
  }
}

/** A fingerprint in groups of four digits, for comparing by eye. */
export function grouped(digits: string): string {
  return (digits.match(/.{1,4}/g) ?? []).join(" ");
}
