/** Making elements: text goes in as text, whatever a file says. */

export type Child = Node | string | null;

/** An element with attributes (false leaves one out) and children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | boolean>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((each) => each !== null));
  return element;
}

/** The element of the page with this id. */
export function at<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`no ${id}`);
  return found as T;
}

/** A table of facts; those without a value are left out. */
export function facts(rows: readonly (readonly [string, Child])[]): HTMLElement {
  const shown = rows.filter(([, value]) => value !== null && value !== "");
  return make("dl", { class: "facts" }, ...shown.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

export function list(items: readonly Child[], kind = "plain"): HTMLElement | null {
  return items.length === 0 ? null : make("ul", { class: kind }, ...items.map((each) => make("li", {}, each)));
}

export function folded(title: string, ...children: readonly Child[]): HTMLElement {
  return make("details", {}, make("summary", {}, title), ...children);
}
