// The rows of the form, which are the only truth about fields: reading, writing, adding, and what they were before.
import { inside, pagesOf } from "./fields-geometry.js";
import { chips, form, pageCount, size, words } from "./fields-page.js";

export const list = form.querySelector(".spots");
export const least = { w: Number(words.leastWidth), h: Number(words.leastHeight) };
const past = []; // what the rows were, for undoing

export const input = (row, name) => row.querySelector(`[name="${name}"]`);
export const rows = () => [...list.querySelectorAll(".spot")];

export function pagesIn(row) {
  return pagesOf(input(row, "pages").value, pageCount) || [];
}

/** How many of the form's units one per cent is, on the page that the row is measured on. */
function scale(row, page = pagesIn(row)[0] || 1) {
  const { width, height } = size(page);
  return words.unit === "mm" ? { x: width / 100, y: height / 100 } : { x: 1, y: 1 };
}

export function boxIn(row) {
  const [unit, number] = [scale(row), (name) => Number.parseFloat(input(row, name).value.normalize("NFKC"))];
  const box = {
    x: number("x") / unit.x, y: number("y") / unit.y, w: number("width") / unit.x, h: number("height") / unit.y,
  };
  return Object.values(box).every(Number.isFinite) ? inside(box, least) : null;
}

export function write(row, box) {
  const unit = scale(row);
  const digits = words.unit === "mm" ? 1 : 2;
  const put = (name, value) => { input(row, name).value = String(Number(value.toFixed(digits))); };
  put("x", box.x * unit.x);
  put("y", box.y * unit.y);
  put("width", box.w * unit.x);
  put("height", box.h * unit.y);
}

function snapshot() {
  return rows().map((row) => ["party", "pages", "x", "y", "width", "height"].map((name) => input(row, name).value));
}

export function remember() {
  past.push(snapshot());
  if (past.length > 100) past.shift();
}

/** What the rows were before the last act, which is forgotten. */
export const recalled = () => past.pop();

export function added(party) {
  const chip = chips.get(party);
  const row = document.getElementById("new-row").content.firstElementChild.cloneNode(true);
  row.classList.add(chip.dataset.colour);
  row.querySelector(".number").textContent = chip.dataset.number;
  row.querySelector(".who").textContent = chip.dataset.name;
  input(row, "party").value = party;
  list.append(row);
  form.classList.remove("nothing");
  return row;
}
