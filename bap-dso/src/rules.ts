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

/** By which Grid Monitoring finds an overload, here or at the edge. */
export const OVERLOAD_RULES: readonly Rule[] = [OVERLOAD_MEASURED, OVERLOAD_FORECAST];

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

export const RESPONSE_VERIFIED: Rule = {
  id: 'response-verified',
  version: '1',
  text: 'Once relief is due the fall against the five minutes before dispatch is compared with the commitment. A load near the limit, or a shortfall while it is above the release level, is topped up.',
};

export const ACKNOWLEDGED_SHORT: Rule = {
  id: 'acknowledged-short',
  version: '1',
  text: 'When every answer is counted and the acknowledged kW are short of the need, the gap is bought before it shows at the feeder.',
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
