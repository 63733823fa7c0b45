/** status: how is the order; on_status: fan-out, relief, and at completion the performance and its meter rows. */
import type { OrderId } from '../../beckn/identifiers.ts';
import { CodecError } from '../codec-error.ts';
import type {
  Commitment,
  DeliveryReport,
  DeviceAnswers,
  DispatchReport,
  FlexSelection,
  FulfilmentState,
  MeterReference,
  OrderReferences,
  Performance,
  PerformanceInterval,
  TimeWindow,
} from '../model.ts';
import { answerTags, readAnswers } from './devices.ts';
import {
  FULFILLMENT,
  fulfillment,
  fulfillmentOf,
  messageOf,
  type OrderEcho,
  oneOf,
  orderOf,
  readEcho,
  readOrderId,
  referenceTags,
  selectionItems,
  type ValidBody,
} from './order.ts';
import { decimal, instant, kw, kwh, readDecimal, readInstant, readRange } from './quantity.ts';
import { findTags, type Tags, tagGroup } from './tags.ts';
import type { WireOrder, WireTagGroup } from './wire.ts';

export function encodeStatus(orderId: OrderId): { order_id: string } {
  return { order_id: orderId };
}

export function decodeStatus(body: ValidBody): { orderId: OrderId } {
  return { orderId: readOrderId(messageOf<{ order_id?: string }>(body).order_id, '/message/order_id') };
}

/** An order's state as its BPP reports it; a FlexOrder with its `key.orderId` lifted out has all of it. */
export interface StatusReport {
  readonly orderId: OrderId;
  readonly selection: FlexSelection;
  readonly references: OrderReferences;
  readonly fulfilment: FulfilmentState;
  /** As changed by an update. */
  readonly changed?: ChangedCommitment;
  readonly dispatch?: DispatchReport;
  /** Once no further answer is counted; a peer may leave it out. */
  readonly devices?: DeviceAnswers;
  readonly delivery?: DeliveryReport;
  readonly performance?: Performance;
  readonly meterReference?: MeterReference;
}

/** What an order is since its latest update: agreed in place of what was confirmed. */
export interface ChangedCommitment extends Commitment {
  readonly revision: number;
  /** From when it is agreed; grid time. */
  readonly fromMs: number;
}

/** As a report is read: an echoed selection is not needed, the order is known by its id. */
export interface StatusAnswer extends OrderEcho, Omit<StatusReport, 'selection' | 'references'> {
  /** Of an order that was changed. */
  readonly window?: TimeWindow;
}

const STATES: readonly FulfilmentState[] = ['SCHEDULED', 'IN_PROGRESS', 'COMPLETED', 'CANCELLED'];
const ORDER_STATUS = { SCHEDULED: 'ACTIVE', IN_PROGRESS: 'ACTIVE', COMPLETED: 'COMPLETE', CANCELLED: 'CANCELLED' };

/** @param nowMs wall time of the report */
export function encodeOnStatus(report: StatusReport, nowMs: number): { order: WireOrder } {
  return {
    order: {
      id: report.orderId,
      status: ORDER_STATUS[report.fulfilment],
      provider: { id: report.selection.providerId },
      items: selectionItems(report.selection),
      fulfillments: [fulfillment(report.selection, { code: report.fulfilment, atMs: nowMs }, reportTags(report))],
      updated_at: instant(nowMs),
      tags: [referenceTags(report.references)],
    },
  };
}

export function decodeOnStatus(body: ValidBody): StatusAnswer {
  const order = orderOf(body);
  const only = fulfillmentOf(order);
  const tags = (code: string) => findTags(only.tags, code, `${FULFILLMENT}/tags`);
  const [dispatch, delivery, meter] = [tags('dispatch'), tags('delivery'), tags('meter-reference')];
  const [performance, commitment] = [tags('performance'), tags('commitment')];
  const changed = commitment && readChanged(commitment);
  const devices = readAnswers(only.tags);
  return {
    orderId: readOrderId(order.id),
    ...readEcho(order),
    fulfilment: oneOf(STATES, only.state?.descriptor?.code, `${FULFILLMENT}/state/descriptor/code`),
    ...(changed && { changed, window: readRange(only.stops?.[0]?.time, `${FULFILLMENT}/stops/0/time`) }),
    ...(dispatch && { dispatch: readDispatch(dispatch) }),
    ...(devices && { devices }),
    ...(delivery && {
      delivery: { measuredKw: number(delivery, 'measured-kw'), shortfallKw: number(delivery, 'shortfall-kw') },
    }),
    ...(performance && { performance: readPerformance(performance, only.tags ?? []) }),
    ...(meter && { meterReference: readMeterReference(meter) }),
  };
}

function reportTags(report: StatusReport): WireTagGroup[] {
  const { changed, dispatch, devices, delivery, performance, meterReference } = report;
  return [
    ...(changed ? [changedTags(changed)] : []),
    ...(dispatch ? [dispatchTags(dispatch)] : []),
    ...answerTags(devices ?? []),
    ...(delivery
      ? [tagGroup('delivery', { 'measured-kw': kw(delivery.measuredKw), 'shortfall-kw': kw(delivery.shortfallKw) })]
      : []),
    ...(performance ? performanceTags(performance) : []),
    ...(meterReference
      ? [
          tagGroup('meter-reference', {
            path: meterReference.path,
            sha256: meterReference.sha256,
            rows: decimal(meterReference.rows, 0),
          }),
        ]
      : []),
  ];
}

