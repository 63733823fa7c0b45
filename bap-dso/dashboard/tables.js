// Events, orders and audit records as rows.
import { duration, el, kw, time } from './dom.js';
import { isClosed } from './state.js';

export function cell(label, attributes, ...children) {
  return el('td', { 'data-label': label, ...attributes }, ...children);
}

const number = (label, value, ...more) => cell(label, { class: 'number' }, value, ...more);
export const note = (text) => el('span', { class: 'note' }, text);

const EVENT_STATES = {
  BUYING: ['buying relief', ''],
  DISPATCHED: ['dispatched', ''],
  RELIEVED: ['✓ relieved', ''],
  SHORT: ['◆ short of relief', 'warn'],
  RELEASED: ['released', ''],
};

export function eventRow(event) {
  const [state, level] = EVENT_STATES[event.state] ?? [event.state, ''];
  const emergency = event.interventionClass === 'EMERGENCY' ? note('EMERGENCY') : null;
  const over = event.peakDuringKw !== null && event.peakDuringKw >= event.limitKw;
  return el(
    'tr',
    { class: event.state === 'RELEASED' ? 'closed' : undefined },
    cell('Feeder', {}, event.feederId),
    cell(
      'State',
      {},
      el('span', { class: level || undefined }, state),
      emergency,
      event.toppedUp ? note('topped up') : null,
    ),
    cell(
      'Detected',
      {},
      `${time(Date.parse(event.detectedAt))} ${event.detectedBy}`,
      note(`${event.ruleId} v${event.ruleVersion}`),
    ),
    cell('Window', {}, `${time(event.window.startMs)}–${time(event.window.endMs)}`),
    number('Requested', kw(event.requestedKw)),
    number('Promised', kw(event.committedKw)),
    number('Acknowledged', kw(event.acknowledgedKw)),
    number('Measured', kw(event.measuredKw)),
    number(
      'Peak / limit',
      el(
        'span',
        { class: over ? 'bad' : undefined },
        `${over ? '▲ ' : ''}${kw(event.peakDuringKw)} / ${kw(event.limitKw)}`,
      ),
    ),
  );
}

const FAILED = new Set(['DECLINED', 'EXPIRED']);

/** Rows carry their countdown's instants; `tickRow` renews the text each second. */
export function orderRow(order) {
  const failed = FAILED.has(order.state);
  const state = `${failed ? '◆ ' : ''}${order.state.toLowerCase().replace('_', ' ')}`;
  const short =
    order.devices?.closed && order.acknowledgedKw !== null && order.acknowledgedKw < 0.95 * order.promisedKw;
  return el(
    'tr',
    { class: isClosed(order) && !failed ? 'closed' : undefined },
    cell('Feeder', {}, order.feederId, order.topUp ? note('top-up') : null),
    cell('Aggregator', {}, order.bppId, note(`OBP ${order.obpId}`)),
    cell(
      'Beckn step',
      {},
      el('span', { class: failed ? 'warn' : undefined }, order.step),
      note(state),
      order.reason ? note(order.reason) : null,
    ),
    cell('Next', { 'data-next': 'true', class: 'whole' }, '–'),
    number(
      'Promised',
      kw(order.promisedKw),
      order.promisedKw < order.requestedKw ? note(`of ${kw(order.requestedKw)}`) : null,
    ),
    number(
      'Acknowledged',
      el('span', { class: short ? 'warn' : undefined }, `${short ? '◆ ' : ''}${kw(order.acknowledgedKw)}`),
    ),
    number('Measured', kw(order.measuredKw)),
    cell('Devices', { class: 'whole' }, devices(order.devices)),
    number(
      'Dispatched in',
      order.detectionToDispatchMs === null ? '–' : `${Math.round(order.detectionToDispatchMs)} ms`,
    ),
  );
}

function devices(answers) {
  if (!answers) return '–';
  const { commands, accepted, rejected, optedOut, silent, closed } = answers;
  const counts = `${accepted} · ${rejected} · ${optedOut} · ${silent}`;
  const label = `${accepted} accepted, ${rejected} refused, ${optedOut} opted out, ${silent} ${closed ? 'silent' : 'not yet answered'}`;
  const missing = closed && silent > 0;
  return el(
    'span',
    { title: label },
    el(
      'span',
      { class: missing ? 'warn' : undefined, 'aria-label': label, role: 'img' },
      missing ? `◆ ${counts}` : counts,
    ),
    note(`of ${commands}${closed ? '' : ', waiting'}`),
  );
}

/** What comes next and when: an answer that is due (wall clock), or the window (grid time). */
export function nextOf(order, wallMs, gridMs) {
  if (isClosed(order)) return 'done';
  if (order.answerDueMs !== null) {
    const leftMs = order.answerDueMs - wallMs;
    return leftMs >= 0 ? `answer in ${duration(leftMs)}` : `◆ answer ${duration(-leftMs)} late`;
  }
  if (gridMs < order.window.startMs) return `starts in ${duration(order.window.startMs - gridMs)}`;
  return gridMs < order.window.endMs ? `ends in ${duration(order.window.endMs - gridMs)}` : 'window over';
}

export function auditItem(record) {
  const about = [record.feeder_id, record.counterparty_id, record.beckn_action, record.obp_id]
    .filter(Boolean)
    .join(' · ');
  return el(
    'li',
    {},
    el('span', { class: 'seq' }, `#${record.seq} ${String(record.ts_utc).slice(11, 23)} UTC `),
    el('strong', {}, record.event_type),
    record.code ? ` ${record.code}` : null,
    about ? el('span', {}, ` ${about}`) : null,
    record.decision ? el('span', { class: 'note' }, ` ${record.decision}`) : null,
  );
}
