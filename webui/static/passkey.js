// Forms that a passkey answers: <form data-passkey="create|get" data-options='{…}'> with an input named "credential"
// and an element [data-passkey-message] that holds the sentences (templates/macros/passkey.html). The page waits for
// this script (no defer): a form that is seen before it would be sent without the passkey's answer.
// The options are those of WebAuthn Level 3 with base64url for bytes; we turn them by hand, because the browsers'
// own parseCreationOptionsFromJSON and toJSON are younger than many of the browsers in use.
"use strict";

const toBytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));

const toText = (buffer) =>
  btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join(""))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

const withIds = (list) => (list || []).map((each) => ({ ...each, id: toBytes(each.id) }));

async function create(options) {
  const made = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: toBytes(options.challenge),
      user: { ...options.user, id: toBytes(options.user.id) },
      excludeCredentials: withIds(options.excludeCredentials),
    },
  });
  return answer(made, {
    clientDataJSON: toText(made.response.clientDataJSON),
    attestationObject: toText(made.response.attestationObject),
  });
}

async function get(options) {
  const given = await navigator.credentials.get({
    publicKey: {
      ...options,
      challenge: toBytes(options.challenge),
      allowCredentials: withIds(options.allowCredentials),
    },
  });
  return answer(given, {
    clientDataJSON: toText(given.response.clientDataJSON),
    authenticatorData: toText(given.response.authenticatorData),
    signature: toText(given.response.signature),
    userHandle: given.response.userHandle ? toText(given.response.userHandle) : null,
  });
}

function answer(credential, response) {
  return JSON.stringify({
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    response,
    clientExtensionResults: {},
  });
}

// Which sentence tells what went wrong; the sentences themselves are in the page, in its language. Browsers do not say
// whether somebody cancelled or the device has no such passkey (WebAuthn Level 3, 5.1.4.1): both are NotAllowedError.
function reason(error, kind) {
  if (!window.isSecureContext) return "insecure";
  if (!window.PublicKeyCredential) return "unsupported";
  if (error.name === "InvalidStateError") return "known";
  if (error.name === "NotAllowedError" || error.name === "AbortError") return kind === "get" ? "absent" : "cancelled";
  return "failed";
}

function show(form, kind) {
  const message = form.querySelector("[data-passkey-message]");
  if (!message) return;
  message.hidden = !kind;
  message.textContent = kind ? message.dataset[kind] || message.dataset.failed || "" : "";
}

async function ask(form, submitter) {
  const field = form.elements.namedItem("credential");
  form.setAttribute("aria-busy", "true");
  show(form, "");
  try {
    if (!window.isSecureContext || !window.PublicKeyCredential) throw new Error("no passkeys here");
    const options = JSON.parse(form.dataset.options);
    field.value = await (form.dataset.passkey === "create" ? create(options) : get(options));
  } catch (error) {
    form.removeAttribute("aria-busy");
    show(form, reason(error, form.dataset.passkey));
    return;
  }
  if (!navigator.onLine) {
    // The browser's own page would take the place of this one, and with it the words about what was done.
    form.removeAttribute("aria-busy");
    show(form, "offline");
    return;
  }
  // submit() sends no button: what the pressed one says goes along as a field.
  if (submitter?.name) {
    const said = document.createElement("input");
    said.type = "hidden";
    said.name = submitter.name;
    said.value = submitter.value;
    form.append(said);
  }
  form.submit();
}

// Heard by the document and before anybody else, since this script runs before the page has a form: whoever presses the
// button as soon as it is there is asked too, and nothing is sent without an answer.
document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    if (!form.matches("form[data-passkey]")) return;
    event.preventDefault();
    if (form.getAttribute("aria-busy") !== "true") ask(form, event.submitter);
  },
  { capture: true },
);

// Back from the browser's memory: the old answer is spent.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.elements.namedItem("credential").value = "";
    form.removeAttribute("aria-busy");
  }
});

// The activation service's pages have no other script: what went wrong is read first.
document.addEventListener("DOMContentLoaded", () => document.querySelector("[data-problems]")?.focus());

// A page's picture is refused while too many are drawn (503): it is asked for again, later each time, and one that never
// comes is said, as nobody should confirm what they did not see.
document.addEventListener(
  "error",
  ({ target }) => {
    if (!target.matches?.("img[data-missing]")) return;
    const tries = Number(target.dataset.tries || 0) + 1;
    target.dataset.tries = tries;
    if (tries <= 6) {
      setTimeout(() => (target.src = target.src), tries * 500);
      return;
    }
    const said = document.createElement("p");
    said.className = "problem";
    said.setAttribute("role", "alert");
    said.textContent = target.dataset.missing;
    target.closest(".paper, p").after(said);
  },
  { capture: true },
);
