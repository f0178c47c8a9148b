// Reading what is about to be signed: from one's own field to the next, exactly to the field instead of only its page.
// Without script the same links lead to the pages.
"use strict";

const sheets = document.querySelector("[data-sheets]");
const jumps = document.querySelector("[data-jumps]");
const calm = matchMedia("(prefers-reduced-motion: reduce)");

function show(field) {
  for (const other of sheets.querySelectorAll(".own rect.now")) other.classList.remove("now");
  field.classList.add("now");
  const box = field.getBoundingClientRect();
  const middle = scrollY + box.top + box.height / 2 - innerHeight / 2;
  scrollTo({ top: Math.max(0, middle), behavior: calm.matches ? "auto" : "smooth" });
}

if (sheets && jumps) {
  const fields = [...sheets.querySelectorAll(".own rect")].sort((one, other) => one.dataset.field - other.dataset.field);
  const links = [...jumps.querySelectorAll("[data-to]")];
  let next = 0;
  // One button that goes on to the next field takes the place of a link for each.
  for (const link of links.slice(1)) link.hidden = true;
  const first = links[0];
  const name = () => {
    if (!first || fields.length < 2) return;
    first.textContent = jumps.dataset.text.replace("{number}", String(next + 1)).replace("{fields}", String(fields.length));
  };
  first?.addEventListener("click", (event) => {
    if (!fields[next]) return;
    event.preventDefault();
    show(fields[next]);
    next = (next + 1) % fields.length;
    name();
  });
  name();
}

// A passkey's form is sent by another script, which marks it as busy from the question on: then say what takes long.
for (const line of document.querySelectorAll("[data-busy-line]")) {
  const form = line.closest("form");
  const follow = () => {
    line.hidden = form.getAttribute("aria-busy") !== "true";
  };
  new MutationObserver(follow).observe(form, { attributes: true, attributeFilter: ["aria-busy"] });
}
