// The history of gate times: one bar a gate, oldest first, with the same numbers as a table for those who cannot see it.

import { el, moment, svg } from "./dom.js";

const HEIGHT = 72;
const STEP = 10;
const BAR = 7;

/** @param gates `{at, seconds, job, zone, names}`, oldest first. */
export function gateChart(gates) {
  const most = Math.max(...gates.map((gate) => gate.seconds), 1);
  const bars = gates.map((gate, index) => {
    const height = Math.max(2, (gate.seconds / most) * HEIGHT);
    return svg(
      "rect",
      { x: index * STEP, y: HEIGHT - height, width: BAR, height, rx: 1.5 },
      svg("title", {}, `${gate.job}: ${seconds(gate.seconds)}, ${new Date(gate.at).toLocaleString()}`),
    );
  });
  const width = Math.max(gates.length * STEP, STEP);
  return el(
    "figure",
    { class: "chart" },
    svg(
      "svg",
      { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": spoken(gates) },
      ...bars,
    ),
    el("figcaption", { class: "quiet" }, `${gates.length} gates, oldest first; the longest took ${seconds(most)}`),
    table(gates),
  );
}

function table(gates) {
  const columns = ["When", "Job", "Names", "Gate opened after"];
  const rows = [...gates].reverse().map((gate) =>
    el(
      "tr",
      {},
      el("td", {}, moment(gate.at, new Date(gate.at).toLocaleString())),
      el("td", {}, gate.job),
      el("td", { class: "number" }, String(gate.names ?? "")),
      el("td", { class: "number" }, seconds(gate.seconds)),
    ),
  );
  const head = el("thead", {}, el("tr", {}, ...columns.map((text) => el("th", { scope: "col" }, text))));
  return el("details", {}, el("summary", {}, "As a table"), el("table", {}, head, el("tbody", {}, ...rows)));
}

function spoken(gates) {
  const last = gates.at(-1);
  const most = Math.max(...gates.map((gate) => gate.seconds));
  return `Gate times of the last ${gates.length} gates: the last one ${seconds(last.seconds)}, the longest ${seconds(most)}`;
}

function seconds(value) {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} s`;
}
