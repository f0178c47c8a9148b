// Steps with plain forms save themselves a moment after each change.
import { Saving } from "./fields-saving.js";

const form = document.querySelector("form[data-draft]");
const saving = new Saving(form, document.getElementById("saved"));
const kept = new Set((form.dataset.unkept || "").split(" ")); // typed for a button beside it: nothing to save yet
form.addEventListener("input", (event) => { if (!kept.has(event.target.name)) saving.touch(); });
form.addEventListener("told", (event) => {
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  for (const { field } of event.detail) form.elements[field]?.setAttribute?.("aria-invalid", "true");
});
