/** The page: files and roots come in, the judgement goes on show, in the language of choice. */

import { type Judgement } from "../judge";
import { digestOf, fromBase64 } from "../octets";
import { readCertificate } from "../package/messages";
import { sentence } from "../verdict";
import { at, make, seen } from "./elements";
import { chosen, dropped, type GivenFile, tooMuch } from "./given";
import { Report } from "./report";
import { type Language, Speech, grouped, preferred } from "./speech";
import { Judging } from "./work";

interface Root {
  readonly name: string;
  readonly octets: Uint8Array;
  readonly fingerprint: string;
}

const LARGEST_ROOTS = 1024 * 1024;

const UNREAD_FOLDER = "No file of this folder could be read here; choose the folder by the button instead.";

class VerifierPage {
  private speech = new Speech(preferred());
  private readonly judging = new Judging(at("script").textContent ?? "");
  private given: readonly GivenFile[] = [];
  private roots: Root[] = [];
  private judgement: Judgement | null = null;
  private at = new Date();

  start(): void {
    const file = at<HTMLInputElement>("file");
    const folder = at<HTMLInputElement>("folder");
    const roots = at<HTMLInputElement>("roots");
    file.addEventListener("change", () => this.take(chosen(file), file));
    folder.addEventListener("change", () => this.take(chosen(folder), folder));
    roots.addEventListener("change", () => void this.trust(Array.from(roots.files ?? []), roots));
    at("language").addEventListener("click", () => this.speak(this.speech.language === "zh" ? "en" : "zh"));
    at("print").addEventListener("click", () => window.print());
    this.listenForDrops(at("drop"));
    window.addEventListener("beforeprint", () => at("result").querySelectorAll("details").forEach((each) => (each.open = true)));
    this.speak(this.speech.language);
    document.documentElement.dataset["ready"] = "true";
  }

  private listenForDrops(zone: HTMLElement): void {
    for (const kind of ["dragenter", "dragover"]) {
      window.addEventListener(kind, (event) => {
        event.preventDefault();
        zone.classList.add("over");
      });
    }
    window.addEventListener("dragleave", () => zone.classList.remove("over"));
    window.addEventListener("drop", (event) => {
      event.preventDefault();
      zone.classList.remove("over");
      if (event.dataTransfer !== null) void this.takeDrop(event.dataTransfer);
    });
  }

  /** What was dropped; where it cannot be read, nothing stays on show that might be taken for its verdict. */
  private async takeDrop(transfer: DataTransfer): Promise<void> {
    try {
      this.take(await dropped(transfer));
    } catch {
      this.given = [];
      this.show({ kind: "none", said: sentence(UNREAD_FOLDER) });
    }
  }

  /** New files take the place of the ones before, unless they are *added* to them. */
  private take(files: readonly GivenFile[], input?: HTMLInputElement, added = false): void {
    if (files.length === 0) return;
    this.given = added ? [...this.given, ...files] : files;
    if (input !== undefined) input.value = "";
    void this.judge();
  }

  private async trust(files: readonly File[], input: HTMLInputElement): Promise<void> {
    const unread: string[] = [];
    for (const file of files) {
      const small = file.size <= LARGEST_ROOTS;
      const octets = new Uint8Array(small ? await file.arrayBuffer() : new ArrayBuffer(0));
      if (!(await this.believe(file.name, octets))) unread.push(file.name);
    }
    input.value = "";
    this.showRoots();
    if (this.given.length > 0) await this.judge();
    if (unread.length > 0) this.say("{name} holds no certificate that can be read.", { name: unread.join(", ") });
  }

  /** Whether there was a certificate in *octets*, which is believed from now on. */
  private async believe(name: string, octets: Uint8Array): Promise<boolean> {
    const found = certificatesIn(octets);
    for (const der of found) {
      const fingerprint = await digestOf(der);
      if (!this.roots.some((each) => each.fingerprint === fingerprint)) this.roots.push({ name, octets: der, fingerprint });
    }
    return found.length > 0;
  }

  private async judge(): Promise<void> {
    const refusal = tooMuch(this.given);
    if (refusal !== null) return this.show({ kind: "none", said: refusal });
    this.say("Verifying…");
    at("result").setAttribute("aria-busy", "true");
    this.at = new Date();
    const files = this.given.map(({ path, file }) => ({ path, file }));
    const found = await this.judging.judge({ files, trust: this.roots.map((each) => each.octets), at: this.at });
    if (found !== null) this.show(found);
  }

  private show(found: Judgement): void {
    this.judgement = found;
    this.draw();
    this.say("");
    at("heading").focus();
  }

  private draw(): void {
    const result = at("result");
    result.removeAttribute("aria-busy");
    if (this.judgement === null) return;
    const report = new Report(this.speech, {
      name: this.given.length === 1 ? (this.given[0]?.path ?? "") : folderOf(this.given),
      roots: this.roots.length,
      add: (input) => this.take(chosen(input), input, true),
      believe: (name, root) => void this.believe(name, root).then(() => (this.showRoots(), this.judge())),
    });
    result.replaceChildren(...report.of(this.judgement));
    result.hidden = false;
    at("print").hidden = false;
    document.documentElement.dataset["judged"] = "true";
  }

  private speak(language: Language): void {
    this.speech = new Speech(language);
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    for (const element of document.querySelectorAll<HTMLElement>("[data-say]")) {
      element.textContent = this.speech.say(element.dataset["say"] ?? "");
    }
    at("language").textContent = language === "zh" ? "English" : "中文";
    at("language").lang = language === "zh" ? "en" : "zh-CN";
    document.title = this.speech.say("Offline verification");
    this.showRoots();
    this.draw();
  }

  private showRoots(): void {
    const rows = this.roots.map((each) =>
      make(
        "li",
        {},
        make("strong", {}, each.name),
        make("code", {}, grouped(each.fingerprint)),
        this.button("Remove", () => {
          this.roots = this.roots.filter((one) => one !== each);
          this.showRoots();
          if (this.given.length > 0) void this.judge();
        }),
      ),
    );
    at("trusted").replaceChildren(...rows);
    at("trusted").hidden = rows.length === 0;
  }

  private button(label: string, act: () => void): HTMLElement {
    const button = make("button", { type: "button", class: "quiet small" }, this.speech.say(label));
    button.addEventListener("click", act);
    return button;
  }

  private say(template: string, values: Record<string, string> = {}): void {
    at("status").textContent = template === "" ? "" : seen(this.speech.say(template, values));
  }
}

/** The certificates in a file: PEM, several in one, or DER; none where one cannot be read. */
function certificatesIn(octets: Uint8Array): Uint8Array[] {
  const text = new TextDecoder("latin1").decode(octets);
  const blocks = [...text.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g)];
  const found = blocks.length === 0 ? [octets] : blocks.map(([, body = ""]) => fromBase64(body.replace(/\s/g, "")) ?? new Uint8Array());
  return found.every(isCertificate) ? found : [];
}

function isCertificate(der: Uint8Array): boolean {
  try {
    return readCertificate(der, "").der === der;
  } catch {
    return false;
  }
}

function folderOf(given: readonly GivenFile[]): string {
  const first = given[0]?.path ?? "";
  return first.includes("/") ? `${first.split("/")[0]}/` : given.map((each) => each.path).join(", ");
}

export function startPage(): void {
  new VerifierPage().start();
}
