// Boxes by the keyboard: moving, resizing, turning to another page, removing, undoing.
import { inside, pulled } from "./fields-geometry.js";
import { sheets, size } from "./fields-page.js";
import { boxIn, input, least, pagesIn, remember } from "./fields-rows.js";
import { boxes, changed, draw, remove, undo } from "./fields-boxes.js";
import { dropBack } from "./fields-dragging.js";
import { arm } from "./fields-placing.js";

export const STEP = 1; // mm for an arrow key; five times as much with Shift
export const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

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
    dropBack();
  }
  const typing = event.target.matches?.("input, select, textarea");
  if ((event.ctrlKey || event.metaKey) && event.key === "z" && !typing) { event.preventDefault(); undo(); }
  const box = event.target.closest?.(".box");
  if (box) key(event, box);
});
