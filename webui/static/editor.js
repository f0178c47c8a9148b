// The editor of texts: formatting, tables, merge fields, paste. What it makes is reduced by the server to the same
// closed set of elements, so nothing here is a matter of safety, only of what the writer sees.
import { clean } from "./editor-clean.js";
import { History } from "./editor-history.js";
import { Saving } from "./editor-saving.js";
import { tableActs, newTable } from "./editor-tables.js";

const editor = document.getElementById("editor");
const words = document.getElementById("words");
const BLOCKS = "p,h1,h2,h3,div,td,th,li";

document.getElementById("plain").hidden = true;
editor.hidden = false;
document.execCommand("defaultParagraphSeparator", false, "p");
document.execCommand("styleWithCSS", false, false);

const history = new History(words);
const saving = new Saving(editor, words, history);

function caret() {
  const selection = getSelection();
  const node = selection.anchorNode;
  return node && words.contains(node) ? selection : null;
}

function around(selector) {
  const selection = caret();
  if (!selection) return null;
  const node = selection.anchorNode;
  const element = node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement;
  const found = element.closest(selector);
  return found && found !== words && words.contains(found) ? found : null;
}

// The innermost blocks that the selection touches.
function blocks() {
  const selection = caret();
  if (!selection) return [];
  const range = selection.getRangeAt(0);
  const touched = [...words.querySelectorAll(BLOCKS)].filter((each) => range.intersectsNode(each));
  const inner = touched.filter((each) => !touched.some((other) => other !== each && each.contains(other)));
  return inner.length || !around(BLOCKS) ? inner : [around(BLOCKS)];
}

function align(value) {
  const same = blocks().every((each) => each.dataset.align === value);
  for (const each of blocks()) {
    if (same) delete each.dataset.align;
    else each.dataset.align = value;
  }
}

function block(name) {
  if (around("td,th")) return; // a cell holds lines, no headings
  if (around("li")) document.execCommand(around("ol,ul").tagName === "OL" ? "insertOrderedList" : "insertUnorderedList");
  document.execCommand("formatBlock", false, name);
}

// Puts *node* after the block in which the caret is, and the caret into *target*.
function insertAfter(node, target) {
  let place = around(BLOCKS);
  while (place && place.parentElement !== words) place = place.parentElement;
  if (place) place.after(node);
  else words.append(node);
  if (place && place.matches("p") && !place.textContent && !place.querySelector("[data-field]")) place.remove();
  if (!node.nextElementSibling) {
    const after = document.createElement("p");
    after.append(document.createElement("br"));
    node.after(after);
  }
  put(target || node.nextElementSibling);
}

function put(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  range.collapse(true);
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

function merge() {
  const chosen = document.getElementById("merge");
  if (!chosen) return;
  words.focus();
  const selection = caret() || (put(words.lastElementChild || words), getSelection());
  const range = selection.getRangeAt(0);
  range.deleteContents();
  const place = document.createElement("span");
  place.dataset.field = chosen.value;
  place.textContent = chosen.value;
  range.insertNode(place);
  fixed();
  range.setStartAfter(place);
  range.collapse(true);
  selection.removeAllRanges();
  selection.addRange(range);
}

const command = (name) => () => document.execCommand(name);
const inList = (name) => () => around("li") && document.execCommand(name);

const acts = {
  undo: () => history.undo(),
  redo: () => history.redo(),
  p: () => block("p"), h1: () => block("h1"), h2: () => block("h2"), h3: () => block("h3"),
  bold: command("bold"), italic: command("italic"), underline: command("underline"),
  ul: () => around("td,th") || document.execCommand("insertUnorderedList"),
  ol: () => around("td,th") || document.execCommand("insertOrderedList"),
  deeper: inList("indent"), higher: inList("outdent"),
  left: () => align("left"), center: () => align("center"), right: () => align("right"), justify: () => align("justify"),
  table: () => { const table = newTable(); insertAfter(table, table.rows[0].cells[0]); },
  break: () => insertAfter(document.createElement("hr")),
  merge,
  ...tableActs(around, put),
};

function act(name) {
  if (name !== "undo" && name !== "redo") history.mark();
  if (!caret()) words.focus();
  acts[name]();
  tidied();
  if (name !== "undo" && name !== "redo") history.mark();
  saving.changed();
  shown();
}

// Browsers leave styles behind when lines are joined; merge fields are one piece.
function fixed() {
  for (const place of words.querySelectorAll("[data-field]")) place.contentEditable = "false";
}
function tidied() {
  for (const styled of words.querySelectorAll("[style]")) styled.removeAttribute("style");
  fixed();
  if (!words.firstElementChild && !words.textContent.trim()) {
    words.innerHTML = "<p><br></p>";
    if (document.activeElement === words) put(words.firstElementChild);
  }
  words.classList.toggle("nothing", !words.textContent.trim() && words.children.length < 2 && !words.querySelector("table,hr,li"));
}

// --- toolbar: pressed states, arrow keys -----------------------------------------------------------------------
const buttons = [...editor.querySelectorAll("[data-act]")];
const bar = editor.querySelector("[role=toolbar]");
const stops = () => [...bar.querySelectorAll("button,select,a")].filter((each) => each.offsetParent);

function shown() {
  const inside = Boolean(caret());
  const name = around("h1,h2,h3")?.tagName.toLowerCase() || "p";
  const list = around("ol,ul")?.tagName;
  const aligned = around(BLOCKS)?.dataset.align || "";
  const cell = around("td,th");
  const pressed = {
    p: name === "p" && !list && !cell, h1: name === "h1", h2: name === "h2", h3: name === "h3",
    bold: document.queryCommandState("bold"), italic: document.queryCommandState("italic"),
    underline: document.queryCommandState("underline"), ul: list === "UL", ol: list === "OL",
    left: aligned === "left", center: aligned === "center", right: aligned === "right", justify: aligned === "justify",
    header: cell?.tagName === "TH",
  };
  for (const button of buttons) {
    if (button.hasAttribute("aria-pressed")) button.setAttribute("aria-pressed", String(inside && pressed[button.dataset.act]));
  }
  bar.querySelector(".tables").hidden = !cell;
}

document.addEventListener("selectionchange", () => { if (caret()) shown(); });
for (const button of buttons) {
  button.addEventListener("mousedown", (event) => event.preventDefault()); // the selection stays where it is
  button.addEventListener("click", () => act(button.dataset.act));
}
bar.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step || event.target.matches("select")) return;
  const all = stops();
  const next = all[(all.indexOf(event.target) + step + all.length) % all.length];
  roving(next);
  next.focus();
  event.preventDefault();
});
// One stop of the Tab key for the whole bar (WAI-ARIA, "Toolbar").
function roving(current) {
  for (const each of bar.querySelectorAll("button,select,a")) each.tabIndex = each === current ? 0 : -1;
}
bar.addEventListener("focusin", (event) => roving(event.target));
roving(stops()[0]);

