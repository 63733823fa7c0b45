// Connects, applies snapshot and deltas, draws. The server speaks once a second: silence means offline.
import { anomaliesOf, anomalyRow } from './anomalies.js';
import { byId, dateTime, duration, el, list, setText } from './dom.js';
import { feederCard } from './feeders.js';
import { apply, fromSnapshot, isClosed, levelOf, sentence } from './state.js';
import { auditItem, eventRow, nextOf, orderRow } from './tables.js';

const SILENT_MS = 5_000;
const GIVE_UP_MS = 20_000;
const RETRY_MS = 3_000;
const SHOWN_RECORDS = 40;

let state;
let source;
let heardAt = 0;
let drawn = true;
let offline = false;

function connect() {
  source?.close();
  source = new EventSource('/api/v1/stream');
  source.addEventListener('snapshot', (message) =>
    hear(() => {
      state = fromSnapshot(JSON.parse(message.data));
    }),
  );
  source.addEventListener('delta', (message) =>
    hear(() => {
      if (state) apply(state, JSON.parse(message.data));
    }),
  );
  source.addEventListener('error', () => {
    offline = true;
    // A refused connection is final for the browser; we try again ourselves.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_MS);
  });
}

function hear(update) {
  update();
  heardAt = performance.now();
  offline = false;
  if (drawn) {
    drawn = false;
    requestAnimationFrame(draw);
  }
}

function draw() {
  drawn = true;
  if (!state) return;
  const nowMs = state.clocks.gridMs;
  byId('mode').dataset.mode = state.mode;
  setText(byId('mode'), state.mode);
  setText(byId('dso'), state.dso.name);
  document.title = `${state.mode} · ${state.dso.name}`;
  const feeders = [...state.feeders.values()].sort(bySeverity);
  const cards = feeders.map((feeder) => ({ feeder, points: state.load.get(feeder.feederId) ?? [], nowMs }));
  if (cards.length > 0) list(byId('feeders'), cards, ({ feeder }) => feeder.feederId, feederCard);
  const anomalies = anomaliesOf(feeders);
  rows('anomalies', anomalies, (anomaly) => anomaly.id, anomalyRow);
  const events = [...state.overloads.values()].sort(
    (a, b) => openFirst(a.state === 'RELEASED', b.state === 'RELEASED') || newest(a, b),
  );
  rows('events', events, (event) => event.eventId, eventRow);
  const orders = [...state.orders.values()].sort(
    (a, b) => openFirst(isClosed(a), isClosed(b)) || b.createdMs - a.createdMs,
  );
  rows('orders', orders, (order) => order.obpId, orderRow);
  rows('audit', state.audit.slice(-SHOWN_RECORDS).reverse(), (record) => String(record.seq), auditItem);
  const { level, text } = sentence(state, anomalies.length);
  byId('sentence').dataset.level = level;
  setText(byId('sentence'), text);
  tick();
}

const LEVELS = ['bad', 'warn', 'unknown', 'normal'];

function bySeverity(a, b) {
  const wrong = (feeder) => ((feeder.anomalies ?? []).length > 0 ? 0 : 1);
  return (
    LEVELS.indexOf(levelOf(a)) - LEVELS.indexOf(levelOf(b)) ||
    wrong(a) - wrong(b) ||
    a.feederId.localeCompare(b.feederId)
  );
}

function openFirst(aClosed, bClosed) {
  return Number(aClosed) - Number(bClosed);
}

function newest(a, b) {
  return Date.parse(b.detectedAt) - Date.parse(a.detectedAt);
}

function rows(id, items, idOf, render) {
  byId(`${id}-empty`).hidden = items.length > 0;
  list(byId(id), items, idOf, render);
}

/** Clocks, ages and countdowns, every second and after every drawing. */
function tick() {
  const silentMs = performance.now() - heardAt;
  const lost = offline || silentMs > SILENT_MS;
  document.body.classList.toggle('offline', lost);
  const link = byId('link');
  link.dataset.link = lost ? 'offline' : 'live';
  if (!state) {
    setText(link, lost ? '✕ not connected' : 'connecting');
    return;
  }
  const age = duration(silentMs);
  setText(link, lost ? `✕ OFFLINE, data is ${age} old` : `● live, ${age} old`);
  const wallMs = state.clocks.wallMs + silentMs;
  setText(byId('grid-clock'), dateTime(state.clocks.gridMs));
  setText(byId('wall-clock'), dateTime(wallMs));
  for (const row of byId('orders').children) {
    const order = state.orders.get(row.dataset.key);
    const next = row.querySelector('[data-next]');
    if (order && next) setText(next, nextOf(order, wallMs, state.clocks.gridMs));
  }
  if (silentMs > GIVE_UP_MS && source.readyState === EventSource.OPEN) connect();
}

async function verify() {
  const button = byId('verify');
  const verdict = byId('verdict');
  button.disabled = true;
  setText(verdict, 'Recomputing every hash …');
  try {
    const response = await fetch('/api/v1/audit/verify');
    const answer = await response.json();
    verdict.replaceChildren(verdictText(response.ok, answer));
  } catch {
    verdict.replaceChildren(el('span', { class: 'bad' }, '✕ No answer: the verdict is unknown.'));
  } finally {
    button.disabled = false;
  }
}

function verdictText(ok, answer) {
  if (!ok) return el('span', { class: 'bad' }, `✕ ${answer.error?.message ?? 'the check failed'}`);
  if (!answer.valid) return el('span', { class: 'bad' }, `✕ BROKEN at record ${answer.seq}: ${answer.detail}`);
  return el('span', {}, `✓ Intact: ${answer.records} records, head ${answer.headHash.slice(0, 16)}…`);
}

byId('verify').addEventListener('click', verify);
setInterval(tick, 1_000);
connect();
