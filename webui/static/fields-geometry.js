// Pure arithmetic of fields on a page: rectangles are {x, y, w, h} in percent of the page, from its top left corner.

/** *box* moved, and if need be made smaller, so that it lies inside the page and is not smaller than *least*. */
export function inside(box, least) {
  const w = Math.min(100, Math.max(least.w, box.w));
  const h = Math.min(100, Math.max(least.h, box.h));
  return { x: Math.min(100 - w, Math.max(0, box.x)), y: Math.min(100 - h, Math.max(0, box.y)), w, h };
}

/** The lines that edges stick to: other fields' edges and middles, the page's margins and its middle. */
export function lines(others, margin) {
  const along = (at, size, edge) => [
    edge, 50, 100 - edge, ...others.flatMap((box) => [box[at], box[at] + box[size] / 2, box[at] + box[size]]),
  ];
  return { x: along("x", "w", margin.x), y: along("y", "h", margin.y) };
}

function nearest(points, candidates, reach) {
  let best = null;
  for (const point of points) {
    for (const line of candidates) {
      const by = line - point;
      if (Math.abs(by) <= reach && (!best || Math.abs(by) < Math.abs(best.by))) best = { by, line };
    }
  }
  return best;
}

/** *box* as it sticks while it is moved, and the lines that it sticks to; *reach* is how near is near enough. */
export function stickMoved(box, to, reach) {
  const x = nearest([box.x, box.x + box.w / 2, box.x + box.w], to.x, reach.x);
  const y = nearest([box.y, box.y + box.h / 2, box.y + box.h], to.y, reach.y);
  return {
    box: { ...box, x: box.x + (x ? x.by : 0), y: box.y + (y ? y.by : 0) },
    guides: { x: x && x.line, y: y && y.line },
  };
}

/** The same while a corner is pulled; *corner* is two letters of "nsew". */
export function stickResized(box, corner, to, reach) {
  const result = { ...box };
  const x = nearest([corner.includes("w") ? box.x : box.x + box.w], to.x, reach.x);
  const y = nearest([corner.includes("n") ? box.y : box.y + box.h], to.y, reach.y);
  if (x && corner.includes("w")) Object.assign(result, { x: box.x + x.by, w: box.w - x.by });
  else if (x) result.w = box.w + x.by;
  if (y && corner.includes("n")) Object.assign(result, { y: box.y + y.by, h: box.h - y.by });
  else if (y) result.h = box.h + y.by;
  return { box: result, guides: { x: x && x.line, y: y && y.line } };
}

/** *box* with one corner pulled by (dx, dy) percent; it does not become smaller than *least*. */
export function pulled(box, corner, dx, dy, least) {
  const result = { ...box };
  if (corner.includes("e")) result.w = Math.max(least.w, Math.min(100 - box.x, box.w + dx));
  if (corner.includes("s")) result.h = Math.max(least.h, Math.min(100 - box.y, box.h + dy));
  if (corner.includes("w")) {
    result.x = Math.max(0, Math.min(box.x + box.w - least.w, box.x + dx));
    result.w = box.x + box.w - result.x;
  }
  if (corner.includes("n")) {
    result.y = Math.max(0, Math.min(box.y + box.h - least.h, box.y + dy));
    result.h = box.y + box.h - result.y;
  }
  return result;
}

const EACH = {
  all: () => true, 全部: () => true,
  odd: (n) => n % 2 === 1, 单数: (n) => n % 2 === 1, 奇数: (n) => n % 2 === 1,
  even: (n) => n % 2 === 0, 双数: (n) => n % 2 === 0, 偶数: (n) => n % 2 === 0,
};

/** The pages that "1-3, 5", "all" or "odd" names, of *count*; null for what cannot be read. As field_rows.py. */
export function pagesOf(text, count) {
  const plain = text.normalize("NFKC").trim().toLowerCase().replace(/[、;]/g, ",").replace(/[–—~至]/g, "-");
  const every = Array.from({ length: count }, (_, index) => index + 1);
  if (EACH[plain]) return every.filter(EACH[plain]);
  const chosen = new Set();
  for (const part of plain.split(",").map((each) => each.trim()).filter(Boolean)) {
    const found = /^(\d{1,5})(?:\s*-\s*(\d{1,5}))?$/.exec(part);
    if (!found) return null;
    const [first, last] = [Number(found[1]), Number(found[2] || found[1])];
    if (first < 1 || last > count || first > last) return null;
    for (let page = first; page <= last; page += 1) chosen.add(page);
  }
  return chosen.size ? [...chosen].sort((a, b) => a - b) : null;
}

/** *pages* as a reader writes them: runs joined by a hyphen. */
export function written(pages) {
  const runs = [];
  for (const page of pages) {
    const last = runs.at(-1);
    if (last && last[1] === page - 1) last[1] = page;
    else runs.push([page, page]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(", ");
}
