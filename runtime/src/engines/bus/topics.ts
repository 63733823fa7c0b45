import { type DerId, type FeederId, isIdentifier, type SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';

/** The only place where topics of the device bus are built and read. */
export type DeviceTopicKind = 'birth' | 'cmd' | 'ack' | 'telemetry' | 'state';
const KINDS: ReadonlySet<string> = new Set<DeviceTopicKind>(['birth', 'cmd', 'ack', 'telemetry', 'state']);

// The brand says that an identifier was parsed; a cast elsewhere must not become a wildcard here.
function safe<Id extends string>(id: Id): Id {
  if (!isIdentifier(id)) throw new TypeError(`${JSON.stringify(String(id).slice(0, 40))} cannot stand in a topic`);
  return id;
}

/** `flex/v1/{aggregatorId}/{derId}/{kind}` */
export function deviceTopic(aggregatorId: SubscriberId, derId: DerId, kind: DeviceTopicKind): string {
  return `flex/v1/${safe(aggregatorId)}/${safe(derId)}/${kind}`;
}

/** One kind of topic of all devices of an aggregator. */
export function deviceFilter(aggregatorId: SubscriberId, kind: DeviceTopicKind): string {
  return `flex/v1/${safe(aggregatorId)}/+/${kind}`;
}

/** `grid/v1/{dsoId}/{feederId}/telemetry` */
export function feederTopic(dsoId: SubscriberId, feederId: FeederId): string {
  return `grid/v1/${safe(dsoId)}/${safe(feederId)}/telemetry`;
}

/** Telemetry of all feeders of a DSO. */
export function feederFilter(dsoId: SubscriberId): string {
  return `grid/v1/${safe(dsoId)}/+/telemetry`;
}

export type ParsedTopic =
  | {
      readonly family: 'flex';
      readonly aggregatorId: SubscriberId;
      readonly derId: DerId;
      readonly kind: DeviceTopicKind;
    }
  | { readonly family: 'grid'; readonly dsoId: SubscriberId; readonly feederId: FeederId; readonly kind: 'telemetry' };

/** Undefined for any other topic. */
export function parseTopic(topic: string): ParsedTopic | undefined {
  const [family, version, owner, subject, kind, ...more] = topic.split('/');
  if (version !== 'v1' || more.length > 0 || !isIdentifier(owner) || !isIdentifier(subject)) return undefined;
  if (family === 'flex' && kind !== undefined && KINDS.has(kind)) {
    return {
      family,
      aggregatorId: owner as SubscriberId,
      derId: subject as DerId,
      kind: kind as DeviceTopicKind,
    };
  }
  if (family === 'grid' && kind === 'telemetry') {
    return { family, dsoId: owner as SubscriberId, feederId: subject as FeederId, kind };
  }
  return undefined;
}
