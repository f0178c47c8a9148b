// Fields on the page pictures, by mouse, touch and keyboard. The rows of the form are the only truth: a box is drawn
// from its row, and whatever happens to a box is written into its row, which is saved as anybody would send it.
import { inside, lines, pagesOf, pulled, stickMoved, stickResized, written } from "./fields-geometry.js";
import { Saving } from "./fields-saving.js";

const STICKY = 6; // px
const NEAR_EDGE = 70; // px from the window's edge, where dragging scrolls
const MARGIN = 20; // mm
const STEP = 1; // mm for an arrow key; five times as much with Shift

const form = document.querySelector("form.fields");
const sheets = new Map([...document.querySelectorAll(".folio")].map((sheet) => [Number(sheet.dataset.page), sheet]));
const chips = new Map([...form.querySelectorAll(".chip")].map((chip) => [chip.dataset.party, chip]));
const list = form.querySelector(".spots");
const words = form.dataset;
const pageCount = Number(words.pages);
const boxes = new Map(); // row -> Map of page -> box
const past = []; // what the rows were, for undoing
let armed = null; // the chip whose field goes where the reader points next
let drag = null;

const saving = new Saving(form, document.getElementById("saved"));
const say = (sentence) => { document.getElementById("said").textContent = sentence; };
const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);

// ---- rows -----------------------------------------------------------------------------------------------------

const input = (row, name) => row.querySelector(`[name="${name}"]`);
const rows = () => [...list.querySelectorAll(".spot")];
const size = (page) => {
  const [width, height] = (sheets.get(page) || [...sheets.values()][0]).dataset.mm.split("x").map(Number);
  return { width, height };
};
const least = { w: Number(words.leastWidth), h: Number(words.leastHeight) };

function pagesIn(row) {
  return pagesOf(input(row, "pages").value, pageCount) || [];
}

/** How many of the form's units one per cent is, on the page that the row is measured on. */
function scale(row, page = pagesIn(row)[0] || 1) {
  const { width, height } = size(page);
  return words.unit === "mm" ? { x: width / 100, y: height / 100 } : { x: 1, y: 1 };
}

function boxIn(row) {
  const [unit, number] = [scale(row), (name) => Number.parseFloat(input(row, name).value.normalize("NFKC"))];
  const box = {
    x: number("x") / unit.x, y: number("y") / unit.y, w: number("width") / unit.x, h: number("height") / unit.y,
  };
  return Object.values(box).every(Number.isFinite) ? inside(box, least) : null;
}

