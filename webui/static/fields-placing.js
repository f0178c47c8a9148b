// Placing new fields: a party's chip is chosen, and the reader points at the place, drags it there, or presses Enter.
import { chips, fill, frame, say, sheetAt, visible, words } from "./fields-page.js";
import { recalled } from "./fields-rows.js";
import { boxes, place } from "./fields-boxes.js";
import { dragging, grab } from "./fields-dragging.js";

let armed = null; // the chip whose field goes where the reader points next

export function arm(chip) {
  armed = chip;
  chips.forEach((each) => each.setAttribute("aria-pressed", String(each === chip)));
  document.body.classList.toggle("placing", Boolean(chip));
  if (chip) say(fill(words.armed, { name: chip.dataset.name }));
}

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
      if (!page || dragging()) return;
      const rect = frame(page);
      const [x, y] = [(move.clientX - rect.left) / rect.width, (move.clientY - rect.top) / rect.height];
      const row = place(chip, page, x * 100, y * 100);
      grab(move, boxes.get(row).get(page), "");
      recalled(); // one act, one undo
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