// --- keys ------------------------------------------------------------------------------------------------------
const KEYS = {
  "c+z": "undo", "c+s+z": "redo", "c+y": "redo", "c+b": "bold", "c+i": "italic", "c+u": "underline",
  "c+a+Digit0": "p", "c+a+Digit1": "h1", "c+a+Digit2": "h2", "c+a+Digit3": "h3",
  "c+s+Digit7": "ol", "c+s+Digit8": "ul", "c+]": "deeper", "c+[": "higher", "c+Enter": "break",
  "c+a+KeyL": "left", "c+a+KeyE": "center", "c+a+KeyR": "right", "c+a+KeyJ": "justify", "c+a+KeyT": "table", "c+a+KeyM": "merge",
};
words.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  const held = (event.ctrlKey || event.metaKey ? "c+" : "") + (event.altKey ? "a+" : "") + (event.shiftKey ? "s+" : "");
  if (held === "c+" && event.key.toLowerCase() === "s") {
    event.preventDefault();
    saving.now();
    return;
  }
  const name = KEYS[held + event.key.toLowerCase()] || KEYS[held + event.key] || KEYS[held + event.code];
  if (!name) return;
  event.preventDefault();
  act(name);
});

// --- typing and pasting ----------------------------------------------------------------------------------------
words.addEventListener("beforeinput", (event) => {
  if (event.inputType === "historyUndo") { event.preventDefault(); act("undo"); }
  if (event.inputType === "historyRedo") { event.preventDefault(); act("redo"); }
});
words.addEventListener("input", (event) => {
  if (!event.isComposing) tidied();
  history.typed();
  saving.changed();
});
function take(transfer) {
  const html = transfer.getData("text/html");
  const text = transfer.getData("text/plain");
  const asked = html ? clean(html) : text.split(/\r?\n/).filter((line) => line.trim()).map((line) => {
    const paragraph = document.createElement("p");
    paragraph.textContent = line;
    return paragraph.outerHTML;
  }).join("");
  history.mark();
  const single = !html && !/\n/.test(text.trim());
  document.execCommand(single ? "insertText" : "insertHTML", false, single ? text : asked);
  tidied();
  history.mark();
  saving.changed();
}
words.addEventListener("paste", (event) => { event.preventDefault(); take(event.clipboardData); });
words.addEventListener("drop", (event) => {
  if (!event.dataTransfer.types.includes("text/html") && !event.dataTransfer.types.includes("text/plain")) return;
  event.preventDefault();
  const spot = document.caretPositionFromPoint?.(event.clientX, event.clientY);
  const range = spot ? document.createRange() : document.caretRangeFromPoint?.(event.clientX, event.clientY);
  if (spot) range.setStart(spot.offsetNode, spot.offset);
  if (range) { const selection = getSelection(); selection.removeAllRanges(); selection.addRange(range); }
  take(event.dataTransfer);
});

saving.restore(clean);
tidied();
history.mark();
