/** All four sources behind one context, each at its own pace. */
import type { Context } from '@flexder/runtime/context.ts';
import type { OpenDataConfig, SourceId } from '../config.ts';
import { type SourceAddress, sourceFetch } from '../fetch.ts';
import { NESO_DATASTORE_GAP_MS, NESO_GAP_MS, POLITE_GAP_MS } from '../limits.ts';
import { createPace } from '../pace.ts';
import { type CarbonSource, carbonSource } from './carbon.ts';
import { type ElexonSource, elexonSource } from './elexon.ts';
import { type NesoSource, nesoSource } from './neso.ts';
import { type UkpnSource, ukpnSource } from './ukpn.ts';

export interface Sources {
  readonly ukpn: UkpnSource;
  readonly neso: NesoSource;
  readonly elexon: ElexonSource;
  readonly carbon: CarbonSource;
}

const NAMES: Readonly<Record<SourceId, string>> = {
  ukpn: 'UK Power Networks open data',
  neso: 'NESO data portal',
  elexon: 'Elexon Insights',
  carbon: 'Carbon Intensity API',
};

/** @param signal ends the waits of requests whose turn has not come */
export function openSources(
  context: Pick<Context, 'http' | 'wall'>,
  { baseUrls, ukpnKey }: Pick<OpenDataConfig, 'baseUrls' | 'ukpnKey'>,
  signal?: AbortSignal,
): Sources {
  const { wall } = context;
  const address = (source: SourceId, headers?: SourceAddress['headers']): SourceAddress => ({
    name: NAMES[source],
    baseUrl: baseUrls[source],
    ...(headers ? { headers } : {}),
  });
  const pace = (source: SourceId, gapMs: number) => createPace(wall, NAMES[source], gapMs);
  const ukpn = address('ukpn', ukpnKey ? { authorization: `Apikey ${ukpnKey}` } : undefined);
  const nesoPace = pace('neso', NESO_GAP_MS);
  const rowsPace = pace('neso', NESO_DATASTORE_GAP_MS);
  return {
    ukpn: ukpnSource(sourceFetch(context, ukpn, [pace('ukpn', POLITE_GAP_MS)], signal)),
    neso: nesoSource(
      wall,
      sourceFetch(context, address('neso'), [nesoPace], signal),
      sourceFetch(context, address('neso'), [rowsPace, nesoPace], signal),
    ),
    elexon: elexonSource(sourceFetch(context, address('elexon'), [pace('elexon', POLITE_GAP_MS)], signal)),
    carbon: carbonSource(sourceFetch(context, address('carbon'), [pace('carbon', POLITE_GAP_MS)], signal)),
  };
}
