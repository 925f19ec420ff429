// What all charts share: axes, grid, tooltip. Our one theme.

import { exact } from "./numbers.js";

export function textStyle(theme) {
  return { color: theme["ink-soft"], fontFamily: theme.font, fontSize: 12 };
}

export function common(theme) {
  return {
    animation: false,
    textStyle: textStyle(theme),
    grid: { left: 8, right: 12, top: 28, bottom: 4, containLabel: true },
    aria: { enabled: true, label: { enabled: false }, decal: { show: true, decals: [{ symbol: "none" }] } },
    tooltip: {
      className: "tooltip-frame", confine: true, transitionDuration: 0, backgroundColor: "transparent", borderWidth: 0, padding: 0,
      extraCssText: "box-shadow: none", axisPointer: { type: "shadow", shadowStyle: { color: theme.ink, opacity: 0.06 } },
    },
  };
}

export function categoryAxis(theme, data, extra = {}) {
  return {
    type: "category", data, axisTick: { show: false }, axisLine: { lineStyle: { color: theme["line-strong"] } },
    axisLabel: { ...textStyle(theme), hideOverlap: true }, ...extra,
  };
}

export function valueAxis(theme, name, extra = {}) {
  return {
    type: "value", name, min: (range) => Math.min(0, range.min), splitNumber: 4,
    nameTextStyle: { ...textStyle(theme), align: "left", padding: [0, 0, 0, -28] }, nameGap: 12,
    axisLabel: { ...textStyle(theme), formatter: exact }, splitLine: { lineStyle: { color: theme["chart-grid"] } }, ...extra,
  };
}

// Estimated by the source: hatched. The pattern is drawn in the surface's colour over the bar's own.
export function hatch(theme) {
  return { symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 3], rotation: Math.PI / 4, color: theme.surface };
}

const element = (tag, className, text) => {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

// A tooltip is built of elements with classes: the policy forbids styles written into HTML.
export function tooltip(heading, rows) {
  const box = element("div", "tooltip");
  box.append(element("div", "tooltip-when", heading));
  for (const row of rows) {
    const line = element("div", "tooltip-row");
    line.append(element("span", row.colour ? `key ${row.look ?? ""} u-${row.colour}` : "", row.name), element("b", "", row.value));
    box.append(line);
  }
  return box;
}
