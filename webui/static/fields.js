// Fields on the page pictures, by mouse, touch and keyboard. The rows of the form are the only truth: a box is drawn
// from its row, and whatever happens to a box is written into its row, which is saved as anybody would send it.
// Here is what is typed and chosen in the form itself, and the beginning of everything.
import { form, saving, sheets } from "./fields-page.js";
import { list, rows } from "./fields-rows.js";
import { boxes, draw, order, remove, select, undo } from "./fields-boxes.js";
import { drawCross } from "./fields-cross.js";

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
