// The numbers of a chart as a real table, and as CSV.

const element = (tag, text, className) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
};

function headOf(columns) {
  const row = element("tr");
  for (const column of columns) {
    const cell = element("th", column.name, column.numeric ? "num" : undefined);
    cell.scope = "col";
    if (column.unit) cell.append(element("span", column.unit, "unit"));
    row.append(cell);
  }
  const head = element("thead");
  head.append(row);
  return head;
}

export function drawTable({ columns, rows, note }, title) {
  const made = element("table", undefined, "table");
  made.append(element("caption", note ? `${title}. ${note}` : title, note ? undefined : "visually-hidden"), headOf(columns));
  const body = element("tbody");
  for (const values of rows) {
    const row = element("tr");
    values.forEach((value, place) => {
      const cell = element(place === 0 ? "th" : "td", value, columns[place].numeric ? "num" : undefined);
      if (place === 0) cell.scope = "row";
      row.append(cell);
    });
    body.append(row);
  }
  made.append(body);
  return made;
}

// What a spreadsheet would run as a formula is kept as text; numbers lose their commas and true minus.
const NUMBER = /^[\u2212-]?[\d,]+(\.\d+)?$/;

function csvCell(text, numeric) {
  let value = text === "–" ? "" : String(text);
  if (numeric && NUMBER.test(value)) return value.replaceAll(",", "").replace("\u2212", "-");
  if (/^[=+\-@\t\r]/.test(value)) value = `'${value}`;
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

export function asCsv({ columns, rows }) {
  const head = columns.map((column) => csvCell(column.unit ? `${column.name} [${column.unit}]` : column.name));
  return [head, ...rows.map((row) => row.map((value, place) => csvCell(value, columns[place].numeric)))].map((row) => row.join(",")).join("\r\n") + "\r\n";
}
