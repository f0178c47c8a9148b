/**
 * What a later revision did, where it is one of the few things that need no look at the pages: a signature put into an
 * empty field that was there, in its further places too; a signature or timestamp in a new field without a place;
 * validation data; metadata. Each changed object is accounted for by what it was, what it is, and who refers to it.
 * Everything else is Unexplained: it may be harmless, and is not examined here.
 */

import { TRAILER, type PdfFile, isNamed } from "./file";
import { type FieldLock, lockOf, locks, textOf } from "./form";
import { storeOf } from "./store";
import {
  type Dict,
  Name,
  Odd,
  type PdfObject,
  PdfString,
  Real,
  Ref,
  Stream,
  type Value,
  changedKeys,
  isArray,
  isDict,
  references,
  same,
} from "./syntax";

/** A change that is not recognised; `message` says of what. */
export class Unexplained extends Error {}

/** What a revision did: the fields that it filled, whether it only added validation data, or metadata as well. */
export interface Step {
  readonly revision: number;
  readonly filled: readonly string[];
  readonly describedAnew: boolean;
}

const CATALOG_MAY_CHANGE = ["AcroForm", "DSS", "Extensions", "Metadata", "Version"];
const FORM_MAY_CHANGE = ["Fields", "SigFlags"];
const WIDGET_MAY_CHANGE = ["V", "AP", "Type"];
const PLACE_MAY_CHANGE = ["V", "AP", "AS"];
const NO_FIELD = ["Kids", "Parent", "AA", "A"];
/** What is read aloud of a field: ISO 32000-2, 14.9.3 and 12.5.2. */
const SPOKEN = ["TU", "Contents"];
const PLACE = /^(.+)_(?:place_\d+|slice_\d+_of_\d+|input_\d+_\d+)$/;

/** What *revision* did after the one before it. Raises Unexplained. */
export function explained(file: PdfFile, revision: number): Step {
  try {
    return new Comparison(file, revision).step();
  } catch (error) {
    if (error instanceof Odd) throw new Unexplained(error.message);
    throw error;
  }
}

class Comparison {
  private readonly filled: string[] = [];
  private readonly places: string[] = [];
  private readonly ownLocks = new Map<string, FieldLock | null>();
  private readonly newWidgets = new Set<number>();
  private readonly appearances = new Map<number, number>();
  private readonly vetted = new Set<number>();
  private describedAnew = false;
  private readonly before: number;

  constructor(
    private readonly file: PdfFile,
    private readonly revision: number,
  ) {
    this.before = revision - 1;
  }

  step(): Step {
    const [old, now] = [this.file.root(this.before), this.file.root(this.revision)];
    if (old.number !== now.number) throw new Unexplained("the catalogue");
    this.vetted.add(old.number);
    this.catalogue(old.dict, now.dict);
    this.form(old, now.dict);
    const store = this.store(old, now.dict);
    this.trailer();
    const own = this.file.revisions[this.revision];
    for (const number of own?.freed ?? []) {
      const used = this.file.existedBefore(number, this.revision) && this.file.holdersOf(number).size > 0;
      if (used) throw new Unexplained(`object ${number} was removed`);
    }
    for (const number of own?.written ?? []) {
      this.file.spend();
      if (!this.isExplained(number, store, old.dict)) throw new Unexplained(`object ${number}`);
      const object = this.file.object(number, this.revision);
      if (object instanceof Stream && hasObjects(object.raw)) throw new Unexplained(`object ${number}`);
    }
    return { revision: this.revision, filled: this.filled, describedAnew: this.describedAnew };
  }

  private isExplained(number: number, store: ReadonlySet<number>, root: Dict): boolean {
    if (!this.file.existedBefore(number, this.revision)) return !this.file.referredToBefore(number, this.revision);
    const [old, now] = [this.file.object(number, this.before), this.file.object(number, this.revision)];
    const holders = this.file.holdersOf(number);
    if (store.has(number) || this.vetted.has(number) || same(old, now)) return true;
    if (this.appearances.has(number)) return holders.size === 1 && holders.has(this.appearances.get(number) ?? 0);
    if (holders.size === 0) return true; // cross-reference and object streams
    if (isReferenceTo(this.file.revisions[this.before]?.trailer.get("Info"), number)) {
      this.describedAnew = true;
      return holders.size === 1 && holders.has(TRAILER) && isInformation(old) && isInformation(now);
    }
    if (isReferenceTo(root.get("Metadata"), number)) {
      this.describedAnew = true;
      return holders.size === 1 && now instanceof Stream;
    }
    return this.onlyNewWidgets(number, old, now);
  }

