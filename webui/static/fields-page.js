// The page that fields are placed on: its form, the sheets, the parties' chips, and what is said aloud.
import { Saving } from "./fields-saving.js";

export const form = document.querySelector("form.fields");
export const sheets = new Map(
  [...document.querySelectorAll(".folio")].map((sheet) => [Number(sheet.dataset.page), sheet]),
);
export const chips = new Map([...form.querySelectorAll(".chip")].map((chip) => [chip.dataset.party, chip]));
export const words = form.dataset;
export const pageCount = Number(words.pages);
export const saving = new Saving(form, document.getElementById("saved"));
export const say = (sentence) => { document.getElementById("said").textContent = sentence; };
export const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);

/** Millimetres; pages that are not shown are taken to be like the first one. */
export const size = (page) => {
  const [width, height] = (sheets.get(page) || [...sheets.values()][0]).dataset.mm.split("x").map(Number);
  return { width, height };
};
export const frame = (page) => sheets.get(page).querySelector(".layer").getBoundingClientRect();

export function sheetAt(x, y) {
  for (const page of sheets.keys()) {
    const { left, right, top, bottom } = frame(page);
    if (x >= left && x <= right && y >= top && y <= bottom) return page;
  }
  return null;
}

export function visible() {
  return sheetAt(frame([...sheets.keys()][0]).left + 5, innerHeight / 2) || [...sheets.keys()][0];
}
