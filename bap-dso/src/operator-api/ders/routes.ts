/** Single devices, and what is on offer now. */
import type { LeftOutCount } from '@flexder/protocol/flexibility/model.ts';
import { type Request, Router } from 'express';
import type { OperatorApiDeps } from '../deps.ts';
import { answering } from '../http.ts';
import { AVAILABILITY_ROWS } from '../limits.ts';
import { identifier, oneOf, PAGE, page, parameters } from '../parameters.ts';
import { bapTables } from '../stream/snapshot.ts';
import { DER_STATES, derViews } from './views.ts';
import { lastNeeds } from './what-if.ts';

const TYPES = ['battery', 'ev-charger', 'heat-pump'] as const;
const FILTER = { der_id: identifier, feeder_id: identifier, bpp_id: identifier, type: oneOf(TYPES) };

export interface Availability {
  readonly offers: readonly {
    readonly feederId: string;
    readonly deviceType: string;
    readonly bppId: string;
    readonly kw: number;
    readonly blocks: number;
    /** When its catalogue came; wall time. */
    readonly heardAt: string;
  }[];
  /** What aggregators left out of the catalogues that count, and why: devices, and the kW they are rated for. */
  readonly leftOut: readonly {
    readonly feederId: string;
    readonly bppId: string;
    readonly reasons: readonly LeftOutCount[];
    readonly heardAt: string;
  }[];
  /** kW that the latest event of each feeder asked for. */
  readonly lastNeeds: readonly { readonly feederId: string; readonly kw: number }[];
}

export function derRoutes(deps: OperatorApiDeps): Router {
  const router = Router();
  router.get(
    '/v1/ders',
    answering(async (request) => {
      const query = parameters(request, { ...PAGE, ...FILTER, state: oneOf(DER_STATES) });
      const { der_id: derId, feeder_id: feederId, bpp_id: bppId, type, state } = query;
      return derViews(bapTables(deps), { derId, feederId, bppId, type, state, ...page(query) });
    }),
  );
  router.get(
    '/v1/availability',
    answering((request) => availability(deps, request)),
  );
  return router;
}

/** By feeder, type and aggregator. */
async function availability(deps: OperatorApiDeps, request: Request): Promise<Availability> {
  const { feeder_id: feederId } = parameters(request, { feeder_id: identifier });
  const offers = (deps.offers?.onOffer(feederId) ?? []).slice(0, AVAILABILITY_ROWS);
  const leftOut = (deps.offers?.leftOut(feederId) ?? []).slice(0, AVAILABILITY_ROWS);
  const needs = await lastNeeds(bapTables(deps), [...new Set(offers.map((row) => row.feederId))]);
  return {
    offers: offers.map(withTime),
    leftOut: leftOut.map(withTime),
    lastNeeds: [...needs].map(([id, kw]) => ({ feederId: id, kw })),
  };
}

function withTime<T extends { readonly heardMs: number }>({ heardMs, ...row }: T) {
  return { ...row, heardAt: new Date(heardMs).toISOString() };
}
