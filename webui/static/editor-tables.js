// Tables: rows and columns, added beside the caret and removed under it.
export function newTable() {
  const table = document.createElement("table");
  const body = table.createTBody();
  for (let row = 0; row < 3; row += 1) {
    const line = body.insertRow();
    for (let column = 0; column < 3; column += 1) line.append(cell(row === 0 ? "th" : "td"));
  }
  return table;
}

function cell(name) {
  const made = document.createElement(name);
  made.append(document.createElement("br"));
  return made;
}

function renamed(old, name) {
  const made = document.createElement(name);
  made.append(...old.childNodes);
  if (old.dataset.align) made.dataset.align = old.dataset.align;
  old.replaceWith(made);
  return made;
}

export function tableActs(around, put) {
  const here = (work) => () => {
    const at = around("td,th");
    if (at) work(at, at.closest("tr"), at.closest("table"));
  };
  return {
    "row-below": here((at, row) => {
      const made = document.createElement("tr");
      for (const each of row.cells) made.append(cell(each === row.cells[0] && each.tagName === "TH" && row.cells[1]?.tagName !== "TH" ? "th" : "td"));
      row.after(made);
      put(made.cells[at.cellIndex]);
    }),
    "column-right": here((at, row, table) => {
      const index = at.cellIndex;
      for (const each of table.rows) each.cells[index].after(cell(each.cells[index].tagName === "TH" && each === table.rows[0] ? "th" : "td"));
      put(row.cells[index + 1]);
    }),
    "row-gone": here((at, row, table) => {
      if (table.rows.length === 1) return leave(table, put);
      const next = table.rows[row.rowIndex + 1] || table.rows[row.rowIndex - 1];
      row.remove();
      return put(next.cells[Math.min(at.cellIndex, next.cells.length - 1)]);
    }),
    "column-gone": here((at, row, table) => {
      const index = at.cellIndex;
      if (row.cells.length === 1) return leave(table, put);
      for (const each of table.rows) each.cells[index]?.remove();
      return put(row.cells[Math.min(index, row.cells.length - 1)]);
    }),
    header: here((at) => put(renamed(at, at.tagName === "TH" ? "td" : "th"))),
  };
}

// The last row or column was removed: the table goes, an empty paragraph stays.
function leave(table, put) {
  const after = document.createElement("p");
  after.append(document.createElement("br"));
  table.replaceWith(after);
  put(after);
}
