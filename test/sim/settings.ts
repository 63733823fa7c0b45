/** How each service of a simulation is configured: as a sandbox is, with shorter waits after an order. */
import { bapConfig } from '@flexder/bap-dso/config.ts';
import { parseConfig } from '@flexder/bpp-aggregator/config.ts';
import { enrolledOnce } from '@flexder/bpp-aggregator/enrolment/document.ts';
import type { DerManifest } from '@flexder/der-simulators/model.ts';
import { subscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { CITY, COUNTRY, DOMAIN, DSO_ID, GATEWAY_ID, HOST } from '@flexder/sandbox/network/ids.ts';
import type { SimScenario } from './scenario.ts';

export const PORTS = { registry: 7001, gateway: 7002, bap: 7003, aggregator: 7010 };
const registryUrl = `http://${HOST}:${PORTS.registry}`;

export function gatewayConfig() {
  const place = { host: HOST, port: PORTS.gateway, profile: 'sandbox' as const };
  return {
    ...place,
    registryUrl,
    domain: DOMAIN,
    country: COUNTRY,
    city: CITY,
    subscriberId: subscriberId(GATEWAY_ID),
  };
}

function contractOf(der: DerManifest) {
  const { derId, type, ratedKw, importMsid, exportMsid, essential } = der;
  const consent = { fromMs: der.consent.validFromMs, untilMs: der.consent.validUntilMs };
  return { derId, type, feederId: der.feederId, ratedKw, importMsid, exportMsid, consent, essential };
}

export const portfolioOf = ({ ders }: SimScenario, id: string) =>
  ders.filter((der) => der.aggregatorId === id).map(contractOf);

export function aggregatorConfig(
  scenario: SimScenario,
  index: number,
  busCredentials: { username: string; password: string },
) {
  const {
    subscriberId: id,
    name,
    providerId,
    priceGbpPerKwh,
    quoteShare,
    maxEventsPerDay,
  } = scenario.aggregators[index]!;
  return parseConfig({
    ...{ subscriberId: id, name, providerId, priceGbpPerKwh, quoteShare, maxEventsPerDay, busCredentials, registryUrl },
    ...{ host: HOST, port: PORTS.aggregator + index, networkProfile: 'sandbox', releaseSpreadSeconds: 60 },
    portfolio: portfolioOf(scenario, id),
    enrolment: enrolledOnce(portfolioOf(scenario, id)),
  });
}

export function bapConfigOf({ feeders }: SimScenario, busCredentials: { username: string; password: string }) {
  return bapConfig({
    ...{ host: HOST, port: PORTS.bap, subscriberId: DSO_ID, dsoName: 'Simulated DSO', registryUrl, busCredentials },
    networkProfile: 'sandbox',
    feeders: feeders.map(({ feederId: id, limitKw }) => ({ feederId: id, name: id, limitKw })),
    ...{ defaultWindowMinutes: 30, releaseStaggerSeconds: 30, orderChanges: 'by-rule' },
    ...{ gatherBoundMs: 1_000, gatherOverallMs: 3_000, answerTimeoutMs: 3_000 },
  });
}
