"use strict";
// The box to sign in. It only collects points; the picture that is kept is drawn on the server from them.
(() => {
  const form = document.querySelector("form[data-draw]");
  if (!form) return;
  form.hidden = false;
  document.querySelector("[data-no-script]").hidden = true;
  const sheet = form.querySelector("canvas");
  const pen = sheet.getContext("2d");
  const posted = form.elements.strokes;
  const problem = form.querySelector(".problem");
  const undo = form.querySelector("[data-undo]");
  const clear = form.querySelector("[data-clear]");
  const MOST_POINTS = 6000, MOST_STROKES = 200, APART = 3, THIN = 4, THICK = 11, QUICK = 60;
  let strokes = [], current = null;

  const count = () => strokes.reduce((sum, stroke) => sum + stroke.length, 0);

  // where the pointer is, in the sheet's own units, whatever its size on the screen
  const place = (event) => {
    const box = sheet.getBoundingClientRect();
    const within = (value, most) => Math.round(Math.min(Math.max(value, 0), most));
    return [
      within((event.clientX - box.left) / box.width * sheet.width, sheet.width),
      within((event.clientY - box.top) / box.height * sheet.height, sheet.height),
    ];
  };

  const paint = () => {
    pen.clearRect(0, 0, sheet.width, sheet.height);
    pen.strokeStyle = pen.fillStyle = "#181a22";
    pen.lineCap = pen.lineJoin = "round";
    for (const stroke of strokes) {
      if (stroke.length === 1) {
        pen.beginPath();
        pen.arc(stroke[0][0], stroke[0][1], THICK / 2, 0, 7);
        pen.fill();
      }
      let width = (THIN + THICK) / 2;
      for (let index = 1; index < stroke.length; index++) {
        const [from, to] = [stroke[index - 1], stroke[index]];
        const quick = Math.min(1, Math.hypot(to[0] - from[0], to[1] - from[1]) / QUICK);
        width += (THICK - (THICK - THIN) * quick - width) * .4;
        pen.lineWidth = width;
        pen.beginPath();
        pen.moveTo(...from);
        pen.lineTo(...to);
        pen.stroke();
      }
    }
    undo.disabled = clear.disabled = strokes.length === 0;
    posted.value = strokes.length ? JSON.stringify(strokes) : "";
  };

  const extend = (event) => {
    const point = place(event), last = current[current.length - 1];
    if (Math.hypot(point[0] - last[0], point[1] - last[1]) >= APART && count() < MOST_POINTS) current.push(point);
  };

  sheet.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button !== 0 || strokes.length >= MOST_STROKES || count() >= MOST_POINTS) return;
    event.preventDefault();
    sheet.setPointerCapture(event.pointerId);
    problem.hidden = true;
    current = [place(event)];
    strokes.push(current);
    paint();
  });
  sheet.addEventListener("pointermove", (event) => {
    if (!current || !event.isPrimary) return;
    // a pen reports more points than there are frames
    const events = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    (events.length ? events : [event]).forEach(extend);
    paint();
  });
  const lift = (event) => { if (event.isPrimary) current = null; };
  sheet.addEventListener("pointerup", lift);
  sheet.addEventListener("pointercancel", lift);

  undo.addEventListener("click", () => { strokes.pop(); paint(); if (undo.disabled) sheet.focus(); });
  clear.addEventListener("click", () => { strokes = []; paint(); sheet.focus(); });
  form.addEventListener("submit", (event) => {
    if (strokes.length) return;
    event.preventDefault();
    problem.textContent = problem.dataset.empty;
    problem.hidden = false;
    sheet.focus();
  });

  // what was drawn before the server said that something is wrong with it
  try { strokes = JSON.parse(posted.value || "[]"); paint(); } catch { strokes = []; paint(); }
})();
