// What the page knows: a snapshot, then deltas whose items replace those of the same id.
const ORDERS = 200;
const OVERLOADS = 50;
const RECORDS = 100;
const POINTS = 500;
const RECENT_MS = 3 * 3_600_000;
const POINT_MS = 30_000;

export function fromSnapshot(snapshot) {
  return {
    mode: snapshot.mode,
    dso: snapshot.dso,
    clocks: snapshot.clocks,
    feeders: new Map(snapshot.feeders.map((feeder) => [feeder.feederId, feeder])),
    overloads: new Map(snapshot.overloads.map((overload) => [overload.eventId, overload])),
    orders: new Map(snapshot.orders.map((order) => [order.obpId, order])),
    load: new Map(Object.entries(snapshot.recentLoad)),
    audit: snapshot.audit,
  };
}

export function apply(state, delta) {
  state.clocks = delta.clocks;
  for (const feeder of delta.feeders ?? []) {
    state.feeders.set(feeder.feederId, feeder);
    addPoint(state, feeder);
  }
  for (const overload of delta.overloads ?? []) state.overloads.set(overload.eventId, overload);
  for (const order of delta.orders ?? []) state.orders.set(order.obpId, order);
  const last = state.audit.at(-1)?.seq ?? 0;
  const records = (delta.audit ?? []).filter((record) => record.seq > last);
  state.audit = [...state.audit, ...records].slice(-RECORDS);
  trim(state.overloads, OVERLOADS, (overload) => Date.parse(overload.detectedAt));
  trim(state.orders, ORDERS, (order) => order.createdMs);
}

/** The line gets a point every half minute; the newest one stands for the moment. */
function addPoint(state, feeder) {
  if (feeder.powerKw === null || feeder.at === null) return;
  const points = state.load.get(feeder.feederId) ?? [];
  const before = points.at(-2);
  if (before && feeder.at - before.atMs < POINT_MS) points.pop();
  const last = points.at(-1);
  if (!last || feeder.at > last.atMs)
    points.push({ atMs: feeder.at, powerKw: feeder.powerKw, quality: feeder.quality });
  while (points.length > POINTS || (points[0] && points[0].atMs < feeder.at - RECENT_MS)) points.shift();
  state.load.set(feeder.feederId, points);
}

function trim(items, most, ageOf) {
  if (items.size <= most) return;
  const oldest = [...items].sort((a, b) => ageOf(a[1]) - ageOf(b[1])).slice(0, items.size - most);
  for (const [key] of oldest) items.delete(key);
}

/** Normal, near the limit (above the release level) or over it. */
export function levelOf(feeder) {
  if (feeder.powerKw === null) return 'unknown';
  if (feeder.powerKw >= feeder.limitKw) return 'bad';
  return feeder.powerKw > feeder.releaseKw ? 'warn' : 'normal';
}

export const STALE_MS = 300_000;
const CLOSED = new Set(['COMPLETED', 'CANCELLED', 'DECLINED', 'EXPIRED']);

export function isClosed(order) {
  return CLOSED.has(order.state);
}

/** One sentence of state, with its level. */
export function sentence(state, anomalies) {
  const feeders = [...state.feeders.values()];
  const over = feeders.filter((feeder) => levelOf(feeder) === 'bad');
  const short = [...state.overloads.values()].filter((overload) => overload.state === 'SHORT');
  const open = [...state.overloads.values()].filter((overload) => overload.state !== 'RELEASED');
  const running = [...state.orders.values()].filter((order) => !isClosed(order));
  const orders = running.length === 1 ? '1 order in flight' : `${running.length} orders in flight`;
  if (over.length > 0) {
    const names = over.map((feeder) => feeder.name).join(', ');
    return { level: 'bad', text: `▲ Over its limit: ${names}. ${orders}.` };
  }
  if (short.length > 0) {
    return {
      level: 'warn',
      text: `◆ Relief falls short on ${short.map((overload) => overload.feederId).join(', ')}. ${orders}.`,
    };
  }
  const events =
    open.length === 0 ? 'no open event' : open.length === 1 ? '1 open event' : `${open.length} open events`;
  const all = feeders.length === 1 ? 'The feeder is' : `All ${feeders.length} feeders are`;
  if (anomalies > 0) {
    const known = feeders.some((feeder) => feeder.powerKw === null) ? '' : ` ${all} below the limit;`;
    const found = anomalies === 1 ? '1 anomaly' : `${anomalies} anomalies`;
    return { level: 'warn', text: `◆ ${found}.${known} ${events}, ${orders}.` };
  }
  if (feeders.length === 0) return { level: 'normal', text: 'No feeder is configured.' };
  return { level: 'normal', text: `${all} below the limit; ${events}, ${orders}.` };
}
