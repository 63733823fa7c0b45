import type { DerManifest } from '@flexder/der-simulators/model.ts';

/** What a customer's contract says of a simulated device. */
export function contractOf(der: DerManifest) {
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
