// Pasted HTML as clean structure: the same elements that the server keeps, so that what is seen is what is saved.
const KEPT = { H1: "h1", H2: "h2", H3: "h3", H4: "h3", H5: "h3", H6: "h3", P: "p", UL: "ul", OL: "ol", LI: "li",
  TABLE: "table", TBODY: "tbody", THEAD: "tbody", TFOOT: "tbody", TR: "tr", TD: "td", TH: "th", BR: "br", HR: "hr",
  STRONG: "strong", EM: "em", U: "u", INS: "u" };
const DROPPED = new Set(["SCRIPT", "STYLE", "TITLE", "TEMPLATE", "NOSCRIPT", "IFRAME", "OBJECT", "SVG", "MATH", "HEAD",
  "IMG", "VIDEO", "AUDIO", "CANVAS", "INPUT", "BUTTON", "SELECT", "TEXTAREA"]);
const HAS_BLOCKS = "p,div,h1,h2,h3,h4,h5,h6,ul,ol,table,blockquote,section,article,hr";
const ALIGNS = new Set(["left", "center", "right", "justify"]);
const FIELD = /^\p{L}[\p{L}\p{N}_]{0,39}$/u;

export function clean(html) {
  const given = new DOMParser().parseFromString(html, "text/html"); // inert: nothing in it runs or loads
  const made = document.createElement("div");
  children(given.body, made);
  return made.innerHTML;
}

function children(from, into) {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) into.append(node.data.replace(/[\t\r\n ]+/g, " "));
    else if (node.nodeType === Node.ELEMENT_NODE && !DROPPED.has(node.tagName.toUpperCase())) element(node, into);
  }
}

function element(node, into) {
  if (node.dataset?.field && FIELD.test(node.dataset.field)) {
    const place = document.createElement("span");
    place.dataset.field = place.textContent = node.dataset.field;
    into.append(place);
    return;
  }
  let target = into;
  const name = named(node);
  for (const each of [...(name ? [name] : []), ...marks(node)]) {
    const made = document.createElement(each);
    target.append(made);
    target = made;
  }
  if (name && target.tagName !== "BR" && target.tagName !== "HR") aligned(node, target.closest("p,h1,h2,h3,td,th"));
  if (name !== "br" && name !== "hr") children(node, target);
}

function named(node) {
  if (node.tagName === "DIV" || node.tagName === "BLOCKQUOTE" || node.tagName === "PRE") {
    return node.querySelector(HAS_BLOCKS) || node.closest("li,td,th") ? "" : "p";
  }
  return KEPT[node.tagName] || "";
}

// Word processors mark letters by style; some wrap everything in a <b> that is not bold.
function marks(node) {
  const style = node.style;
  const found = [];
  const heavy = style.fontWeight === "bold" || Number(style.fontWeight) >= 600;
  const light = style.fontWeight === "normal" || (style.fontWeight && Number(style.fontWeight) < 600);
  if ((node.tagName === "B" && !light) || (node.tagName === "SPAN" && heavy)) found.push("strong");
  if ((node.tagName === "I" && style.fontStyle !== "normal") || (node.tagName === "SPAN" && style.fontStyle === "italic")) found.push("em");
  if (node.tagName === "SPAN" && style.textDecoration.includes("underline")) found.push("u");
  return found;
}

function aligned(node, target) {
  const asked = node.dataset.align || node.getAttribute("align") || node.style.textAlign;
  if (target && ALIGNS.has(asked)) target.dataset.align = asked;
}
