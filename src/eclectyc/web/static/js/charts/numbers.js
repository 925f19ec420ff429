// Numbers as kernel/number_format.py shows them: 1,695 · 93%; exact in tables, at most four significant digits on axes.

const MINUS = "\u2212";

export function grouped(value, decimals) {
  const text = Math.abs(value).toLocaleString("en-GB", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  return value < 0 && /[1-9]/.test(text) ? MINUS + text : text;
}

export function exact(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const text = grouped(value, 6);
  return text.replace(/0+$/, "").replace(/\.$/, "");
}

export function short(value) {
  if (!Number.isFinite(value)) return "–";
  return exact(Number(value.toPrecision(4)));
}

// A share as a percentage with one decimal; round: Math.floor or Math.ceil, so that it is never shown as all or nothing.
export function percent(share, round = Math.floor) {
  return `${round(share * 1000) / 10}%`;
}

// A value of the chart's base unit, as its axis has it.
export function scaled(value, scale) {
  return value === null || value === undefined ? null : value / scale.divisor;
}

export function withUnit(value, spec) {
  if (value === null || value === undefined) return "no reading";
  return `${short(scaled(value, spec.scale))} ${spec.scale.unit}`;
}
