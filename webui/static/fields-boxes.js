// Boxes on the pages: each is drawn from its row, and whatever happens to it is written into its row.
import { inside, written } from "./fields-geometry.js";
import { chips, fill, form, saving, say, sheets, size, words } from "./fields-page.js";
import { added, boxIn, input, least, pagesIn, recalled, remember, rows, write } from "./fields-rows.js";

export const boxes = new Map(); // row -> Map of page -> box

export function draw(row) {
  const focused = document.activeElement?.closest?.(".box");
  const had = boxes.get(row) || new Map();
  const now = new Map();
  const box = boxIn(row);
  for (const page of box ? pagesIn(row) : []) {
    if (sheets.has(page)) now.set(page, had.get(page) || made(row, page));
  }
  had.forEach((old, page) => now.has(page) || old.remove());
  boxes.set(row, now);
  if (box) settle(row, box);
  if (focused && [...now.values()].includes(focused)) focused.focus({ preventScroll: true });
}

function made(row, page) {
  const chip = chips.get(input(row, "party").value);
  const box = document.getElementById("new-box").content.firstElementChild.cloneNode(true);
  box.classList.add(chip.dataset.colour);
  box.querySelector(".number").textContent = chip.dataset.number;
  box.querySelector(".who").textContent = chip.dataset.name;
  Object.assign(box, { row, page });
  sheets.get(page).querySelector(".layer").append(box);
  return box;
}

export function settle(row, at) {
  boxes.get(row)?.forEach((box, page) => {
    put(box, at);
    box.setAttribute("aria-label", described(row, page, at));
  });
}

export function put(box, at) {
  Object.assign(box.style, { left: `${at.x}%`, top: `${at.y}%`, width: `${at.w}%`, height: `${at.h}%` });
}

function described(row, page, at) {
  const { width, height } = size(page);
  const mm = (percent, whole) => Math.round((percent * whole) / 100);
  return fill(words.described, {
    name: chips.get(input(row, "party").value).dataset.name, page,
    x: mm(at.x, width), y: mm(at.y, height), width: mm(at.w, width), height: mm(at.h, height),
  });
}

export function select(row) {
  rows().forEach((each) => each.classList.toggle("current", each === row));
  boxes.forEach((of, each) => of.forEach((box) => box.classList.toggle("current", each === row)));
}

export function changed(row, at, page) {
  write(row, at);
  settle(row, at);
  say(described(row, page, at));
  saving.touch();
}

/** In the order of reading, so that Tab goes from field to field as the eye does. */
export function order(layer) {
  const focused = document.activeElement;
  const sorted = [...layer.querySelectorAll(".box")].sort(
    (one, other) => parseFloat(one.style.top) - parseFloat(other.style.top)
      || parseFloat(one.style.left) - parseFloat(other.style.left),
  );
  if (sorted.some((box, index) => box !== layer.querySelectorAll(".box")[index])) layer.append(...sorted);
  if (layer.contains(focused)) focused.focus({ preventScroll: true });
}

export function place(chip, page, x, y) {
  remember();
  const { width, height } = size(page);
  const [w, h] = chip.dataset.mm.split("x").map(Number);
  const at = { w: (w / width) * 100, h: (h / height) * 100 };
  const row = added(chip.dataset.party);
  input(row, "pages").value = String(page);
  const box = inside({ x: x - at.w / 2, y: y - at.h / 2, ...at }, least);
  write(row, box);
  draw(row);
  changed(row, box, page);
  order(sheets.get(page).querySelector(".layer"));
  boxes.get(row).get(page).focus({ preventScroll: true });
  return row;
}

export function remove(row, page) {
  remember();
  const pages = pagesIn(row);
  const [{ name }, layer] = [chips.get(input(row, "party").value).dataset, sheets.get(page)];
  const shown = [...document.querySelectorAll(".box")];
  const next = shown[shown.findIndex((box) => box.row === row && box.page === page) + 1] || shown[0];
  if (page && pages.length > 1) {
    input(row, "pages").value = written(pages.filter((each) => each !== page));
    draw(row);
  } else erase(row);
  saving.touch();
  say(fill(words.removed, { name, page: page || pages[0] || 1 }));
  if (layer) (next?.isConnected ? next : chips.values().next().value).focus();
}

function erase(row) {
  boxes.get(row)?.forEach((box) => box.remove());
  boxes.delete(row);
  row.remove();
  form.classList.toggle("nothing", !rows().length);
}

export function undo() {
  const before = recalled();
  if (!before) return say(words.nothingToUndo);
  rows().forEach(erase);
  before.forEach(restored);
  saving.touch();
  return say(words.undone);
}

function restored([party, pages, x, y, width, height]) {
  const row = added(party);
  Object.entries({ pages, x, y, width, height }).forEach(([name, value]) => { input(row, name).value = value; });
  draw(row);
  return row;
}
