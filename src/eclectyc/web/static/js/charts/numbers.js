// Numbers as web/figures.py prints them: spaced thousands, exact in tables, at most four significant digits on axes.

const NARROW = "\u202f";
const MINUS = "\u2212";

export function spaced(value, decimals) {
  const text = Math.abs(value).toLocaleString("en-GB", { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).replaceAll(",", NARROW);
  return value < 0 && /[1-9]/.test(text) ? MINUS + text : text;
}

export function exact(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const text = spaced(value, 6);
  return text.replace(/0+$/, "").replace(/\.$/, "");
}

export function short(value) {
  if (!Number.isFinite(value)) return "–";
  return exact(Number(value.toPrecision(4)));
}

// A value of the chart's base unit, as its axis has it.
export function scaled(value, scale) {
  return value === null || value === undefined ? null : value / scale.divisor;
}

export function withUnit(value, spec) {
  if (value === null || value === undefined) return "no reading";
  return `${short(scaled(value, spec.scale))} ${spec.scale.unit}`;
}
