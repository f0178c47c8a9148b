// Computes SHA-256 of files in the browser, so that no file need be sent. Without script the field for digests is
// filled by hand.
const SHOWN = 10; // names below the chooser

const say = (words, values) => words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const nameOf = (file) => file.webkitRelativePath || file.name;
const sizeOf = (bytes) => {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let step = 0;
  for (; bytes >= 1000 && step < units.length - 1; step += 1) bytes /= 1000;
  return `${step ? bytes.toFixed(1) : bytes} ${units[step]}`;
};

for (const form of document.querySelectorAll("form[data-digests]")) {
  const chooser = form.querySelector("[data-script-only]");
  const state = chooser.querySelector("[data-state]");
  const progress = chooser.querySelector("[data-progress]");
  const names = chooser.querySelector("[data-names]");
  const folder = chooser.querySelector("[data-folder]");
  const inputs = chooser.querySelectorAll("input[type=file]");
  const { listed, sums, digest, title } = form.elements;
  const typed = sums ?? digest;
  const button = form.querySelector(".submit button");
  let worker = null;

  chooser.hidden = false;
  if (folder) folder.hidden = !("webkitdirectory" in inputs[0]);

  const show = (files) => {
    if (!names) return;
    const shown = files.slice(0, SHOWN).map(([name]) => name);
    if (files.length > SHOWN) shown.push("…");
    names.replaceChildren(...shown.map((name) => {
      const item = document.createElement("li");
      item.append(Object.assign(document.createElement("bdi"), { textContent: name }));
      return item;
    }));
    names.hidden = !files.length;
  };
  const finish = (files, bytes, digests) => {
    const rows = files.map((file, number) => [nameOf(file), digests[number], file.size]);
    if (listed) {
      listed.value = JSON.stringify(rows);
      typed.value = "";
    } else {
      [typed.value] = digests;
    }
    if (title && !title.value && files.length === 1) title.value = files[0].name.slice(0, 200);
    state.textContent = say(state.dataset.done, { count: files.length, size: sizeOf(bytes) });
    show(rows);
  };
  const settle = () => {
    worker?.terminate();
    worker = null;
    progress.hidden = true;
    button.disabled = false;
  };
  const read = (files) => {
    settle();
    if (listed) listed.value = "";
    show([]);
    const most = Number(form.dataset.most);
    if (files.length > most) { state.textContent = say(state.dataset.many, { most }); return; }
    const bytes = files.reduce((sum, file) => sum + file.size, 0);
    const fail = (number) => {
      settle();
      state.textContent = say(state.dataset.failed, { name: nameOf(files[number]) });
    };
    button.disabled = true;
    progress.hidden = false;
    progress.value = 0;
    state.textContent = say(state.dataset.reading, { done: 0, all: files.length });
    worker = new Worker(form.dataset.worker, { type: "module" });
    worker.addEventListener("error", () => fail(0));
    worker.addEventListener("message", ({ data }) => {
      if (data.digests) { settle(); finish(files, bytes, data.digests); return; }
      if (data.failed !== undefined) { fail(data.failed); return; }
      progress.value = bytes ? data.bytes / bytes : 1;
      state.textContent = say(state.dataset.reading, { done: data.number, all: files.length });
    });
    worker.postMessage(files);
  };

  for (const input of inputs) {
    input.addEventListener("change", () => {
      const files = Array.from(input.files);
      if (!files.length) return;
      for (const other of inputs) {
        if (other === input || !other.value) continue;
        other.value = "";
        other.dispatchEvent(new Event("change")); // its face says again that nothing is chosen
      }
      read(files);
    });
  }
  typed.addEventListener("input", () => { // other digests are other files
    settle();
    if (listed) listed.value = "";
    show([]);
    state.textContent = "";
  });
  if (listed?.value) { // the form came back with what was chosen before
    const rows = JSON.parse(listed.value);
    const bytes = rows.reduce((sum, [, , size]) => sum + size, 0);
    state.textContent = say(state.dataset.done, { count: rows.length, size: sizeOf(bytes) });
    show(rows);
  }
}
