// Bars over periods or names, beside or on top of each other, with an earlier year as outlines or a line.

import { seriesColour } from "./colours.js";
import { categoryAxis, common, hatch, tooltip, valueAxis } from "./look.js";
import { exact, percent, scaled, withUnit } from "./numbers.js";
import { seen } from "./zoom.js";

function shape(entry, spec, theme) {
  const colour = seriesColour(entry.colour);
  const values = entry.values.map((value) => scaled(value, spec.scale));
  if (entry.shape === "line") {
    return { name: entry.name, type: "line", emphasis: { disabled: true }, data: values, symbol: "none", step: "middle", color: colour, lineStyle: { width: 1.5, color: colour }, connectNulls: false, z: 4 };
  }
  if (entry.shape === "ticks") {
    // an earlier period: a short rule across each bar, so that the bar and its past are read at once
    return {
      name: entry.name, type: "custom", z: 5, data: values.map((value, place) => [place, value]), color: colour,
      encode: { x: 0, y: 1 }, clip: true,
      renderItem: (params, api) => {
        if (api.value(1) === null || Number.isNaN(api.value(1))) return null;
        const [x, y] = api.coord([api.value(0), api.value(1)]);
        const half = Math.max(2, api.size([1, 0])[0] * 0.42);
        return { type: "line", shape: { x1: x - half, x2: x + half, y1: y, y2: y }, style: { stroke: colour, lineWidth: 2 } };
      },
    };
  }
  const estimated = entry.estimated ?? [];
  return {
    name: entry.name, type: "bar", emphasis: { disabled: true }, stack: entry.stack, barCategoryGap: "28%", barMaxWidth: 64, color: colour,
    itemStyle: { borderRadius: entry.stack ? 0 : [2, 2, 0, 0] },
    data: values.map((value, place) => ({ value, itemStyle: estimated[place] > 0.5 ? { decal: hatch(theme) } : undefined })),
  };
}

function details(spec, place) {
  const rows = [];
  for (const entry of spec.series) {
    const value = entry.values[place];
    if (value === null && entry.stack) continue;
    rows.push({ name: entry.name, value: withUnit(value, spec), colour: entry.colour, look: entry.shape === "bar" ? "" : "line" });
    const share = entry.coverage?.[place];
    if (value !== null && share !== undefined && share !== null && share < 1) rows.push({ name: "complete", value: percent(share) });
    const estimated = entry.estimated?.[place];
    if (estimated > 0) rows.push({ name: "estimated", value: percent(estimated, Math.ceil) });
  }
  return rows;
}

export const length = (spec) => spec.labels.length;
export const link = (spec, place) => spec.links?.[place];

export function say(spec, place) {
  return `${spec.spans[place]}: ${details(spec, place).map((row) => `${row.name} ${row.value}`).join(", ")}`;
}

export const across = (spec) => spec.labels.length;
export const stretch = (spec, from, to) => `${spec.spans[from]} to ${spec.spans[to]}`;

export function option(spec, theme, width, shown) {
  return {
    ...common(theme),
    dataZoom: seen(shown),
    tooltip: { ...common(theme).tooltip, trigger: "axis", formatter: (points) => tooltip(spec.spans[points[0].dataIndex], details(spec, points[0].dataIndex)) },
    xAxis: categoryAxis(theme, spec.labels),
    yAxis: valueAxis(theme, spec.scale.unit),
    series: spec.series.map((entry) => shape(entry, spec, theme)),
  };
}

export function table(spec) {
  const withCoverage = spec.series.filter((entry) => entry.coverage);
  return {
    columns: [
      { name: spec.heading },
      ...spec.series.map((entry) => ({ name: entry.name, unit: spec.unit, numeric: true })),
      ...withCoverage.map((entry) => ({ name: withCoverage.length > 1 ? `${entry.name}, complete` : "complete", unit: "%", numeric: true })),
    ],
    rows: spec.spans.map((span, place) => [
      span,
      ...spec.series.map((entry) => exact(entry.values[place])),
      ...withCoverage.map((entry) => (entry.coverage[place] === null ? "–" : exact(Math.floor(entry.coverage[place] * 1000) / 10))),
    ]),
  };
}
