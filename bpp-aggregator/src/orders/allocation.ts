import { type FleetDer, reliabilityOf } from '../portfolio/der.ts';
import { floorToStep } from './quantity.ts';

/** A device picked for a block: what it said it can shed, and the part of that which can be promised. */
export interface Pick {
  readonly der: FleetDer;
  readonly shedKw: number;
  /** Reliability times shed. */
  readonly expectedKw: number;
}

export interface Allocation {
  readonly itemId: string;
  readonly picks: readonly Pick[];
  /** What can be firmly quoted: at most what was asked, at most what is expected, a multiple of the step. */
  readonly firmKw: number;
}

interface Rated {
  readonly der: FleetDer;
  readonly reliability: number;
}

/** The most reliable first, then by id: never by arrival, so the same state gives the same devices. */
function byReliability(a: Rated, b: Rated): number {
  return b.reliability - a.reliability || (a.der.derId < b.der.derId ? -1 : 1);
}

/** Picks devices until what can be expected of them covers `askedKw`. */
export function allocate(
  itemId: string,
  askedKw: number,
  candidates: readonly FleetDer[],
  stepKw: number,
  maxDers: number,
): Allocation {
  const picks: Pick[] = [];
  let expectedKw = 0;
  const rated = candidates.map((der): Rated => ({ der, reliability: reliabilityOf(der) })).sort(byReliability);
  for (const { der, reliability } of rated) {
    if (expectedKw >= askedKw || picks.length >= maxDers) break;
    const pick = { der, shedKw: der.live.shedKw, expectedKw: der.live.shedKw * reliability };
    picks.push(pick);
    expectedKw += pick.expectedKw;
  }
  return { itemId, picks, firmKw: floorToStep(Math.min(askedKw, expectedKw), stepKw) };
}
