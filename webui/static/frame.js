// A frame in other software's page tells that page, and no other, how things stand: what happened, and in which contract.
"use strict";
const FRAME_EVERY = 5000;
const framed = document.body.dataset;

const announce = (what) => {
  if (window.parent === window || !framed.origin) return;
  window.parent.postMessage({ type: `vermilion.${what}`, contract: framed.contract }, framed.origin);
};

for (const what of (framed.announced || "").split(" ")) if (what) announce(what);
// What was kept is told once, not again when the page is loaded again.
if (location.search) history.replaceState(null, "", location.pathname);

document.querySelector("[data-opens]")?.addEventListener("click", () => announce("sign_opened"));

// What is decided in the other window is seen here by asking, while somebody looks.
if ("watched" in framed) {
  const look = async () => {
    if (document.hidden || document.querySelector("form")) return;
    try {
      const answer = await fetch(`${framed.frame}/state`, { cache: "no-store" });
      if (answer.ok && (await answer.json()).state !== "open") location.reload();
    } catch {
      // the next look tells
    }
  };
  setInterval(look, FRAME_EVERY);
  document.addEventListener("visibilitychange", look);
}
