// Moving and pulling boxes with mouse or finger, over all pages, with lines that they stick to.
import { inside, lines, pulled, stickMoved, stickResized } from "./fields-geometry.js";
import { frame, sheetAt, sheets, size } from "./fields-page.js";
import { boxIn, input, least, pagesIn, recalled, remember } from "./fields-rows.js";
import { boxes, changed, draw, order, put, settle } from "./fields-boxes.js";

const STICKY = 6; // px
const NEAR_EDGE = 70; // px from the window's edge, where dragging scrolls
const MARGIN = 20; // mm
let drag = null;

export const dragging = () => drag !== null;

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

export function grab(event, box, corner) {
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
  if (!moved) return recalled();
  if (!now) return settle(row, start);
  if (over !== page) {
    input(row, "pages").value = String(over);
    draw(row);
    boxes.get(row).get(over).focus({ preventScroll: true });
  }
  changed(row, now, over);
  return order(sheets.get(over).querySelector(".layer"));
}

/** Puts the box back where it was. */
export function dropBack() {
  if (!drag) return;
  drag.now = null;
  letGo();
}

document.addEventListener("pointerdown", (event) => {
  if (event.button || drag) return;
  const box = event.target.closest?.(".box");
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
  if (event.pointerId === drag?.id) dropBack();
});