function write(row, box) {
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

function remember() {
  past.push(snapshot());
  if (past.length > 100) past.shift();
}

function undo() {
  const before = past.pop();
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

function added(party) {
  const chip = chips.get(party);
  const row = document.getElementById("new-row").content.firstElementChild.cloneNode(true);
  row.classList.add(chip.dataset.colour);
  row.querySelector(".letter").textContent = chip.dataset.letter;
  row.querySelector(".who").textContent = chip.dataset.name;
  input(row, "party").value = party;
  list.append(row);
  form.classList.remove("nothing");
  return row;
}

function erase(row) {
  boxes.get(row)?.forEach((box) => box.remove());
  boxes.delete(row);
  row.remove();
  form.classList.toggle("nothing", !rows().length);
}

// ---- boxes ----------------------------------------------------------------------------------------------------

function draw(row) {
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
  box.querySelector(".letter").textContent = chip.dataset.letter;
  box.querySelector(".who").textContent = chip.dataset.name;
  Object.assign(box, { row, page });
  sheets.get(page).querySelector(".layer").append(box);
  return box;
}

function settle(row, at) {
  boxes.get(row)?.forEach((box, page) => {
    put(box, at);
    box.setAttribute("aria-label", described(row, page, at));
  });
}

function put(box, at) {
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

function select(row) {
  rows().forEach((each) => each.classList.toggle("current", each === row));
  boxes.forEach((of, each) => of.forEach((box) => box.classList.toggle("current", each === row)));
}

function changed(row, at, page) {
  write(row, at);
  settle(row, at);
  say(described(row, page, at));
  saving.touch();
}

/** In the order of reading, so that Tab goes from field to field as the eye does. */
function order(layer) {
  const focused = document.activeElement;
  const sorted = [...layer.querySelectorAll(".box")].sort(
    (one, other) => parseFloat(one.style.top) - parseFloat(other.style.top)
      || parseFloat(one.style.left) - parseFloat(other.style.left),
  );
  if (sorted.some((box, index) => box !== layer.querySelectorAll(".box")[index])) layer.append(...sorted);
  if (layer.contains(focused)) focused.focus({ preventScroll: true });
}

function place(chip, page, x, y) {
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

function remove(row, page) {
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

// ---- pointing -------------------------------------------------------------------------------------------------

const frame = (page) => sheets.get(page).querySelector(".layer").getBoundingClientRect();

function sheetAt(x, y) {
  for (const page of sheets.keys()) {
    const { left, right, top, bottom } = frame(page);
    if (x >= left && x <= right && y >= top && y <= bottom) return page;
  }
  return null;
}

function visible() {
  return sheetAt(frame([...sheets.keys()][0]).left + 5, innerHeight / 2) || [...sheets.keys()][0];
}

function sticky(row, page) {
  const others = [...boxes].filter(([each, of]) => each !== row && of.has(page)).map(([each]) => boxIn(each));
  const { width, height } = size(page);
  return lines(others.filter(Boolean), { x: (MARGIN / width) * 100, y: (MARGIN / height) * 100 });
}

function guide(page, { x, y } = {}) {
  document.querySelectorAll(".guide").forEach((line) => line.remove());
  for (const [kind, at] of [["x", x], ["y", y]]) {
    if (at === null || at === undefined) continue;
    const line = document.createElement("i");
    line.className = `guide ${kind}`;
    line.style[kind === "x" ? "left" : "top"] = `${at}%`;
    sheets.get(page).querySelector(".layer").append(line);
  }
}

function grab(event, box, corner) {
  remember();
  const rect = box.getBoundingClientRect();
  drag = {
    id: event.pointerId, box, row: box.row, page: box.page, corner, start: boxIn(box.row), moved: false, free: false,
    from: { x: event.clientX, y: event.clientY }, at: { x: event.clientX, y: event.clientY },
    hold: { x: event.clientX - rect.left, y: event.clientY - rect.top }, scrolled: scrollY,
  };
  box.focus({ preventScroll: true });
  requestAnimationFrame(scrolling);
}

function follow() {
  const { row, corner, start, at, from, free } = drag;
  const over = corner || pagesIn(row).length > 1 ? drag.page : sheetAt(at.x, at.y) || drag.page;
  const rect = frame(over);
  const reach = free ? { x: 0, y: 0 } : { x: (STICKY / rect.width) * 100, y: (STICKY / rect.height) * 100 };
  let found;
  if (corner) {
    const [dx, dy] = [at.x - from.x, at.y - from.y + scrollY - drag.scrolled];
    const box = pulled(start, corner, (dx / rect.width) * 100, (dy / rect.height) * 100, least);
    found = stickResized(box, corner, sticky(row, over), reach);
  } else {
    const x = ((at.x - drag.hold.x - rect.left) / rect.width) * 100;
    const y = ((at.y - drag.hold.y - rect.top) / rect.height) * 100;
    found = stickMoved({ ...start, x, y }, sticky(row, over), reach);
  }
  Object.assign(drag, { over, now: inside(found.box, least), moved: true });
  guide(over, found.guides);
  shown(over, rect);
}

/** The box stays in its own page's layer until it is let go: moving it in the document would end a touch. */
function shown(over, rect) {
  if (over === drag.page) return settle(drag.row, drag.now);
  const home = frame(drag.page);
  const x = ((rect.left - home.left + (drag.now.x / 100) * rect.width) / home.width) * 100;
  const y = ((rect.top - home.top + (drag.now.y / 100) * rect.height) / home.height) * 100;
  return put(drag.box, { ...drag.now, x, y });
}

function scrolling() {
  if (!drag) return;
  const { y } = drag.at;
  const by = y < NEAR_EDGE ? y - NEAR_EDGE : Math.max(0, y - innerHeight + NEAR_EDGE);
  if (drag.moved && by) {
    scrollBy(0, by / 4);
    follow();
  }
  requestAnimationFrame(scrolling);
}

function letGo() {
  const { row, page, over, now, moved, start } = drag;
  drag = null;
  guide();
  if (!moved) return past.pop();
  if (!now) return settle(row, start);
  if (over !== page) {
    input(row, "pages").value = String(over);
    draw(row);
    boxes.get(row).get(over).focus({ preventScroll: true });
  }
  changed(row, now, over);
  return order(sheets.get(over).querySelector(".layer"));
}

function arm(chip) {
  armed = chip;
  chips.forEach((each) => each.setAttribute("aria-pressed", String(each === chip)));
  document.body.classList.toggle("placing", Boolean(chip));
  if (chip) say(fill(words.armed, { name: chip.dataset.name }));
}

document.addEventListener("pointerdown", (event) => {
  if (event.button || drag) return;
  const box = event.target.closest?.(".box");
  const strip = event.target.closest?.(".strip");
  if (strip) return pull(event, strip);
  if (!box) return;
  event.preventDefault();
  grab(event, box, event.target.dataset.corner || "");
});
document.addEventListener("pointermove", (event) => {
  if (!drag || event.pointerId !== drag.id) return;
  Object.assign(drag, { at: { x: event.clientX, y: event.clientY }, free: event.altKey });
  if (!drag.moved && Math.hypot(event.clientX - drag.from.x, event.clientY - drag.from.y) < 3) return;
  follow();
});
document.addEventListener("pointerup", (event) => { if (drag && event.pointerId === drag.id) letGo(); });
document.addEventListener("pointercancel", (event) => {
  if (!drag || event.pointerId !== drag.id) return;
  drag.now = null;
  letGo();
});

// A chip: pressed, the next click on a page places; by the keyboard, the field comes to the middle of what is seen;
// with a mouse it can be dragged to its place.
chips.forEach((chip) => {
  chip.hidden = false;
  chip.addEventListener("click", (event) => {
    if (event.detail === 0) place(chip, visible(), 50, 50);
    else arm(armed === chip ? null : chip);
  });
  chip.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch" || event.button) return;
    const out = (move) => {
      const page = sheetAt(move.clientX, move.clientY);
      if (!page || drag) return;
      const rect = frame(page);
      const [x, y] = [(move.clientX - rect.left) / rect.width, (move.clientY - rect.top) / rect.height];
      const row = place(chip, page, x * 100, y * 100);
      grab(move, boxes.get(row).get(page), "");
      past.pop(); // one act, one undo
      stop();
    };
    const stop = () => {
      document.removeEventListener("pointermove", out);
      document.removeEventListener("pointerup", stop);
    };
    document.addEventListener("pointermove", out);
    document.addEventListener("pointerup", stop);
  });
});
document.addEventListener("click", (event) => {
  const layer = event.target.closest?.(".layer");
  if (!armed || !layer || event.target.closest(".box")) return;
  const rect = layer.getBoundingClientRect();
  const chip = armed;
  arm(null);
  place(chip, Number(layer.closest(".folio").dataset.page),
    ((event.clientX - rect.left) / rect.width) * 100, ((event.clientY - rect.top) / rect.height) * 100);
});

// ---- keys -----------------------------------------------------------------------------------------------------

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function key(event, box) {
  const { row, page } = box;
  if (event.key === "Delete" || event.key === "Backspace") remove(row, page);
  else if (event.key === "PageUp" || event.key === "PageDown") turn(row, page, event.key === "PageUp" ? -1 : 1);
  else if (ARROWS[event.key]) nudge(event, row, page);
  else return;
  event.preventDefault();
}

/** Arrows move by a millimetre, with Shift by five; with Ctrl they change the size. */
function nudge(event, row, page) {
  const step = STEP * (event.shiftKey ? 5 : 1);
  const [right, down] = ARROWS[event.key];
  const { width, height } = size(page);
  const [dx, dy] = [(right * step * 100) / width, (down * step * 100) / height];
  const at = boxIn(row);
  if (!event.repeat) remember();
  const next = event.ctrlKey ? pulled(at, "se", dx, dy, least) : { ...at, x: at.x + dx, y: at.y + dy };
  changed(row, inside(next, least), page);
}

function turn(row, page, by) {
  if (pagesIn(row).length > 1 || !sheets.has(page + by)) return;
  remember();
  const at = boxIn(row);
  input(row, "pages").value = String(page + by);
  draw(row);
  changed(row, at, page + by);
  boxes.get(row).get(page + by).focus();
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    arm(null);
    if (drag) { drag.now = null; letGo(); }
  }
  const typing = event.target.matches?.("input, select, textarea");
  if ((event.ctrlKey || event.metaKey) && event.key === "z" && !typing) { event.preventDefault(); undo(); }
  const box = event.target.closest?.(".box");
  if (box) key(event, box);
  const strip = event.target.closest?.(".strip");
  if (strip && ARROWS[event.key] && ARROWS[event.key][1]) {
    event.preventDefault();
    slide(strip.cross, crossAt(strip.cross) + (ARROWS[event.key][1] * (event.shiftKey ? 5 : 1) * 100) / size(1).height);
  }
});

// ---- the seal across the pages: its slice's height on every page ----------------------------------------------

const crossAt = (cross) => Number.parseFloat(cross.querySelector("[type=text]").value) / (words.unit === "mm" ? size(1).height / 100 : 1);

function drawCross(cross) {
  document.querySelectorAll(".strip").forEach((strip) => strip.cross === cross && strip.remove());
  if (!cross.querySelector("[type=checkbox]").checked || !Number.isFinite(crossAt(cross))) return;
  const chip = chips.get(cross.dataset.party);
  sheets.forEach((sheet, page) => {
    const { width, height } = size(page);
    const strip = document.createElement("div");
    strip.className = `strip ${chip.dataset.colour}`;
    Object.assign(strip, { cross, title: chip.dataset.name, textContent: chip.dataset.letter });
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
  const unit = words.unit === "mm" ? size(1).height / 100 : 1;
  cross.querySelector("[type=text]").value = String(Number((at * unit).toFixed(words.unit === "mm" ? 1 : 2)));
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

// ---- what is typed --------------------------------------------------------------------------------------------

form.addEventListener("input", (event) => {
  const row = event.target.closest(".spot");
  const cross = event.target.closest(".cross");
  if (row) draw(row);
  if (cross) drawCross(cross);
  if (row || cross) saving.touch();
});
// A row unfolds only after the press that chose it: what moves between pressing and releasing is never clicked.
let pressed = false;
let chosen = null;
document.addEventListener("pointerdown", () => { pressed = true; }, true);
for (const kind of ["pointerup", "pointercancel"]) {
  document.addEventListener(kind, () => setTimeout(() => { pressed = false; if (chosen) select(chosen); }), true);
}
document.addEventListener("focusin", (event) => {
  chosen = event.target.closest?.(".spot") || event.target.closest?.(".box")?.row || chosen;
  if (chosen && !pressed) select(chosen);
});
list.addEventListener("click", (event) => {
  const row = event.target.closest(".spot");
  if (event.target.closest(".remove")) {
    event.preventDefault(); // without script the button sends the form, and the server removes the row
    remove(row, 0);
  } else if (event.target.closest(".show")) {
    const [page, box] = [...(boxes.get(row) || [])][0] || [];
    if (page) { box.scrollIntoView({ block: "center" }); box.focus({ preventScroll: true }); }
  }
});
form.addEventListener("told", (event) => {
  rows().forEach((row, index) => {
    const problem = event.detail.find((each) => each.row === index);
    row.classList.toggle("wrong", Boolean(problem));
    row.querySelector(".problem").textContent = problem ? problem.sentence : "";
  });
});
document.getElementById("undo").addEventListener("click", undo);

document.documentElement.classList.add("scripted");
document.querySelectorAll(".scriptless").forEach((each) => each.remove());
rows().forEach(draw);
sheets.forEach((sheet) => order(sheet.querySelector(".layer")));
form.querySelectorAll(".cross").forEach(drawCross);
