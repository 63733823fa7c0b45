/** Messages that are accepted as they stand, of a live network. */
import { aggregator, dso, type Scenario, scenario } from '@flexder/protocol/beckn/inbound.fixture.ts';
import { encodeCatalogue } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { FlexOffer, TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import type { Address, Counterparty } from './counterparty.ts';
import type { TestNetwork } from './network.ts';

const MINUTE_MS = 60_000;

export function offerOf(net: TestNetwork, bppId: string, changes: Partial<FlexOffer> = {}): FlexOffer {
  const nowMs = net.context.grid.nowMs();
  const availability: TimeWindow = { startMs: nowMs, endMs: nowMs + 120 * MINUTE_MS };
  const feederId = net.scenario.feeders[0]!.feederId;
  return {
    ...{ bppId, providerId: 'agg-1', itemId: 'block-1', fulfillmentId: 'f-1', feederId, availability },
    ...{ direction: 'TURN_DOWN', deviceType: 'battery', availableKw: 50, minimumKw: 1, stepKw: 0.1 },
    ...{ priceGbpPerKwh: 0.05, responseSeconds: 5, minimumNoticeSeconds: 0, maxDurationSeconds: 14_400 },
    ...{ maxEventsPerDay: 48, rampKwPerMinute: 600, baselineMethod: 'mean-5-minutes-before', baselineKw: 60 },
    ...{ reliability: 1, eventsCompleted: 100 },
    ...changes,
  } as FlexOffer;
}

export const catalogue = (net: TestNetwork) => encodeCatalogue('agg-1', 'Aggregator', [offerOf(net, aggregator.id)]);

export function live(
  net: TestNetwork,
  peer: Counterparty,
  to: Address,
  action: 'select' | 'on_search' | 'search',
  message: unknown,
  transactionId = net.context.ids.uuid(),
): Scenario {
  const nowMs = net.context.wall.nowMs();
  const createdS = Math.floor(nowMs / 1000);
  return {
    ...scenario(),
    nowMs,
    path: action,
    message: { context: peer.contextOf(action, to, { transactionId }), message },
    signer: { ...(peer.type === 'BAP' ? dso : aggregator), url: peer.url },
    keyId: peer.keys.keyId,
    createdS,
    expiresS: createdS + 30,
  };
}
