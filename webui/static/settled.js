// A press counts only once this page has been in front for a second, without another press. Who is made to click twice,
// or to press a key again and again, on another page that then makes room for this one (it leads here, or was a window
// above) presses a button that they have not seen yet; and what their passkey is asked for next looks like a sign-in.
"use strict";

const SECOND = 1000; // milliseconds; no double click takes as long (500 on most systems, at most 900)

let timer = 0;
let isSettled = false;
const held = new Map(); // keys (by name) and pointers (number and kind) whose press began too early, and goes on

function mark() {
  for (const button of document.querySelectorAll("form button"))
    if (isSettled) button.removeAttribute("aria-disabled");
    else button.setAttribute("aria-disabled", "true");
}

function unsettle() {
  clearTimeout(timer);
  isSettled = false;
  mark();
}

function settle() {
  unsettle();
  timer = setTimeout(() => {
    if (held.size > 0) return;
    isSettled = true;
    mark();
  }, SECOND);
}

// A page begins at its top. Whoever leads here chooses the address, which could point to the button, and the window,
// which could be too small for anything else; only Chromium knows the header that forbids that (Document-Policy). So
// whatever scrolls until the page is settled goes back, unless somebody turns a wheel, wipes, or presses another key.
history.scrollRestoration = "manual";
let isFreed = false;
const free = () => {
  isFreed = true;
};

function goBack({ target }) {
  if (!isFreed) (target === document ? window : target).scrollTo({ left: 0, top: 0, behavior: "instant" });
}

document.addEventListener("scroll", goBack, { capture: true, passive: true });
for (const kind of ["wheel", "touchmove"]) document.addEventListener(kind, free, { capture: true, passive: true });
document.addEventListener("keydown", (event) => isPress(event) || free(), { capture: true });
addEventListener("load", () => setTimeout(free, SECOND));
document.addEventListener("DOMContentLoaded", () => document.querySelector("[data-problems]") && free());

document.addEventListener("DOMContentLoaded", () => (document.hasFocus() ? settle() : unsettle()));
addEventListener("pageshow", (event) => event.persisted && settle());
addEventListener("focus", settle);
addEventListener("blur", () => {
  for (const [each] of held) if (typeof each === "string") held.delete(each); // its end is told to another window
  unsettle();
});
document.addEventListener("visibilitychange", () => (document.hidden ? unsettle() : settle()));
// A press too early begins the time anew, and so does its end: who goes on pressing gets no further, and neither does who
// holds it down. It also tells that the page is in front where no event did.
const again = () => isSettled || settle();
const pressed = ({ pointerId, code }) => pointerId ?? code;
const isPress = ({ type, key }) => !type.startsWith("key") || ["Enter", " "].includes(key);

function press(event) {
  if (isSettled || !isPress(event)) return;
  // A finger that is the only one (Pointer Events, 4.1: the primary pointer) tells that no other of its kind is down,
  // also one whose end the browser did not tell; the next press of a mouse has the same number, that of a finger a new one.
  for (const [each, kind] of held) if (event.isPrimary && kind === event.pointerType) held.delete(each);
  held.set(pressed(event), event.pointerType);
  settle();
}

function release(event) {
  if (held.delete(pressed(event))) settle();
}

for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, press, { capture: true });
for (const kind of ["pointerup", "pointercancel", "keyup"]) document.addEventListener(kind, release, { capture: true });
document.addEventListener("click", again, { capture: true });

// Heard before the passkey's script, which comes later in the page.
document.addEventListener(
  "submit",
  (event) => {
    if (isSettled) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  },
  { capture: true },
);
