/** What a person makes of each alarm: how soon, what it means, what follows, and what to do. The runbook says more. */
import type { AlarmKind } from './alarms.ts';

/** `high`: now; `medium`: within the hour; `low`: this shift. */
export type AlarmPriority = 'high' | 'medium' | 'low';

export interface AlarmText {
  readonly priority: AlarmPriority;
  /** In two or three words. */
  readonly title: string;
  readonly cause: string;
  readonly consequence: string;
  readonly action: string;
}

export const ALARM_TEXTS: Readonly<Record<AlarmKind, AlarmText>> = {
  'decision-needed': {
    priority: 'high',
    title: 'Decision needed',
    cause: 'Mode, kW or cost of the feeder ask for a person.',
    consequence: 'Nothing is bought until somebody decides or the countdown does.',
    action: 'Open the event, compare its options, approve one or decline.',
  },
  'nothing-to-buy': {
    priority: 'high',
    title: 'Nothing to buy',
    cause: 'No aggregator offers anything that fits.',
    consequence: 'The overload is not relieved.',
    action: 'Call the aggregators; shed by the emergency procedure when the load is above the limit.',
  },
  'plan-insufficient': {
    priority: 'high',
    title: 'Not enough offered',
    cause: 'All offers together are less than the need.',
    consequence: 'The load may stay above the limit.',
    action: 'Look at what was excluded and why; call the aggregators for the rest.',
  },
  'relief-short': {
    priority: 'high',
    title: 'Relief falls short',
    cause: 'The load fell less than promised, and all means are used.',
    consequence: 'The feeder stays above its release level.',
    action: 'Emergency procedure; compare acknowledged with measured and note the aggregator.',
  },
  'load-collapse': {
    priority: 'high',
    title: 'Load collapsed',
    cause: 'The load fell to nearly nothing, not by dispatch.',
    consequence: 'Customers may be off supply.',
    action: 'Treat as an outage until it is known to be telemetry.',
  },
  'several-feeders': {
    priority: 'high',
    title: 'Several feeders',
    cause: 'Feeders of one substation fail together: the fault is above them.',
    consequence: 'The alarms of each of them follow from it.',
    action: 'Treat as one incident: the substation, its RTU, the link to it.',
  },
  'search-undelivered': {
    priority: 'medium',
    title: 'Search not delivered',
    cause: 'The gateway did not take the search.',
    consequence: 'Nothing is bought yet; it is repeated at the next reading.',
    action: 'Look at the gateway and the registry.',
  },
  'telemetry-missing': {
    priority: 'medium',
    title: 'Event without telemetry',
    cause: 'A feeder with an open event is not read.',
    consequence: 'Whether relief is enough is judged by what was promised.',
    action: 'Restore the reading: the RTU, its account at the broker, its clock.',
  },
  'transformer-out': {
    priority: 'medium',
    title: 'Transformer out (N-1)',
    cause: 'The switchgear shows a transformer out.',
    consequence: 'The limit of the feeder is its firm rating.',
    action: 'Is it planned? Move load to a neighbour when the firm rating is near.',
  },
  'above-firm': {
    priority: 'medium',
    title: 'Not N-1 secure',
    cause: 'The load could not be carried with the largest transformer out.',
    consequence: 'An outage of it would overload the rest; nothing is bought for that.',
    action: 'Prepare relief or a transfer.',
  },
  'rate-of-rise': {
    priority: 'medium',
    title: 'Steep rise',
    cause: 'The load rose by 15 % of its limit within five minutes.',
    consequence: 'The limit may be reached sooner than forecast.',
    action: 'Watch the forecast; look for switching or a fault next door.',
  },
  'data-missing': {
    priority: 'medium',
    title: 'Data missing',
    cause: 'A feeder that was read is not read any more.',
    consequence: 'An overload would not be seen.',
    action: 'Restore the reading: the RTU, its account at the broker, refused samples.',
  },
  'sensor-stuck': {
    priority: 'medium',
    title: 'Sensor stuck',
    cause: 'A value does not move.',
    consequence: 'An overload would not be seen.',
    action: 'Restore the measurement; judge the feeder by its neighbours.',
  },
  'value-impossible': {
    priority: 'low',
    title: 'Impossible value',
    cause: 'A value is no load of this feeder; it is not used.',
    consequence: 'The feeder counts as not read until it is right.',
    action: 'Who changed scaling or firmware? Correct it.',
  },
  'unit-confused': {
    priority: 'low',
    title: 'Another unit',
    cause: 'A value looks like W or MW; it is not used.',
    consequence: 'The feeder counts as not read until it is right.',
    action: 'Who changed scaling or firmware? Correct it.',
  },
  'cancel-undelivered': {
    priority: 'medium',
    title: 'Cancellation not delivered',
    cause: 'The aggregator did not take the cancellation of an order.',
    consequence: 'The order may still be carried out, and be charged.',
    action: 'Call the aggregator with the OBP id.',
  },
  'cancel-refused': {
    priority: 'medium',
    title: 'Cancellation refused',
    cause: 'The aggregator refused to cancel an order.',
    consequence: 'The order may still be carried out, and be charged.',
    action: 'Call the aggregator with the OBP id.',
  },
  'change-refused': {
    priority: 'low',
    title: 'Change refused',
    cause: 'The aggregator does not change an order as it was asked to.',
    consequence: 'The order stands as it was.',
    action: 'Read why; cancel it, or buy from others what is missing.',
  },
  'change-unanswered': {
    priority: 'medium',
    title: 'Change not answered',
    cause: 'The aggregator did not answer a change of an order.',
    consequence: 'The order stands as it was here, and may be changed there.',
    action: 'Its status is asked for; call the aggregator with the OBP id when the two differ.',
  },
  'excluded-der-used': {
    priority: 'medium',
    title: 'Excluded device used',
    cause: 'The aggregator commanded a device that was excluded from the order.',
    consequence: 'Whatever it was excluded for may happen; the kW it gives are in the order.',
    action: 'Call the aggregator with the OBP id; cancel the order, or exclude the aggregator.',
  },
  'completion-missing': {
    priority: 'low',
    title: 'No final report',
    cause: 'The window is over and no final report came.',
    consequence: 'Settlement of the order waits.',
    action: 'Ask the aggregator for the status of the order.',
  },
  'order-lost': {
    priority: 'low',
    title: 'Order unknown to the aggregator',
    cause: 'The aggregator does not know an order that we hold.',
    consequence: 'The two records disagree at settlement.',
    action: 'Compare both records by OBP id and agree by hand.',
  },
};
