// Saving by itself. Nothing typed is lost: what is not saved yet is also kept in this browser tab's own storage, and
// is put back when the page is opened again, for instance after signing in anew.
const PAUSE = 1200; // milliseconds without typing
const LONGEST = 10_000; // and at the latest
const AGAIN = 5000;

export class Saving {
  constructor(editor, words, history) {
    this.editor = editor;
    this.words = words;
    this.history = history;
    this.line = document.getElementById("saved");
    this.trouble = document.getElementById("trouble");
    this.key = `writing:${editor.dataset.id}`;
    this.version = Number(editor.dataset.version);
    this.saved = words.innerHTML;
    this.dirty = false;
    this.running = null;
    this.since = 0;
    this.stopped = false; // somebody was faster, or nobody is signed in: the writer decides first
    this.trouble.querySelector("[data-mine]").addEventListener("click", () => this.mine());
    document.addEventListener("submit", (event) => this.before(event), true);
    document.addEventListener("click", (event) => this.follow(event), true);
    addEventListener("pagehide", () => this.keep());
  }

  changed() {
    this.dirty = true;
    this.since ||= Date.now();
    if (!this.stopped) this.say(this.line.dataset.waiting, "waiting");
    clearTimeout(this.keeper);
    this.keeper = setTimeout(() => this.keep(), 300);
    clearTimeout(this.timer);
    if (!this.stopped) this.timer = setTimeout(() => this.now(), Date.now() - this.since > LONGEST ? 0 : PAUSE);
  }

  // Saves; resolves to whether everything is saved.
  async now() {
    clearTimeout(this.timer);
    if (this.running) await this.running;
    if (!this.dirty) return true;
    if (this.stopped) return false;
    this.running = this.send();
    const well = await this.running;
    this.running = null;
    return well && (this.dirty ? this.now() : true);
  }

  async send() {
    const html = this.words.innerHTML;
    const form = new FormData();
    form.set(this.editor.dataset.field, this.editor.dataset.token);
    form.set("seen", this.version);
    form.set("text", new Blob([html], { type: "text/html" }), "text.html");
    this.dirty = false;
    this.since = 0;
    this.say(this.line.dataset.saving, "waiting");
    let answer;
    let told = {};
    try {
      answer = await fetch(location.pathname, { method: "POST", body: form, headers: { Accept: "application/json" } });
      told = await answer.json();
    } catch {
      return this.failed(this.line.dataset.failed, true);
    }
    if (answer.ok) return this.well(told);
    if (answer.status === 401 || answer.status === 403) return this.stop(this.editor.dataset.signedOut, "sign-in");
    if (answer.status === 409) return this.stop(told.detail, "mine", told.version);
    return this.failed(told.detail || this.line.dataset.failed, answer.status >= 500);
  }

  well(told) {
    this.version = told.version;
    for (const seen of document.querySelectorAll("input[name=seen]")) seen.value = told.version;
    if (!this.dirty) {
      sessionStorage.removeItem(this.key);
      this.say(this.line.dataset.saved.replace("{at}", told.at), "");
    }
    this.trouble.hidden = true;
    return true;
  }

  failed(sentence, again) {
    this.dirty = true;
    this.keep();
    this.say(sentence, "bad");
    if (again) this.timer = setTimeout(() => this.now(), AGAIN);
    return false;
  }

  stop(sentence, way, version) {
    this.dirty = true;
    this.stopped = true;
    this.theirs = version;
    this.keep();
    this.say(this.line.dataset.waiting, "bad");
    this.trouble.querySelector("[data-said]").textContent = sentence;
    this.trouble.querySelector("[data-mine]").hidden = way !== "mine";
    this.trouble.querySelector("[data-theirs]").hidden = way !== "mine";
    this.trouble.querySelector("[data-sign-in]").hidden = way !== "sign-in";
    this.trouble.hidden = false;
    return false;
  }

  // The writer has decided: this text takes the place of the other one.
  mine() {
    this.version = this.theirs;
    this.stopped = false;
    this.trouble.hidden = true;
    this.words.focus();
    this.now();
  }

  keep() {
    if (!this.dirty && !this.running) return;
    try {
      sessionStorage.setItem(this.key, JSON.stringify({ html: this.words.innerHTML, version: this.version }));
    } catch {
      // no room in the tab's storage: the page itself still has the text
    }
  }

  restore(clean) {
    const kept = sessionStorage.getItem(this.key);
    if (!kept) return;
    const { html, version } = JSON.parse(kept);
    this.history.mark();
    this.words.innerHTML = clean(html);
    this.version = version;
    this.changed();
    this.say(this.line.dataset.restored, "waiting");
  }

  // Forms and links that need the text as it is wait until it is saved.
  async before(event) {
    if (!event.target.matches("form[data-after-saving]") || (!this.dirty && !this.running)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (await this.now()) event.target.requestSubmit(event.submitter);
  }

  async follow(event) {
    const link = event.target.closest?.("a[data-after-saving]");
    if (!link || (!this.dirty && !this.running)) return;
    event.preventDefault();
    if (await this.now()) location.assign(link.href);
  }

  say(sentence, state) {
    this.line.textContent = sentence;
    this.line.dataset.state = state;
  }
}