  private trailer(): void {
    const [old, now] = [this.file.revisions[this.before]?.trailer, this.file.revisions[this.revision]?.trailer];
    if (old === undefined || now === undefined) throw new Unexplained("the trailer");
    if (!same(old.get("Info") ?? null, now.get("Info") ?? null)) this.describedAnew = true;
    if (now.has("Encrypt")) throw new Unexplained("encryption");
  }

  private catalogue(old: Dict, now: Dict): void {
    const changed = changedKeys(old, now);
    const odd = changed.find((key) => !CATALOG_MAY_CHANGE.includes(key));
    if (odd !== undefined) throw new Unexplained(`the catalogue's ${odd}`);
    if (changed.includes("Version") && !(levelOf(now.get("Version")) > levelOf(old.get("Version")))) throw new Unexplained("the version");
    this.extensions(this.file.resolved(old.get("Extensions"), this.before), this.file.resolved(now.get("Extensions"), this.revision));
    const extensions = old.get("Extensions");
    if (extensions instanceof Ref && this.isHeldBy(extensions.number, [this.file.root(this.before).number])) this.vetted.add(extensions.number);
    if (changed.includes("Metadata")) {
      this.describedAnew = true;
      const metadata = now.get("Metadata");
      if (metadata instanceof Ref && this.file.existedBefore(metadata.number, this.revision)) throw new Unexplained("the metadata");
    }
  }

  /** ISO 32000-2, 7.12: developers stay, and their levels never fall. */
  private extensions(old: PdfObject, now: PdfObject): void {
    if (old === null && now === null) return;
    if (!isDict(now) || (old !== null && !isDict(old))) throw new Unexplained("the extensions");
    for (const [prefix, value] of old ?? []) {
      if (prefix === "Type") continue;
      const [one, other] = [this.file.resolved(value, this.before), this.file.resolved(now.get(prefix), this.revision)];
      if (!isDict(one) || !isDict(other)) {
        if (!same(one, other)) throw new Unexplained("the extensions");
        continue;
      }
      const [level, after] = [one.get("ExtensionLevel"), other.get("ExtensionLevel")];
      if (!same(one.get("BaseVersion") ?? null, other.get("BaseVersion") ?? null)) throw new Unexplained("the extensions");
      if (typeof level === "number" && !(typeof after === "number" && after >= level)) throw new Unexplained("the extensions");
    }
  }

  private form(root: { number: number; dict: Dict }, now: Dict): void {
    const [oldForm, newForm] = [root.dict.get("AcroForm"), now.get("AcroForm")];
    const before = this.file.resolved(oldForm, this.before) ?? new Map<string, Value>();
    const after = this.file.resolved(newForm, this.revision);
    if (after === null) {
      if (oldForm !== undefined) throw new Unexplained("the form");
      return;
    }
    if (!isDict(before) || !isDict(after)) throw new Unexplained("the form");
    const odd = changedKeys(before, after).find((key) => !FORM_MAY_CHANGE.includes(key));
    if (odd !== undefined) throw new Unexplained(`the form's ${odd}`);
    if ((flagsOf(before) & ~flagsOf(after)) !== 0) throw new Unexplained("the form's flags");
    if (oldForm instanceof Ref) {
      if (!this.isHeldBy(oldForm.number, [root.number])) throw new Unexplained("the form");
      this.vetted.add(oldForm.number);
    }
    const list = before.get("Fields");
    if (list instanceof Ref) {
      if (!this.isHeldBy(list.number, [oldForm instanceof Ref ? oldForm.number : root.number])) throw new Unexplained("the fields");
      this.vetted.add(list.number);
    }
    const fields = this.array(list, this.before);
    const listed = this.array(after.get("Fields"), this.revision);
    if (!fields.every((each, index) => same(each, listed[index] ?? null))) throw new Unexplained("the fields");
    fields.forEach((each) => this.field(each));
    listed.slice(fields.length).forEach((each) => this.added(each));
    for (const place of this.places) {
      const lock = this.ownLocks.get(PLACE.exec(place)?.[1] ?? "");
      if (!lock || !locks(lock, place)) throw new Unexplained(`the field ${place}`);
    }
  }

