// What is wrong beside an overload: one row an anomaly, of a feeder or of what feeds several.
import { dateTime, el, time } from './dom.js';
import { cell, note } from './tables.js';

const WORDS = {
  'rate-of-rise': 'steep rise',
  'load-collapse': 'load collapsed',
  'sensor-stuck': 'sensor stuck',
  'value-impossible': 'impossible value',
  'unit-confused': 'another unit',
  'data-missing': 'data missing',
  'above-firm': 'not N-1 secure',
  'transformer-out': 'transformer out (N-1)',
  'several-feeders': 'several feeders',
};

/** Newest first; what concerns a whole substation comes with each of its feeders and is one. */
export function anomaliesOf(feeders) {
  const found = new Map();
  for (const feeder of feeders) {
    for (const anomaly of feeder.anomalies ?? []) {
      const where = anomaly.substationId ?? feeder.feederId;
      const id = JSON.stringify([anomaly.substationId !== undefined, where, anomaly.kind]);
      if (!found.has(id)) found.set(id, { id, where, name: anomaly.substationId ?? feeder.name, ...anomaly });
    }
  }
  return [...found.values()].sort((a, b) => b.sinceMs - a.sinceMs || a.id.localeCompare(b.id));
}

export function anomalyRow(anomaly) {
  const { where, name, kind, text, ruleId, ruleVersion, sinceMs, source } = anomaly;
  return el(
    'tr',
    {},
    cell('Where', {}, name, name === where ? null : note(where)),
    cell('Anomaly', {}, el('span', { class: 'warn' }, `◆ ${WORDS[kind] ?? kind}`), note(text)),
    cell('Rule', {}, ruleId, note(`version ${ruleVersion}`)),
    cell('Since', { title: dateTime(sinceMs) }, time(sinceMs)),
    cell(
      'Source',
      { class: 'whole' },
      source ? source.topic : 'no message: shown by what is known of its feeders',
      source ? note(`SHA-256 ${source.sha256.slice(0, 16)}…`) : null,
    ),
  );
}
