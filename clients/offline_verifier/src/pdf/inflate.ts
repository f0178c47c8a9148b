/** FlateDecode (ISO 32000-2, 7.4.4) by the browser's DecompressionStream, with predictors and a limit. */

import { join } from "../asn1";
import { source } from "../algorithms";
import { type Dict, Name, Odd, type Stream, type Value, isArray, isDict } from "./syntax";

const LARGEST = 64 * 1024 * 1024;

/** What the stream decodes to. Raises Odd for other filters, damage, and more than the limit. */
export async function decoded(stream: Stream): Promise<Uint8Array> {
  const filter = only(stream.dict.get("Filter"));
  const parameters = only(stream.dict.get("DecodeParms"));
  if (stream.dict.has("F") || stream.dict.has("FFilter") || stream.dict.has("FDecodeParms")) throw new Odd("a stream elsewhere");
  if (filter === undefined) {
    if (parameters !== undefined && parameters !== null) throw new Odd("parameters of no filter");
    return stream.raw;
  }
  if (!(filter instanceof Name) || filter.value !== "FlateDecode") throw new Odd("a filter that is not known");
  const data = await inflate(stream.raw);
  if (parameters === undefined || parameters === null) return data;
  if (!isDict(parameters)) throw new Odd("parameters of a filter");
  return unpredicted(data, parameters);
}

/** A filter or its parameters, alone or in a list of one. */
function only(value: Value | undefined): Value | undefined {
  if (!isArray(value)) return value;
  if (value.length !== 1) throw new Odd("several filters");
  return value[0];
}

async function inflate(raw: Uint8Array): Promise<Uint8Array> {
  const reader = new Blob([source(raw)]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return join(parts);
      length += value.length;
      if (length > LARGEST) break;
      parts.push(value);
    }
  } catch {
    throw new Odd("compressed data that are damaged");
  }
  await reader.cancel().catch(() => undefined);
  throw new Odd("compressed data that are too long");
}

/** PNG predictors (7.4.4.4), which cross-reference streams use; others are Odd. */
function unpredicted(data: Uint8Array, parameters: Dict): Uint8Array {
  const number = (key: string, otherwise: number): number => {
    const value = parameters.get(key) ?? otherwise;
    if (typeof value !== "number" || value < 1 || value > 65536) throw new Odd("parameters of a filter");
    return value;
  };
  const predictor = number("Predictor", 1);
  if (predictor === 1) return data;
  const [colours, depth, columns] = [number("Colors", 1), number("BitsPerComponent", 8), number("Columns", 1)];
  if (predictor < 10 || predictor > 15 || depth !== 8) throw new Odd("a predictor that is not known");
  const step = colours;
  const row = colours * columns;
  if (data.length % (row + 1) !== 0) throw new Odd("rows that are cut off");
  const made = new Uint8Array((data.length / (row + 1)) * row);
  for (let at = 0, to = 0; at < data.length; at += row + 1, to += row) {
    const kind = data[at] ?? 0;
    for (let index = 0; index < row; index++) {
      const left = index >= step ? (made[to + index - step] ?? 0) : 0;
      const above = to > 0 ? (made[to + index - row] ?? 0) : 0;
      const corner = to > 0 && index >= step ? (made[to + index - row - step] ?? 0) : 0;
      made[to + index] = (data[at + 1 + index] ?? 0) + predicted(kind, left, above, corner);
    }
  }
  return made;
}

function predicted(kind: number, left: number, above: number, corner: number): number {
  switch (kind) {
    case 0:
      return 0;
    case 1:
      return left;
    case 2:
      return above;
    case 3:
      return (left + above) >> 1;
    case 4: {
      const [a, b, c] = [Math.abs(above - corner), Math.abs(left - corner), Math.abs(left + above - 2 * corner)];
      return a <= b && a <= c ? left : b <= c ? above : corner;
    }
    default:
      throw new Odd("a predictor that is not known");
  }
}
