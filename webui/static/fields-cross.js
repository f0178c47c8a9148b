// The seal across the pages: its slice stands at the same height on every page, and is moved as one.
import { chips, fill, pageCount, saving, sheets, size, words } from "./fields-page.js";
import { ARROWS, STEP } from "./fields-keys.js";

/** How many of the form's units one per cent of the first page's height is. */
const unit = () => (words.unit === "mm" ? size(1).height / 100 : 1);
const crossAt = (cross) => Number.parseFloat(cross.querySelector("[type=text]").value) / unit();

export function drawCross(cross) {
  document.querySelectorAll(".strip").forEach((strip) => strip.cross === cross && strip.remove());
  if (!cross.querySelector("[type=checkbox]").checked || !Number.isFinite(crossAt(cross))) return;
  const chip = chips.get(cross.dataset.party);
  sheets.forEach((sheet, page) => {
    const { width, height } = size(page);
    const strip = document.createElement("div");
    strip.className = `strip ${chip.dataset.colour}`;
    Object.assign(strip, { cross, title: chip.dataset.name, textContent: chip.dataset.number });
    if (sheet === sheets.values().next().value) strip.tabIndex = 0;
    strip.setAttribute("role", "slider");
    strip.setAttribute("aria-orientation", "vertical");
    strip.setAttribute("aria-label", fill(words.strip, { name: chip.dataset.name }));
    strip.style.height = `${(Number(cross.dataset.mm) / height) * 100}%`;
    strip.style.width = `${Math.max(1.5, (Number(cross.dataset.mm) / pageCount / width) * 100)}%`;
    sheet.querySelector(".layer").append(strip);
  });
  levelled(cross, crossAt(cross));
}

function levelled(cross, y) {
  document.querySelectorAll(".strip").forEach((strip) => {
    if (strip.cross !== cross) return;
    strip.style.top = `${y}%`;
    strip.setAttribute("aria-valuenow", String(Math.round(y)));
  });
}

function slide(cross, y) {
  const at = Math.max(0, Math.min(100 - (Number(cross.dataset.mm) / size(1).height) * 100, y));
  cross.querySelector("[type=text]").value = String(Number((at * unit()).toFixed(words.unit === "mm" ? 1 : 2)));
  levelled(cross, at);
  saving.touch();
}

function pull(event, strip) {
  event.preventDefault();
  const { height } = strip.parentElement.getBoundingClientRect();
  const [from, y] = [event.clientY, crossAt(strip.cross)];
  const move = (moved) => slide(strip.cross, y + ((moved.clientY - from) / height) * 100);
  const stop = () => {
    document.removeEventListener("pointermove", move);
    document.removeEventListener("pointerup", stop);
  };
  document.addEventListener("pointermove", move);
  document.addEventListener("pointerup", stop);
}

document.addEventListener("pointerdown", (event) => {
  const strip = event.target.closest?.(".strip");
  if (strip && !event.button) pull(event, strip);
});
document.addEventListener("keydown", (event) => {
  const strip = event.target.closest?.(".strip");
  if (!strip || !ARROWS[event.key]?.[1]) return;
  event.preventDefault();
  const by = ARROWS[event.key][1] * STEP * (event.shiftKey ? 5 : 1);
  slide(strip.cross, crossAt(strip.cross) + (by * 100) / size(1).height);
});
