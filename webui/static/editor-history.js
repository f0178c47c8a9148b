// Undo and redo over everything, also what the browser's own undo knows nothing of (tables, alignment).
const MOST = 80;
const LARGEST = 8_000_000; // letters kept in all

export class History {
  constructor(root) {
    this.root = root;
    this.states = [];
    this.at = -1;
    this.timer = 0;
  }

  // A new state, if anything has changed since the last one.
  mark() {
    clearTimeout(this.timer);
    const html = this.root.innerHTML;
    if (this.at >= 0 && this.states[this.at].html === html) {
      this.states[this.at].where = this.where();
      return;
    }
    this.states.length = this.at + 1;
    this.states.push({ html, where: this.where() });
    while (this.states.length > MOST || (this.states.length > 2 && this.size() > LARGEST)) this.states.shift();
    this.at = this.states.length - 1;
  }

  // Typing becomes one state for each pause.
  typed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.mark(), 600);
  }

  undo() {
    this.mark();
    if (this.at > 0) this.show(this.at - 1);
  }

  redo() {
    if (this.at < this.states.length - 1) this.show(this.at + 1);
  }

  show(at) {
    this.at = at;
    const state = this.states[at];
    this.root.innerHTML = state.html;
    if (state.where) this.go(state.where);
  }

  size() {
    return this.states.reduce((sum, state) => sum + state.html.length, 0);
  }

  // The caret as steps from the root down, which outlives the nodes.
  where() {
    const selection = getSelection();
    let node = selection.anchorNode;
    if (!node || !this.root.contains(node)) return null;
    const path = [selection.anchorOffset];
    for (; node !== this.root; node = node.parentNode) path.unshift([...node.parentNode.childNodes].indexOf(node));
    return path;
  }

  go(path) {
    let node = this.root;
    for (const step of path.slice(0, -1)) node = node.childNodes[step] || node;
    const length = node.nodeType === Node.TEXT_NODE ? node.data.length : node.childNodes.length;
    getSelection().collapse(node, Math.min(path.at(-1), length));
  }
}
