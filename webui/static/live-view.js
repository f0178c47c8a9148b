// The live view of a capture's browser: pictures come, actions go, one request after the other, so that their order stays.
// Nothing that is typed is kept in the page: the field that takes keys is emptied at once.

const PACE = 40; // ms between two requests with actions
const SOON = 120; // ms between two looks
const LATER = 2000; // ms after one that failed
const MOST = 64; // actions of one request
const ROOM = 4000; // characters of one request
const WAITING = 512; // actions that wait; movements beyond are dropped
const LONGEST = 200; // characters of one action
const PASTED = 2000;
const DRAG = 8; // pixels by which a finger moves before it scrolls
const KEPT = " "; // stands in the field so that keyboards on a screen have something to delete
const BUTTONS = ["left", "middle", "right"];
const WITH_CONTROL = new Set(["a", "c", "x", "z", "y", "Enter", "Backspace", "Delete", "Home", "End",
  "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]); // others are the browser's own
const KEYS = /^([ -~]|Backspace|Tab|Enter|PageUp|PageDown|End|Home|Arrow\w+|Delete)$/; // others come as text, or are the browser's

const view = document.querySelector("[data-live-view]");
const [screen, keys, record] = ["screen", "keys", "record"].map((name) => view.querySelector(`[data-${name}]`));
const words = view.dataset;
const token = record.elements[0];
let picture = view.querySelector("[data-picture]");
let size = { width: 0, height: 0 };
let shown = 0, until = 0, over = false;

function leave() {
  if (over) return;
  over = true;
  location.replace(words.after);
}

const say = (sentence) => {
  const line = view.querySelector("[data-said]");
  line.hidden = !sentence;
  if (line.textContent !== sentence) line.textContent = sentence;
};

const write = (name, text) => {
  const place = view.querySelector(`[data-${name}]`);
  if (place.textContent !== text) place.textContent = text;
};

/** What an answer other than the hoped-for one means; true when the view is over. */
async function ended(answer) {
  if (answer.status === 404 || answer.status === 409) leave();
  else say((await answer.json()).detail);
  return over || answer.status === 401 || answer.status === 403;
}

// Pictures

async function look() {
  const began = performance.now();
  let pause = SOON;
  try {
    const answer = await fetch(`${words.at}/state?after=${shown}`, { headers: { Accept: "application/json" }, cache: "no-store", redirect: "error" });
    if (answer.status === 200) await show(await answer.json());
    else if (answer.status !== 204 && (await ended(answer))) return;
    if (answer.ok && view.dataset.broken) { delete view.dataset.broken; say(""); }
  } catch {
    view.dataset.broken = "yes";
    say(words.lost);
    pause = LATER;
  }
  if (!over) setTimeout(look, Math.max(0, pause - (performance.now() - began)));
}

async function show(told) {
  const next = picture.cloneNode();
  next.width = told.width;
  next.height = told.height;
  next.src = `${words.at}/picture.jpg?number=${told.number}`;
  await next.decode().then(() => { picture.replaceWith(next); picture = next; }, () => {});
  size = told;
  shown = told.number;
  until = performance.now() + 1000 * told.left;
  write("title", told.title || told.address);
  write("address", told.address);
  write("host", URL.canParse(told.address) ? new URL(told.address).host : "");
}

setInterval(() => {
  if (!shown) return;
  const left = Math.max(0, Math.round((until - performance.now()) / 1000));
  view.querySelector("[data-left]").textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  if (left === 60) say(words.soon);
}, 1000);

// Actions

const queue = [];
const turned = (pixels) => Math.min(Math.max(Math.round(pixels), -5000), 5000);
let sending = null;

function act(action) {
  const last = queue.at(-1);
  const moves = action.act === "wheel" || action.kind === "move";
  if (moves && last?.act === action.act && last.kind === action.kind) {
    if (action.act === "wheel") Object.assign(action, { dx: turned(action.dx + last.dx), dy: turned(action.dy + last.dy) });
    queue.pop();
  } else if (queue.length >= (moves ? WAITING : 2 * WAITING)) {
    return;
  }
  queue.push(action);
  send();
}

/** Sends all that waits, once; who calls again meanwhile waits for the same. */
function send() {
  sending ??= (async () => {
    while (queue.length && !over) {
      await post();
      await new Promise((done) => setTimeout(done, PACE));
    }
    sending = null;
  })();
  return sending;
}

async function post() {
  const batch = [];
  let room = ROOM;
  while (queue.length && batch.length < MOST && (room -= JSON.stringify(queue[0]).length) > 0) batch.push(queue.shift());
  const body = new URLSearchParams({ [token.name]: token.value, actions: JSON.stringify(batch.map(({ act: name, ...rest }) => [name, rest])) });
  try {
    const answer = await fetch(words.at, { method: "POST", body, headers: { Accept: "application/json" }, redirect: "error" });
    if (!answer.ok) await ended(answer);
  } catch {
    say(words.unsent); // not sent again: it may have arrived
  }
}

function type(text) {
  const all = Array.from(text.replace(/\s*[\r\n]+\s*/g, " ").replace(/\p{Zs}/gu, " ").replace(/\p{C}/gu, ""));
  if (all.length > PASTED) return say(words.long);
  for (let at = 0; at < all.length; at += LONGEST) act({ act: "typedtext", text: all.slice(at, at + LONGEST).join("") });
}

// Pointer: the mouse as it is; a finger taps or scrolls

const place = (event) => {
  const box = picture.getBoundingClientRect();
  const within = (part, whole) => Math.min(Math.max(Math.floor(part * whole), 0), Math.max(whole - 1, 0));
  return {
    x: within((event.clientX - box.left) / box.width, size.width),
    y: within((event.clientY - box.top) / box.height, size.height),
  };
};
const pointer = (kind, event, button = "none") => act({ act: "pointer", kind, ...place(event), button });
let finger = null;

function press(event, button) {
  say("");
  Object.assign(keys.style, { left: `${event.offsetX}px`, top: `${event.offsetY}px` }); // where an input method shows its choices
  keys.focus({ preventScroll: true });
  pointer("press", event, button);
}

screen.addEventListener("pointerdown", (event) => {
  if (!shown || !event.isPrimary && event.pointerType === "touch") return;
  event.preventDefault();
  if (event.pointerType === "touch") {
    finger = { x: event.clientX, y: event.clientY, scrolls: false };
    keys.inputMode = keys.dataset.called ? "text" : "none";
    return;
  }
  const button = BUTTONS[event.button];
  if (!button) return;
  screen.setPointerCapture(event.pointerId);
  press(event, button);
});
screen.addEventListener("pointermove", (event) => {
  if (!shown) return;
  if (event.pointerType !== "touch") return pointer("move", event);
  if (!finger || !event.isPrimary) return;
  const [dx, dy] = [Math.round(finger.x - event.clientX), Math.round(finger.y - event.clientY)];
  if (!finger.scrolls && Math.hypot(dx, dy) < DRAG) return;
  const scale = size.width / picture.getBoundingClientRect().width;
  act({ act: "wheel", ...place(event), dx: turned(dx * scale), dy: turned(dy * scale) });
  finger = { x: event.clientX, y: event.clientY, scrolls: true };
});
screen.addEventListener("pointerup", (event) => {
  if (!shown) return;
  if (event.pointerType !== "touch") return BUTTONS[event.button] && pointer("release", event, BUTTONS[event.button]);
  if (finger && event.isPrimary && !finger.scrolls) {
    pointer("move", event);
    press(event, "left");
    pointer("release", event, "left");
  }
  if (event.isPrimary) finger = null;
});
screen.addEventListener("pointercancel", () => { finger = null; });
for (const kind of ["contextmenu", "dragstart"]) screen.addEventListener(kind, (event) => event.preventDefault());
screen.addEventListener("wheel", (event) => {
  if (!shown || event.ctrlKey) return; // zooms
  event.preventDefault();
  const unit = [1, 16, size.height][event.deltaMode];
  act({ act: "wheel", ...place(event), dx: turned(event.deltaX * unit), dy: turned(event.deltaY * unit) });
}, { passive: false });

// Keys: as they are pressed; what input methods, clipboards and keyboards on a screen make comes as text

const held = new Map();
const key = (kind, { key: named, code }, modifiers) => act({ act: "key", kind, key: named, code, modifiers });
const stroke = (named) => { for (const kind of ["press", "release"]) key(kind, { key: named, code: named }, 0); };

keys.addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229 ) return;
  if (event.key === "Escape") {
    event.preventDefault();
    return record.querySelector("button").focus();
  }
  if (!KEYS.test(event.key)) return;
  const typed = event.getModifierState("AltGraph") && event.key.length === 1;
  const control = !typed && (event.ctrlKey || event.metaKey);
  if (control ? !WITH_CONTROL.has(event.key) : event.altKey && !typed) return;
  event.preventDefault();
  const modifiers = (control ? 2 : 0) + (event.shiftKey ? 8 : 0);
  held.set(event.code, [event.key, modifiers]);
  key("press", event, modifiers);
});
keys.addEventListener("keyup", (event) => release(event.code));
keys.addEventListener("blur", () => { for (const code of held.keys()) release(code); });

function release(code) {
  if (!held.has(code)) return;
  const [named, modifiers] = held.get(code);
  held.delete(code);
  key("release", { key: named, code }, modifiers);
}

const empty = () => { keys.value = KEPT; };
function take() {
  if (keys.value === "") stroke("Backspace");
  else type(keys.value.startsWith(KEPT) ? keys.value.slice(KEPT.length) : keys.value);
  empty();
}
keys.addEventListener("input", (event) => event.isComposing || take());
keys.addEventListener("compositionend", take);
keys.addEventListener("paste", (event) => {
  event.preventDefault();
  type(event.clipboardData.getData("text/plain"));
});
empty();

view.querySelector("[data-back]").addEventListener("click", () => act({ act: "back" }));
view.querySelector("[data-keyboard]").addEventListener("click", () => {
  keys.dataset.called = "yes";
  keys.inputMode = "text";
  keys.blur();
  keys.focus({ preventScroll: true });
});

// What was typed before is on the page before it is recorded. From then on the form's answer leads away from here: leaving because
// the view has ended would break it off.
view.addEventListener("submit", async (event) => {
  if (event.target !== record || (!queue.length && !sending)) {
    over = true;
    return;
  }
  event.preventDefault();
  await send();
  record.requestSubmit();
});

look();
