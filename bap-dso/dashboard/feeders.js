// A feeder: load as a bar against its limit, and the line of recent load with the forecast band.
import { duration, el, kw, svg, time } from './dom.js';
import { levelOf, STALE_MS } from './state.js';

const WIDTH = 300;
const PAST_MS = 3 * 3_600_000;
const FUTURE_MS = 2 * 3_600_000;
const CHART = { left: 6, right: 6, top: 6, height: 62 };
/** How much a reading may be relied on; words, since a colour alone tells nobody. */
const QUALITIES = {
  GOOD: 'good',
  ESTIMATED: '◆ estimated',
  STALE: '◆ stale',
  NONE: '◆ none, never read',
};
const FLAGS = { bad: '▲ OVER LIMIT', warn: '◆ NEAR LIMIT', normal: '', unknown: '? NO DATA' };

export function feederCard({ feeder, points, nowMs }) {
  const level = levelOf(feeder);
  const ageMs = feeder.at === null ? null : nowMs - feeder.at;
  const stale = ageMs === null || ageMs > STALE_MS;
  const headroom = feeder.powerKw === null ? null : ((feeder.limitKw - feeder.powerKw) / feeder.limitKw) * 100;
  const read = ageMs === null ? '' : stale ? `, ${duration(ageMs)} old` : `, read ${time(feeder.at)}`;
  const wrong = (feeder.anomalies ?? []).length > 0 ? '◆ ANOMALY' : '';
  const flag = FLAGS[level] || (feeder.state === 'NORMAL' ? wrong : feeder.state);
  return el(
    'article',
    { class: 'feeder', 'data-level': level, 'data-stale': stale },
    el('header', {}, el('h3', {}, feeder.name), el('span', { class: 'flag' }, flag)),
    el(
      'p',
      { class: 'figure' },
      el('strong', {}, `${kw(feeder.powerKw)} kW`),
      el('span', {}, headroom === null ? '' : headroomText(headroom)),
    ),
    el(
      'p',
      { class: 'quality', 'data-quality': feeder.quality },
      `Data: ${QUALITIES[feeder.quality] ?? feeder.quality}${read}`,
    ),
    chart(feeder, points, nowMs, level),
  );
}

function headroomText(percent) {
  const rounded = Math.abs(percent).toFixed(percent > -10 && percent < 10 ? 1 : 0);
  return percent >= 0 ? `${rounded} % below limit` : `${rounded} % above limit`;
}

function chart(feeder, points, nowMs, level) {
  const shown = points.filter((point) => point.atMs >= nowMs - PAST_MS);
  const forecast = feeder.forecast.filter((point) => point.atMs > nowMs && point.atMs <= nowMs + FUTURE_MS);
  const top =
    1.12 *
    Math.max(feeder.limitKw, feeder.powerKw ?? 0, ...shown.map((p) => p.powerKw), ...forecast.map((p) => p.highKw));
  const floor = Math.min(0, ...shown.map((p) => p.powerKw), ...forecast.map((p) => p.lowKw));
  const y = (value) => CHART.top + CHART.height * (1 - (value - floor) / (top - floor || 1));
  const inner = WIDTH - CHART.left - CHART.right;
  const x = (ms) => CHART.left + (inner * (ms - nowMs + PAST_MS)) / (PAST_MS + FUTURE_MS);
  const line = (list, pick) =>
    list.map((point) => `${x(point.atMs).toFixed(1)},${y(pick(point)).toFixed(1)}`).join(' ');
  const start =
    feeder.powerKw === null
      ? []
      : [{ atMs: nowMs, powerKw: feeder.powerKw, lowKw: feeder.powerKw, highKw: feeder.powerKw }];
  const ahead = forecast.length > 0 ? [...start, ...forecast] : [];
  const band = `${line(ahead, (p) => p.highKw)} ${line([...ahead].reverse(), (p) => p.lowKw)}`;
  const bottom = CHART.top + CHART.height;
  return svg(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${bottom + 34}`, role: 'img', 'aria-label': describe(feeder, forecast, level) },
    ahead.length > 0 ? svg('polygon', { class: 'forecast-band', points: band }) : null,
    svg('line', { class: 'axis', x1: CHART.left, x2: WIDTH - CHART.right, y1: bottom, y2: bottom }),
    svg('line', { class: 'axis', x1: x(nowMs), x2: x(nowMs), y1: CHART.top, y2: bottom }),
    svg('line', {
      class: 'limit-dash',
      x1: CHART.left,
      x2: WIDTH - CHART.right,
      y1: y(feeder.limitKw),
      y2: y(feeder.limitKw),
    }),
    svg('text', { x: CHART.left, y: y(feeder.limitKw) - 2 }, `limit ${kw(feeder.limitKw)} kW`),
    svg('polyline', { class: 'forecast-line', points: line(ahead, (p) => p.powerKw) }),
    svg('polyline', { class: 'load-line', points: line(shown, (p) => p.powerKw) }),
    feeder.powerKw === null ? null : svg('circle', { class: 'now-point', cx: x(nowMs), cy: y(feeder.powerKw), r: 3 }),
    svg('text', { x: CHART.left, y: bottom + 10 }, time(nowMs - PAST_MS)),
    svg('text', { x: x(nowMs), y: bottom + 10, 'text-anchor': 'middle' }, `now ${time(nowMs)}`),
    svg('text', { x: WIDTH - CHART.right, y: bottom + 10, 'text-anchor': 'end' }, time(nowMs + FUTURE_MS)),
    ...bar(feeder, bottom + 16),
  );
}

/** The whole width is 125 % of the limit, so that the mark of the limit stands at one place on every feeder. */
function bar(feeder, top) {
  const inner = WIDTH - CHART.left - CHART.right;
  const width = (value) => (inner * Math.min(1.25, Math.max(0, value / feeder.limitKw))) / 1.25;
  const at = CHART.left + width(feeder.limitKw);
  const release = CHART.left + width(feeder.releaseKw);
  return [
    svg('rect', { class: 'bar-ground', x: CHART.left, y: top, width: inner, height: 9 }),
    svg('rect', { class: 'bar-load', x: CHART.left, y: top, width: width(feeder.powerKw ?? 0), height: 9 }),
    svg('line', { class: 'limit-dash', x1: release, x2: release, y1: top, y2: top + 9 }),
    svg('line', { class: 'limit-line', x1: at, x2: at, y1: top - 3, y2: top + 12 }),
  ];
}

function describe(feeder, forecast, level) {
  const highest = forecast.reduce((best, point) => (best && best.powerKw >= point.powerKw ? best : point), undefined);
  const ahead = highest ? `; forecast to reach ${kw(highest.powerKw)} kW at ${time(highest.atMs)}` : '';
  const word = level === 'bad' ? 'over the limit' : level === 'warn' ? 'near the limit' : 'below the limit';
  return `Load ${kw(feeder.powerKw)} kW of ${kw(feeder.limitKw)} kW, ${word}${ahead}`;
}
