import { type AggregatorSettings, parseConfig } from '@flexder/bpp-aggregator/config.ts';
import { enrolledOnce } from '@flexder/bpp-aggregator/enrolment/document.ts';
import { type AggregatorService, startAggregator } from '@flexder/bpp-aggregator/main.ts';
import type { DerManifest } from '@flexder/der-simulators/model.ts';
import { subscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { aggregatorAccount } from '@flexder/runtime/engines/bus/accounts.ts';
import type { Scenario, ScenarioAggregator } from '../scenario/types.ts';
import type { Closing } from './closing.ts';
import type { Foundation, Login } from './foundation.ts';
import { HOST } from './ids.ts';

export type AggregatorChanges = (one: ScenarioAggregator, index: number) => Partial<AggregatorSettings>;

/** What a customer's contract says of a simulated device. */
function contractOf(der: DerManifest) {
  return {
    derId: der.derId,
    type: der.type,
    feederId: der.feederId,
    ratedKw: der.ratedKw,
    importMsid: der.importMsid,
    exportMsid: der.exportMsid,
    consent: { fromMs: der.consent.validFromMs, untilMs: der.consent.validUntilMs },
    essential: der.essential,
  };
}

/**
 * Starts the scenario's aggregators, lets them take over their meters' past and enrol their devices.
 * @returns the services, and the login that each device was given at enrolment, by DER id
 */
export async function startAggregators(
  scenario: Scenario,
  { contextOf, grant, secret }: Foundation,
  registryUrl: string,
  closing: Closing,
  changes: AggregatorChanges = () => ({}),
): Promise<{ aggregators: AggregatorService[]; logins: Map<string, Login> }> {
  const aggregators: AggregatorService[] = [];
  const logins = new Map<string, Login>();
  const history = scenario.aggregators.length > 0 ? scenario.meterHistory() : [];
  for (const [index, one] of scenario.aggregators.entries()) {
    const { subscriberId: id, name, providerId, priceGbpPerKwh, quoteShare, maxEventsPerDay } = one;
    const portfolio = scenario.ders.filter((der) => der.aggregatorId === id).map(contractOf);
    const config = parseConfig({
      ...{ subscriberId: id, name, providerId, priceGbpPerKwh, quoteShare, maxEventsPerDay },
      host: HOST,
      port: 0,
      registryUrl,
      networkProfile: 'sandbox',
      busCredentials: grant(aggregatorAccount(subscriberId(id), secret())),
      portfolio,
      enrolment: enrolledOnce(portfolio),
      ...changes(one, index),
    });
    const service = closing.add(await startAggregator(contextOf(id), config));
    const meters = new Set(config.portfolio.map((der) => der.importMsid));
    await service.importMeterHistory(history.filter((row) => meters.has(row.import_msid)));
    for (const account of await service.enrol(config.portfolio)) {
      logins.set(account.username.split('/').at(-1)!, grant(account));
    }
    aggregators.push(service);
  }
  return { aggregators, logins };
}