  /** A field that was there: unchanged, or signed now, or a further place of a signature. */
  private field(reference: Value): void {
    if (!(reference instanceof Ref)) throw new Unexplained("a field");
    const { number } = reference;
    if (this.file.writtenIn(number, this.revision) !== this.revision) return;
    const [old, now] = [this.file.object(number, this.before), this.file.object(number, this.revision)];
    if (!isDict(old) || !isDict(now)) throw new Unexplained("a field");
    const changed = changedKeys(old, now);
    if (changed.length === 0) return;
    const name = nameOf(now);
    if (isEmptyPlace(old) && isFilledPlace(now) && changed.every((key) => PLACE_MAY_CHANGE.includes(key))) {
      this.places.push(name);
      this.filled.push(name);
    } else {
      const empty = isNamed(old, "FT", "Sig") && !old.has("V") && !old.has("Kids");
      if (!empty || changed.some((key) => !WIDGET_MAY_CHANGE.includes(key)) || !now.has("V")) throw new Unexplained(`the field ${name}`);
      this.signed(name, now);
    }
    this.appearance(old, now, number);
    this.vetted.add(number);
  }

  /** A new field: one new signature field that is its own widget and takes no room. */
  private added(reference: Value): void {
    if (!(reference instanceof Ref) || this.file.existedBefore(reference.number, this.revision)) throw new Unexplained("a new field");
    const widget = this.file.object(reference.number, this.revision);
    if (!isDict(widget) || !isNamed(widget, "FT", "Sig") || !isNamed(widget, "Subtype", "Widget")) throw new Unexplained("a new field");
    if (NO_FIELD.some((key) => widget.has(key))) throw new Unexplained("a new field");
    if (this.isVisible(widget)) throw new NewVisible();
    if (this.isSpoken(widget)) throw new Unexplained("a new field");
    this.newWidgets.add(reference.number);
    if (widget.has("V")) this.signed(nameOf(widget), widget);
  }

  /** Whether it has a text that is read aloud, says more than its name, and is signed by no person. */
  private isSpoken(widget: Dict): boolean {
    const value = this.file.resolved(widget.get("V"), this.revision);
    const person = isDict(value) && (!value.has("Type") || isNamed(value, "Type", "Sig")) && value.has("ByteRange");
    const name = nameOf(widget);
    return !person && SPOKEN.some((key) => widget.has(key) && !name.startsWith(spokenBy(this.file.resolved(widget.get(key), this.revision))));
  }

  private signed(name: string, widget: Dict): void {
    const value = widget.get("V");
    if (!(value instanceof Ref) || this.file.existedBefore(value.number, this.revision)) throw new Unexplained(`the field ${name}`);
    const signature = this.file.object(value.number, this.revision);
    if (!isDict(signature) || !signature.has("ByteRange") || !signature.has("Contents")) throw new Unexplained(`the field ${name}`);
    const timestamp = isNamed(signature, "Type", "DocTimeStamp");
    if (timestamp && this.isVisible(widget)) throw new Unexplained(`the field ${name}`);
    this.ownLocks.set(name, lockOf(this.file, signature));
    if (!timestamp) this.filled.push(name);
  }

  /** The appearance is new, or it is the old one filled in place, which then nobody else may show. */
  private appearance(old: Dict, now: Dict, widget: number): void {
    const before = references(old.get("AP") ?? null);
    for (const number of references(now.get("AP") ?? null)) {
      if (before.has(number)) this.appearances.set(number, widget);
      else if (this.file.existedBefore(number, this.revision)) throw new Unexplained("an appearance");
    }
  }

  /** A page, or its list of annotations, to which nothing but new signature fields was added. */
  private onlyNewWidgets(number: number, old: PdfObject, now: PdfObject): boolean {
    if (isArray(old) && isArray(now)) {
      const pages = [...this.file.holdersOf(number)].map((each) => this.file.object(each, this.before));
      return pages.every((page) => isDict(page) && isNamed(page, "Type", "Page") && isReferenceTo(page.get("Annots"), number)) && this.extended(old, now);
    }
    if (!isDict(old) || !isDict(now) || !isNamed(old, "Type", "Page")) return false;
    const changed = changedKeys(old, now);
    if (changed.length !== 1 || changed[0] !== "Annots") return false;
    return this.extended(this.array(old.get("Annots"), this.before), this.array(now.get("Annots"), this.revision));
  }

