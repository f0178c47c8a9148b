// Saves the form by itself a moment after each change, and says so. What is typed is never thrown away: a save that
// fails is tried again, and when somebody else changed the draft the reader decides. A button that is pressed while a
// save is under way waits for it: the page does not know yet which version it will be sent on.

const MOMENT = 600; // ms after the last change
const LATER = 8000; // ms until a failed save is tried again

export class Saving {
  /** *line* shows the state; the form's data-saving, -saved, -failed, -retry, -keep, -look are the words. */
  constructor(form, line) {
    Object.assign(this, { form, line, words: form.dataset, dirty: false, running: null, timer: 0 });
    addEventListener("online", () => this.dirty && this.save());
    addEventListener("visibilitychange", () => document.hidden && this.dirty && !this.told && this.save(true));
    addEventListener("beforeunload", (event) => this.dirty && !this.leaving && event.preventDefault());
    document.addEventListener("submit", (event) => this.before(event), true);
  }

  /** Before any form of the page that names the version it saw. Another form than this one sends nothing of what was
   * typed here, so that this is saved first. */
  async before(event) {
    const going = event.target;
    if (!going.elements.seen) return;
    const own = going === this.form;
    if (!this.waited) {
      clearTimeout(this.timer);
      if (!own && this.dirty && !this.told) this.save();
      if (this.running) {
        event.preventDefault();
        event.stopImmediatePropagation();
        await this.running;
        this.waited = true;
        going.requestSubmit(event.submitter);
        this.waited = false;
        return;
      }
    }
    if (!own) return;
    clearTimeout(this.timer);
    this.leaving = true;
  }

  /** Something changed. */
  touch() {
    this.dirty = true;
    this.told = false;
    this.later(MOMENT);
  }

  later(pause) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), pause);
  }

  save(leaving = false) {
    clearTimeout(this.timer);
    if (this.running) return this.later(MOMENT);
    this.running = this.send(leaving).finally(() => { this.running = null; });
  }

  async send(leaving) {
    this.dirty = false;
    this.show(this.words.saving, "open");
    try {
      const answer = await fetch(this.form.action, {
        method: "POST",
        body: new URLSearchParams(new FormData(this.form)),
        headers: { Accept: "application/json" },
        keepalive: leaving,
        redirect: "error", // a redirect is the log-in page: nothing was saved
      });
      this.took(answer.status, await answer.json());
    } catch {
      this.failed(this.words.failed);
    }
  }

  took(status, said) {
    if (status === 200) {
      for (const seen of document.querySelectorAll("input[name=seen]")) seen.value = said.version;
      this.complete(said.steps);
      if (!this.dirty) this.show(this.words.saved, "good");
    } else if (status === 409 && said.version) {
      this.told = true; // another tab or person: saving again by itself would overwrite what they did
      this.dirty = true;
      this.show(said.detail, "bad", [
        [this.words.keep, () => { this.form.elements.seen.value = said.version; this.save(); }],
        [this.words.look, () => { this.leaving = true; location.reload(); }],
      ]);
    } else if (status === 422 || status === 409) {
      this.dirty = true;
      this.told = true;
      this.show(said.detail, "bad");
    } else {
      this.failed(said.detail || this.words.failed);
    }
    this.form.dispatchEvent(new CustomEvent("told", { detail: status === 422 ? said.problems || [] : [] }));
  }

  /** Which steps of the draft are complete, by their keys. */
  complete(steps) {
    for (const [step, whole] of Object.entries(steps || {})) {
      const place = document.querySelector(`[data-step="${step}"]`);
      place?.querySelector(".tick")?.toggleAttribute("hidden", !whole);
      place?.querySelector(".lacks")?.toggleAttribute("hidden", whole);
      if (place && !place.ariaCurrent) place.classList.toggle("done", whole);
    }
  }

  failed(sentence) {
    this.dirty = true;
    this.show(sentence, "bad", [[this.words.retry, () => this.save()]]);
    this.later(LATER);
  }

  show(sentence, state, choices = []) {
    this.line.className = `saved ${state}`;
    this.line.replaceChildren(sentence);
    for (const [label, act] of choices) {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "quiet", textContent: label });
      button.addEventListener("click", act);
      this.line.append(" ", button);
    }
  }
}
