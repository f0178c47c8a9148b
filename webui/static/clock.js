// Lets the clock line run on between two page loads. What counts is the server's time, so the browser's clock is only
// used for the seconds that have gone by since; without script the line shows the time of loading.
"use strict";
const shown = document.querySelector(".clock time");
if (shown && shown.dataset.text) {
  const loaded = Date.parse(shown.dateTime);
  const minutes = Number(shown.dataset.offset);
  const zone = shown.dataset.text.slice(19);
  setInterval(() => {
    const local = new Date(loaded + performance.now() + minutes * 60000).toISOString();
    shown.textContent = local.slice(0, 10) + " " + local.slice(11, 19) + zone;
  }, 1000);
}
