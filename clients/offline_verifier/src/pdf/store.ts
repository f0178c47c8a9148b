/** The document security store (ETSI EN 319 142-1, 5.4.2.2): its objects, and the data in it. */

import { decoded } from "./inflate";
import type { PdfFile } from "./file";
import { type Dict, Odd, Ref, Stream, type Value, isArray, isDict } from "./syntax";

const LISTS = ["Certs", "CRLs", "OCSPs"];
const ENTRY_LISTS = ["Cert", "CRL", "OCSP"];
const MOST = 5000;

/** The store of one revision: the numbers of all objects that it is made of, and those of the streams in its lists. */
export interface Store {
  readonly objects: ReadonlySet<number>;
  readonly streams: ReadonlySet<number>;
}

/** The store of *revision*; empty without one. Raises Odd for another shape. */
export function storeOf(file: PdfFile, revision?: number): Store {
  const objects = new Set<number>();
  const streams = new Set<number>();
  const note = (value: Value | undefined): Value | undefined => {
    if (value instanceof Ref) objects.add(value.number);
    return value;
  };
  const dictionary = (value: Value | undefined, known: readonly string[] | null): Dict => {
    const found = file.resolved(note(value), revision);
    if (!isDict(found)) throw new Odd("validation data");
    if (known !== null && [...found.keys()].some((key) => !known.includes(key))) throw new Odd("validation data");
    return found;
  };
  const lists = (holder: Dict, keys: readonly string[]): void => {
    for (const key of keys) {
      if (!holder.has(key)) continue;
      const list = file.resolved(note(holder.get(key)), revision);
      if (!isArray(list)) throw new Odd("validation data");
      for (const each of list) {
        const stream = file.resolved(note(each), revision);
        if (!(each instanceof Ref) || !(stream instanceof Stream)) throw new Odd("validation data");
        note(stream.dict.get("Length"));
        streams.add(each.number);
      }
      if (streams.size > MOST) throw new Odd("validation data");
    }
  };
  const { dict } = file.root(revision);
  if (!dict.has("DSS")) return { objects, streams };
  const store = dictionary(dict.get("DSS"), ["Type", "VRI", ...LISTS]);
  lists(store, LISTS);
  for (const entry of store.has("VRI") ? dictionary(store.get("VRI"), null).values() : []) {
    const one = dictionary(entry, ["Type", "TU", "TS", ...ENTRY_LISTS]);
    lists(one, ENTRY_LISTS);
    note(one.get("TU"));
    note(one.get("TS"));
  }
  return { objects, streams };
}

/** The data in the newest store (DER). */
export interface StoredData {
  readonly certificates: readonly Uint8Array[];
  readonly crls: readonly Uint8Array[];
  readonly responses: readonly Uint8Array[];
}

/** Everything in the store and its entries. Raises Odd for a store that cannot be read. */
export async function storedData(file: PdfFile): Promise<StoredData> {
  const found: Record<string, Map<number, Uint8Array>> = { Cert: new Map(), CRL: new Map(), OCSP: new Map() };
  const { dict } = file.root();
  storeOf(file);
  const store = file.resolved(dict.get("DSS"));
  if (isDict(store)) {
    const entries = file.resolved(store.get("VRI"));
    const holders = isDict(entries) ? [...entries.values()].map((each) => file.resolved(each)) : [];
    for (const holder of [store, ...holders]) {
      if (!isDict(holder)) continue;
      for (const [kind, known] of Object.entries(found)) {
        for (const key of [kind, `${kind}s`]) await collect(file.resolved(holder.get(key)), known);
      }
    }
  }
  const values = (kind: string): Uint8Array[] => [...(found[kind]?.values() ?? [])];
  return { certificates: values("Cert"), crls: values("CRL"), responses: values("OCSP") };

  async function collect(list: unknown, known: Map<number, Uint8Array>): Promise<void> {
    if (!Array.isArray(list)) return;
    for (const each of list as readonly Value[]) {
      const stream = file.resolved(each);
      if (!(each instanceof Ref) || !(stream instanceof Stream) || known.has(each.number)) continue;
      file.spend(true);
      known.set(each.number, await decoded(stream));
    }
  }
}

/** The first revision that has a store, or null. */
export function storedSince(file: PdfFile): number | null {
  const found = file.revisions.findIndex((each) => {
    try {
      return file.root(each.number).dict.has("DSS");
    } catch {
      return false; // a first section of a linearised file may not have the catalogue
    }
  });
  return found < 0 || !file.root().dict.has("DSS") ? null : found;
}
