// One local day in its slots, 46, 48 or 50 of them: actual solid, estimated hatched, missing a visible gap.

import { colour, seriesColour } from "./colours.js";
import { categoryAxis, common, hatch, tooltip, valueAxis } from "./look.js";
import { exact, scaled, withUnit } from "./numbers.js";

const MISSING = 0;
const NAMES = ["missing", "actual", "estimated", "substituted", "derived"];
const isHatched = (quality) => quality >= 2;

function missingRuns(spec) {
  const runs = [];
  spec.quality.forEach((quality, place) => {
    if (quality !== MISSING) return;
    const last = runs.at(-1);
    if (last && last[1] === place - 1) last[1] = place;
    else runs.push([place, place]);
  });
  return runs;
}

function band(spec, theme) {
  if (!spec.band) return [];
  const low = spec.band.low.map((value) => scaled(value, spec.scale));
  const high = spec.band.high.map((value, place) => (value === null || spec.band.low[place] === null ? null : scaled(value - spec.band.low[place], spec.scale)));
  const shared = { type: "line", stack: "band", step: "middle", symbol: "none", lineStyle: { opacity: 0 }, emphasis: { disabled: true }, silent: true, z: 1, stackStrategy: "all" };
  return [
    { ...shared, name: "band from", data: low },
    { ...shared, name: "usual band", data: high, areaStyle: { color: theme["chart-band"], opacity: 1 } },
    // the lower edge, drawn over the bars in the colour of the page: seen where a bar is higher than usual days begin
    { ...shared, stack: undefined, name: "band edge", data: low, lineStyle: { color: theme.surface, width: 1, opacity: 0.75 }, z: 4 },
  ];
}

function compared(spec, theme) {
  if (!spec.compare) return [];
  const values = spec.compare.values.map((value) => scaled(value, spec.scale));
  return [{ name: spec.compare.name, type: "line", step: "middle", symbol: "none", data: values, z: 5, emphasis: { disabled: true }, lineStyle: { width: 1.5, type: [4, 3], color: theme["chart-compare"] } }];
}

function details(spec, place) {
  const rows = [{ name: NAMES[spec.quality[place]], value: withUnit(spec.values[place], spec), colour: spec.quality[place] === MISSING ? undefined : spec.colour }];
  if (spec.compare) rows.push({ name: spec.compare.name, value: withUnit(spec.compare.values[place], spec) });
  if (spec.band?.low[place] != null) {
    rows.push({ name: "usual", value: `${exact(+scaled(spec.band.low[place], spec.scale).toPrecision(4))}–${withUnit(spec.band.high[place], spec)}` });
  }
  return rows;
}

export const length = (spec) => spec.values.length;
export const link = () => undefined;

export function say(spec, place) {
  return `${spec.spans[place]}: ${details(spec, place).map((row) => `${row.name} ${row.value}`).join(", ")}`;
}

export function option(spec, theme) {
  const own = seriesColour(spec.colour);
  const gaps = missingRuns(spec).map(([from, to]) => [{ xAxis: from, name: to - from > 3 ? "no readings" : "" }, { xAxis: to }]);
  return {
    ...common(theme),
    tooltip: { ...common(theme).tooltip, trigger: "axis", formatter: (points) => tooltip(spec.spans[points[0].dataIndex], details(spec, points[0].dataIndex)) },
    xAxis: categoryAxis(theme, spec.labels, { axisLabel: { ...categoryAxis(theme, []).axisLabel, interval: (place) => spec.ticks.includes(place), hideOverlap: true } }),
    yAxis: valueAxis(theme, spec.scale.unit),
    series: [
      ...band(spec, theme),
      {
        name: "reading", type: "bar", emphasis: { disabled: true }, color: own, barCategoryGap: spec.values.length > 60 ? "5%" : "18%", z: 3, itemStyle: { borderRadius: [1, 1, 0, 0] },
        data: spec.values.map((value, place) => ({ value: scaled(value, spec.scale), itemStyle: isHatched(spec.quality[place]) ? { decal: hatch(theme), borderColor: own, borderWidth: 1 } : undefined })),
      },
      ...compared(spec, theme),
      // Gaps have their own empty series, so that the frame of a missing run spans whole slots.
      {
        name: "gaps", type: "custom", silent: true, z: 2, data: gaps.map(([from, to]) => [from.xAxis, to.xAxis]), encode: { x: [0, 1] },
        renderItem: (params, api) => {
          const area = params.coordSys;
          const width = area.width / spec.values.length;
          const x = area.x + api.value(0) * width;
          const wide = (api.value(1) - api.value(0) + 1) * width;
          const frame = { type: "rect", shape: { x: x + 0.5, y: area.y + 0.5, width: wide - 1, height: area.height - 1 }, style: { fill: colour("sunken"), stroke: theme["line-strong"], lineDash: [3, 3], lineWidth: 1 } };
          const label = { type: "text", style: { text: "no readings", x: x + wide / 2, y: area.y + 10, align: "center", fill: theme["ink-soft"], font: `12px ${theme.font}` } };
          return { type: "group", children: wide > 72 ? [frame, label] : [frame] };
        },
      },
    ],
  };
}

export function table(spec) {
  const columns = [{ name: "from–to" }, { name: "use", unit: spec.unit, numeric: true }, { name: "quality" }];
  if (spec.compare) columns.push({ name: spec.compare.name, unit: spec.unit, numeric: true });
  if (spec.band) columns.push({ name: "usual, from", unit: spec.unit, numeric: true }, { name: "usual, to", unit: spec.unit, numeric: true });
  const rows = spec.spans.map((span, place) => {
    const row = [span, exact(spec.values[place]), NAMES[spec.quality[place]]];
    if (spec.compare) row.push(exact(spec.compare.values[place]));
    if (spec.band) row.push(exact(spec.band.low[place]), exact(spec.band.high[place]));
    return row;
  });
  return { columns, rows };
}
