// Small comforts of every page; all of it works without them.
"use strict";

// After a form came back with problems, the reader starts at their summary.
document.querySelector("[data-problems]")?.focus();

// A form goes off once: a second click while it is on its way does nothing, and what takes longer is said.
// Forms that a script sends itself (data-passkey) call submit() later; their first submit event is cancelled.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented) return;
  if (form.getAttribute("aria-busy") === "true") {
    event.preventDefault();
    return;
  }
  form.setAttribute("aria-busy", "true");
  const said = event.submitter?.dataset.busy;
  if (said) {
    const line = document.createElement("p");
    line.className = "busy";
    line.setAttribute("role", "status");
    line.textContent = said;
    event.submitter.after(line);
  }
});

// A page that comes back from the browser's memory can be sent again.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[aria-busy]")) form.removeAttribute("aria-busy");
  for (const line of document.querySelectorAll("form .busy[role=status]")) line.remove();
});

// A chooser of files speaks the page's language, not the browser's, and takes what is dropped on it.
for (const box of document.querySelectorAll(".filebox")) {
  const chooser = box.querySelector("input");
  const face = box.querySelector(".face");
  const said = face.lastElementChild;
  const nothing = said.textContent;
  const show = () => {
    const names = Array.from(chooser.files, (file) => file.name);
    said.textContent = names.join(" · ") || nothing;
    face.classList.toggle("chosen", names.length > 0);
  };
  chooser.addEventListener("change", show);
  box.classList.add("faced");
  show();
}

// Menus close when one leaves them.
for (const menu of document.querySelectorAll("details[data-menu]")) {
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
}

// What is selected in a list can be selected whole, and let go again.
for (const all of document.querySelectorAll("[data-select-all]")) {
  const boxes = Array.from(all.form.querySelectorAll("input[type=checkbox]"));
  all.addEventListener("click", () => {
    const left = boxes.some((box) => !box.checked);
    for (const box of boxes) box.checked = left;
  });
  all.hidden = false;
}

// What a link leads to is unfolded when one arrives.
const unfold = () => {
  const aim = document.getElementById(location.hash.slice(1));
  if (aim instanceof HTMLDetailsElement) aim.open = true;
};
addEventListener("hashchange", unfold);
unfold();

// What is to be passed on is copied by a button, where the browser lets us.
for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = button.dataset.done;
  });
}
