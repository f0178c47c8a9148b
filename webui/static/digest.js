// Computes a file's SHA-256 in the browser, so that the file need not be sent. Without script the field for the digest
// is filled by hand.
"use strict";
const LARGEST = 2 ** 31 - 1; // bytes: what one ArrayBuffer holds in every current browser

for (const form of document.querySelectorAll("form[data-digest]")) {
  const chooser = form.querySelector("[data-script-only]");
  const file = chooser.querySelector("input[type=file]");
  const state = chooser.querySelector("[data-state]");
  const digest = form.elements.digest;
  chooser.hidden = !globalThis.crypto?.subtle; // only there in a secure context

  const keep = (name, value) => { if (form.elements[name]) form.elements[name].value = value; };
  const forget = () => { keep("file", ""); keep("size", ""); };

  file.addEventListener("change", async () => {
    const chosen = file.files[0];
    if (!chosen) return;
    if (chosen.size > LARGEST) { state.textContent = state.dataset.large; return; }
    state.textContent = state.dataset.reading;
    try {
      const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", await chosen.arrayBuffer()));
      digest.value = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
      keep("file", chosen.name.slice(0, 200));
      keep("size", String(chosen.size));
      if (form.elements.title && !form.elements.title.value) form.elements.title.value = chosen.name.slice(0, 200);
      state.textContent = state.dataset.done;
    } catch {
      state.textContent = state.dataset.failed;
    }
  });
  digest.addEventListener("input", forget); // another digest is another file
}
