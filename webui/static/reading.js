// The button that leaves a page counts down the time for which it is to be shown. Without script the server says so.
"use strict";

for (const button of document.querySelectorAll("button[data-wait]")) {
  const text = button.textContent;
  let left = Number(button.dataset.wait);
  const tick = () => {
    button.disabled = left > 0;
    button.textContent =
      left > 0 ? button.dataset.text.replace("{text}", text).replace("{seconds}", String(left)) : text;
    left -= 1;
    if (left >= 0) setTimeout(tick, 1000);
  };
  tick();
}
