// Pages that show how things are fetch their own live part again, while somebody looks; all of it is readable without.
"use strict";
const LIVE_EVERY = 10000;
const livePart = document.querySelector("[data-live]");
if (livePart) {
  const shown = livePart;
  const hearing = document.querySelector("[data-hearing]");
  const pulse = document.querySelector("[data-pulse]");
  let timer = 0;

  const say = (words) => {
    pulse.textContent = words || "";
    pulse.hidden = !words;
    shown.classList.toggle("stale", Boolean(words));
  };

  // What the reader had opened, and where the focus was, stays.
  const keep = () => {
    const open = Array.from(shown.querySelectorAll("details[open][id]"), (each) => each.id);
    const focused = shown.contains(document.activeElement) ? document.activeElement : null;
    const key = focused && (focused.id || focused.getAttribute("href"));
    return () => {
      for (const id of open) document.getElementById(id)?.setAttribute("open", "");
      if (!key) return;
      const again = document.getElementById(key) || shown.querySelector(`[href="${CSS.escape(key)}"]`);
      again?.focus({ preventScroll: true });
    };
  };

  const replace = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("[data-live]");
    if (!fresh) return false;
    if (fresh.innerHTML !== shown.innerHTML) {
      const restore = keep();
      shown.replaceChildren(...fresh.childNodes);
      restore();
    }
    if (fresh.dataset.said !== shown.dataset.said) hearing.textContent = shown.dataset.said = fresh.dataset.said;
    return true;
  };

  const refresh = async () => {
    try {
      const answer = await fetch(location.href, { headers: { "Vermilion-Fragment": "live" }, cache: "no-store" });
      if (answer.status === 401) {
        say(pulse.dataset.left);
        return;
      }
      say(answer.ok && replace(await answer.text()) ? "" : pulse.dataset.stale);
    } catch {
      say(pulse.dataset.stale);
    }
    timer = setTimeout(refresh, LIVE_EVERY);
  };

  // Nobody looks, nobody asks; whoever comes back sees at once how things are.
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden) refresh();
  });
  timer = setTimeout(refresh, LIVE_EVERY);
}