function changedTags(changed: ChangedCommitment): WireTagGroup {
  return tagGroup('commitment', {
    'committed-kw': kw(changed.committedKw),
    'baseline-kw': kw(changed.baselineKw),
    revision: decimal(changed.revision, 0),
    'effective-from': instant(changed.fromMs),
  });
}

/** Undefined for the commitment of an order that was never changed. */
function readChanged(tags: Tags): ChangedCommitment | undefined {
  if (tags.optional('revision') === undefined) return undefined;
  return {
    committedKw: number(tags, 'committed-kw'),
    baselineKw: number(tags, 'baseline-kw'),
    revision: number(tags, 'revision'),
    fromMs: readInstant(tags.required('effective-from'), tags.path('effective-from')),
  };
}

function dispatchTags(dispatch: DispatchReport): WireTagGroup {
  const count = (value: number) => decimal(value, 0);
  return tagGroup('dispatch', {
    commands: count(dispatch.commands),
    'first-at': dispatch.firstAtMs === null ? undefined : instant(dispatch.firstAtMs),
    'last-at': dispatch.lastAtMs === null ? undefined : instant(dispatch.lastAtMs),
    accepted: count(dispatch.accepted),
    rejected: count(dispatch.rejected),
    'opted-out': count(dispatch.optedOut),
    expired: count(dispatch.expired),
    silent: count(dispatch.silent),
    'acknowledged-kw': kw(dispatch.acknowledgedKw),
    closed: String(dispatch.closed),
    revision: dispatch.revision === undefined ? undefined : count(dispatch.revision),
  });
}

function readDispatch(tags: Tags): DispatchReport {
  const time = (code: string) => {
    const value = tags.optional(code);
    return value === undefined ? null : readInstant(value, tags.path(code));
  };
  return {
    commands: number(tags, 'commands'),
    firstAtMs: time('first-at'),
    lastAtMs: time('last-at'),
    accepted: number(tags, 'accepted'),
    rejected: number(tags, 'rejected'),
    optedOut: number(tags, 'opted-out'),
    expired: number(tags, 'expired'),
    silent: number(tags, 'silent'),
    acknowledgedKw: number(tags, 'acknowledged-kw'),
    closed: oneOf(['true', 'false'], tags.required('closed'), tags.path('closed')) === 'true',
    ...(tags.optional('revision') !== undefined && { revision: number(tags, 'revision') }),
  };
}

const INTERVAL = 'interval-';

function performanceTags(performance: Performance): WireTagGroup[] {
  return [
    tagGroup('performance', {
      'delivered-kwh': kwh(performance.deliveredKwh),
      'performance-percentage': decimal(performance.ratio * 100, 3),
      'baseline-method': performance.baselineMethod,
    }),
    ...performance.intervals.map((interval) =>
      tagGroup(`${INTERVAL}${instant(interval.startMs).replace('.000Z', 'Z')}`, {
        'baseline-kw': kw(interval.baselineKw),
        'actual-kw': kw(interval.actualKw),
        'reduction-kw': kw(interval.reductionKw),
      }),
    ),
  ];
}

function readPerformance(tags: Tags, groups: readonly WireTagGroup[]): Performance {
  const intervals = groups.filter((group) => group.descriptor.code.startsWith(INTERVAL)).map(readInterval);
  return {
    deliveredKwh: number(tags, 'delivered-kwh'),
    ratio: number(tags, 'performance-percentage') / 100,
    baselineMethod: tags.required('baseline-method'),
    intervals: intervals.sort((a, b) => a.startMs - b.startMs),
  };
}

function readInterval(group: WireTagGroup): PerformanceInterval {
  const path = `${FULFILLMENT}/tags`;
  const code = group.descriptor.code;
  const tags = findTags([group], code, path);
  if (tags === undefined) throw new CodecError(path, `tag group ${code} is empty`);
  return {
    startMs: readInstant(code.slice(INTERVAL.length), path),
    baselineKw: number(tags, 'baseline-kw'),
    actualKw: number(tags, 'actual-kw'),
    reductionKw: number(tags, 'reduction-kw'),
  };
}

const METER_PATH = /^\/(?!\/)[A-Za-z0-9._~/-]{1,300}$/;
const SHA256_HEX = /^[0-9a-f]{64}$/;

/** The path goes below the BPP's registered URL, so it must not climb out of it. */
function readMeterReference(tags: Tags): MeterReference {
  const path = tags.required('path');
  if (!METER_PATH.test(path) || path.split('/').includes('..')) {
    throw new CodecError(tags.path('path'), 'expected a path below the registered URL, without host, query or ..');
  }
  const sha256 = tags.required('sha256');
  if (!SHA256_HEX.test(sha256)) throw new CodecError(tags.path('sha256'), 'expected 64 lower-case hex digits');
  return { path, sha256, rows: number(tags, 'rows') };
}

function number(tags: Tags, code: string): number {
  return readDecimal(tags.required(code), tags.path(code));
}
