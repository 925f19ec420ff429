// Groups against each other: horizontal bars, named at the left, the number at the end of its bar.

import { seriesColour } from "./colours.js";
import { categoryAxis, common, textStyle, tooltip, valueAxis } from "./look.js";
import { exact, percent, scaled, short, withUnit } from "./numbers.js";

const completeness = (spec, place) => (spec.coverage[place] < 1 ? [{ name: "complete", value: percent(spec.coverage[place]) }] : []);
const details = (spec, place) => [{ name: spec.word, value: withUnit(spec.values[place], spec), colour: spec.colours[place] }, ...completeness(spec, place)];

export const length = (spec) => spec.labels.length;
export const link = (spec, place) => spec.links?.[place];
export const point = (spec, place) => [scaled(spec.values[place], spec.scale) ?? 0, place];
export const say = (spec, place) => `${spec.labels[place]}: ${details(spec, place).map((row) => `${row.name} ${row.value}`).join(", ")}`;

export function option(spec, theme, width) {
  const room = Math.min(220, Math.round(width * 0.34));
  return {
    ...common(theme),
    grid: { left: 8, right: 64, top: 8, bottom: 4, containLabel: true },
    tooltip: { ...common(theme).tooltip, formatter: ({ dataIndex }) => tooltip(spec.labels[dataIndex], details(spec, dataIndex)) },
    xAxis: valueAxis(theme, "", { splitNumber: width < 500 ? 2 : 4, axisLabel: { ...textStyle(theme), hideOverlap: true, formatter: (value) => `${exact(value)} ${spec.scale.unit}` } }),
    yAxis: categoryAxis(theme, spec.labels, { inverse: true, axisLabel: { ...textStyle(theme), color: theme.ink, width: room, overflow: "truncate", interval: 0 } }),
    series: [{
      name: spec.word, type: "bar", barCategoryGap: "32%", barMaxWidth: 22, itemStyle: { borderRadius: [0, 2, 2, 0] },
      label: { show: true, position: "right", ...textStyle(theme), formatter: ({ dataIndex }) => (spec.values[dataIndex] === null ? "no readings" : short(scaled(spec.values[dataIndex], spec.scale))) },
      data: spec.values.map((value, place) => ({ value: scaled(value, spec.scale), itemStyle: { color: seriesColour(spec.colours[place]) } })),
    }],
  };
}

export function table(spec) {
  return {
    columns: [{ name: spec.heading }, { name: spec.word, unit: spec.unit, numeric: true }, { name: "complete", unit: "%", numeric: true }],
    rows: spec.labels.map((label, place) => [label, exact(spec.values[place]), spec.coverage[place] === null ? "–" : exact(Math.floor(spec.coverage[place] * 1000) / 10)]),
  };
}