  private extended(before: readonly Value[], after: readonly Value[]): boolean {
    return (
      before.every((each, index) => same(each, after[index] ?? null)) &&
      after.slice(before.length).every((each) => each instanceof Ref && this.newWidgets.has(each.number))
    );
  }

  /** The objects of the old store: none of them is also something else, and nothing of them is taken away. */
  private store(root: { number: number; dict: Dict }, now: Dict): ReadonlySet<number> {
    const [old, after] = [storeOf(this.file, this.before), storeOf(this.file, this.revision)];
    if (root.dict.has("DSS") && !now.has("DSS")) throw new Unexplained("validation data");
    for (const number of old.objects) {
      if (!this.isHeldBy(number, [...old.objects, ...after.objects, root.number])) throw new Unexplained("validation data");
    }
    for (const number of old.streams) {
      const kept = after.streams.has(number) && same(this.file.object(number, this.before), this.file.object(number, this.revision));
      if (!kept) throw new Unexplained("validation data");
    }
    return old.objects;
  }

  private isHeldBy(number: number, holders: readonly number[]): boolean {
    return [...this.file.holdersOf(number)].every((each) => holders.includes(each));
  }

  private array(value: Value | undefined, revision: number): readonly Value[] {
    const found = this.file.resolved(value, revision) ?? [];
    if (!isArray(found)) throw new Unexplained("a list");
    return found;
  }

  private isVisible(widget: Dict): boolean {
    const box = this.array(widget.get("Rect"), this.revision).map(amount);
    const [left = 0, bottom = 0, right = 0, top = 0] = box;
    return right !== left && top !== bottom;
  }
}

/** A new field that takes room on a page: whether it hides something is seen on the page alone. */
export class NewVisible extends Unexplained {
  constructor() {
    super("a new field on a page");
  }
}

function amount(value: Value): number {
  if (typeof value === "number") return value;
  if (value instanceof Real) return value.value;
  throw new Unexplained("a rectangle");
}

function levelOf(version: Value | undefined): number {
  return version instanceof Name && /^[12]\.\d$/.test(version.value) ? Number(version.value) : 0;
}

function isReferenceTo(value: Value | undefined, number: number): boolean {
  return value instanceof Ref && value.number === number;
}

/** A dictionary of plain texts and names, as the document's information is. */
function isInformation(value: PdfObject): boolean {
  return isDict(value) && [...value.values()].every((each) => each instanceof PdfString || each instanceof Name);
}

function nameOf(field: Dict): string {
  const name = field.get("T");
  if (!(name instanceof PdfString)) throw new Unexplained("a field without a name");
  return textOf(name);
}

/** A further place of a signature as the appliance makes it, which shows nothing yet. */
function isEmptyPlace(field: Dict): boolean {
  const name = field.get("T");
  return (
    isNamed(field, "FT", "Btn") &&
    field.get("Ff") === 1 &&
    !NO_FIELD.some((key) => field.has(key)) &&
    name instanceof PdfString &&
    PLACE.test(textOf(name)) &&
    isNamed(field, "AS", "Off") &&
    !field.has("V")
  );
}

function isFilledPlace(field: Dict): boolean {
  return isNamed(field, "AS", "Signed") && isNamed(field, "V", "Signed");
}

/** ISO 32000-2, table 225. */
function flagsOf(form: Dict): number {
  const flags = form.get("SigFlags") ?? 0;
  if (typeof flags !== "number") throw new Unexplained("the form's flags");
  return flags;
}

/** A text that no name begins with where the value is none. */
function spokenBy(value: PdfObject): string {
  return value instanceof PdfString ? textOf(value) : "\uffff";
}

/** Whether there is something like the beginning of an object: programs that search a file for objects find it. */
function hasObjects(bytes: Uint8Array): boolean {
  for (let at = bytes.indexOf(0x6f); at >= 0; at = bytes.indexOf(0x6f, at + 1)) {
    if (bytes[at + 1] !== 0x62 || bytes[at + 2] !== 0x6a) continue;
    let before = at - 1;
    let line = false;
    while (before >= 0 && [0x00, 0x09, 0x0a, 0x0c, 0x0d, 0x20].includes(bytes[before] ?? 0)) {
      line ||= bytes[before] === 0x0a || bytes[before] === 0x0d;
      before--;
    }
    const digit = bytes[before] ?? 0;
    if (line || (digit >= 0x30 && digit <= 0x39)) return true;
  }
  return false;
}
