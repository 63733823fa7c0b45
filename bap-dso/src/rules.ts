/** The rules by which the DSO acts, by id and version: every record names the one it followed. */
export interface Rule {
  readonly id: string;
  readonly version: string;
  readonly text: string;
}

export const OVERLOAD_MEASURED: Rule = {
  id: 'overload-measured',
  version: '1',
  text: 'A measured load at or above the limit opens an event, unless the feeder has one open.',
};

export const OVERLOAD_FORECAST: Rule = {
  id: 'overload-forecast',
  version: '1',
  text: 'A forecast load at or above the limit within the horizon opens an event ahead of it, unless the feeder has one open or closed one within ten minutes.',
};

export const OVERLOAD_N1: Rule = {
  id: 'overload-n-1',
  version: '1',
  text: 'With a transformer out of service the limit is the firm rating, what is left with the largest one out; a measured load at or above it opens an event, unless the feeder has one open.',
};

/** By which Grid Monitoring finds an overload, here or at the edge. */
export const OVERLOAD_RULES: readonly Rule[] = [OVERLOAD_MEASURED, OVERLOAD_FORECAST, OVERLOAD_N1];

export const RATE_OF_RISE: Rule = {
  id: 'rate-of-rise',
  version: '1',
  text: 'A load below its limit that rises by 15 % of it within five minutes is an anomaly, unless dispatch changes the load.',
};

export const LOAD_COLLAPSE: Rule = {
  id: 'load-collapse',
  version: '1',
  text: 'A load of at least a tenth of the limit that falls below that and to less than a fifth of its five-minute mean is an anomaly, unless dispatch changes the load.',
};

export const SENSOR_STUCK: Rule = {
  id: 'sensor-stuck',
  version: '1',
  text: 'A value that stays the same to the last digit for half an hour and ten readings is that of a stuck sensor.',
};

export const VALUE_IMPOSSIBLE: Rule = {
  id: 'value-impossible',
  version: '1',
  text: 'A value of more than ten times the normal rating is not a load: protection would have tripped. It is not used.',
};

export const UNIT_CONFUSED: Rule = {
  id: 'unit-confused',
  version: '1',
  text: 'A value a thousand times the last one or a thousandth of it, to a fifth, is one in another unit. It is not used.',
};

export const DATA_MISSING: Rule = {
  id: 'data-missing',
  version: '1',
  text: 'A feeder that was read and is not for five minutes and for three of its usual intervals is missing.',
};

export const ABOVE_FIRM: Rule = {
  id: 'above-firm',
  version: '1',
  text: 'A load below its limit and at or above the firm rating could not be carried with the largest transformer out.',
};

export const TRANSFORMER_OUT: Rule = {
  id: 'transformer-out',
  version: '1',
  text: 'While a transformer is told to be out, and for ten minutes after, the limit of its feeder is at most the firm rating.',
};

export const SEVERAL_FEEDERS: Rule = {
  id: 'several-feeders',
  version: '1',
  text: 'Two or more feeders of one substation that are missing, collapsed or above their limits at once point to a fault above them.',
};

/** By which Grid Monitoring finds what is no overload; a person hears of it, and nothing is bought for it. */
export const ANOMALY_RULES: readonly Rule[] = [
  RATE_OF_RISE,
  LOAD_COLLAPSE,
  SENSOR_STUCK,
  VALUE_IMPOSSIBLE,
  UNIT_CONFUSED,
  DATA_MISSING,
  ABOVE_FIRM,
  TRANSFORMER_OUT,
  SEVERAL_FEEDERS,
];

export const FINDING_STALE: Rule = {
  id: 'finding-stale',
  version: '1',
  text: 'A finding of the edge that arrives later than its bound is recorded and not acted on: the load is another one by now, and the edge goes on finding.',
};

export const CHEAPEST_SUFFICIENT: Rule = {
  id: 'cheapest-sufficient',
  version: '1',
  text: 'Of the eligible blocks the cheapest set is bought whose kW, each times its reliability, cover the need; when none does, all of them.',
};

export const COUNTDOWN_OVER: Rule = {
  id: 'countdown-over',
  version: '1',
  text: 'Nobody decided within the time for it: what the mode says for that case holds.',
};

export const WINDOW_OVER: Rule = {
  id: 'window-over',
  version: '1',
  text: 'Nobody decided before the window was over: nothing is bought for it.',
};

export const EMERGENCY_ESCALATION: Rule = {
  id: 'emergency-escalation',
  version: '1',
  text: 'An event whose incentive means are used up while the load is at or above the limit goes on under emergency terms, once.',
};

export const RESPONSE_VERIFIED: Rule = {
  id: 'response-verified',
  version: '1',
  text: 'Once relief is due the fall against the five minutes before dispatch is compared with the commitment. A load near the limit, or a shortfall while it is above the release level, is topped up.',
};

export const ACKNOWLEDGED_SHORT: Rule = {
  id: 'acknowledged-short',
  version: '1',
  text: 'When every answer is counted, or their time is over, and the acknowledged kW are short of the need, the gap is bought before it shows at the feeder.',
};

export const FALLBACK_ARMED: Rule = {
  id: 'fallback-armed',
  version: '1',
  text: 'With every plan the next cheapest offers are held ready that would stand in for the aggregator most is expected of: of others than it as tier 1, of yet others as tier 2 behind it. Nothing is asked or paid for them.',
};

export const FALLBACK_RELEASED: Rule = {
  id: 'fallback-released',
  version: '1',
  text: 'When the acknowledged kW are short, or confirmed orders are lost, the tier that is armed is bought without a further search, less the offers of who failed; the tier behind it is armed in its place. Offers older than half an hour are searched anew.',
};

export const SURPLUS_RETURNED: Rule = {
  id: 'surplus-returned',
  version: '1',
  text: 'Where the load read in the last ten minutes and forecast until the window ends stays below the release level by more than a tenth of the commitment, what is more than that, and at least a fifth of the commitment, is given back of the dearest order; once in ten minutes.',
};

export const ORDER_PROLONGED: Rule = {
  id: 'order-prolonged',
  version: '1',
  text: 'Where the load would pass the limit without the relief when its window ends, each running order is prolonged by half an hour at the price agreed, once; what is refused is bought anew when it shows.',
};

export const EVENT_RELEASED: Rule = {
  id: 'event-released',
  version: '1',
  text: 'An event ends when its window and those of all its orders are over, or the orders completed or cancelled. Metering and settlement follow it.',
};

/** The members of an audit record that name a rule. */
export function ruleOf(rule: Rule): { readonly rule_id: string; readonly rule_version: string } {
  return { rule_id: rule.id, rule_version: rule.version };
}
