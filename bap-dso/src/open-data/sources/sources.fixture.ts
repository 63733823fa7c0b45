/** A portal of our own that answers for all of them, and what is asked of it. */
import { expect } from 'chai';
import { liveFaults } from '../datasets/ukpn.ts';
import { OpenDataError } from '../errors.ts';
import { type Answer, openPortal, type Portal, type VirtualWall, virtualWall } from '../testing/portal.ts';
import { openSources, type Sources } from './open.ts';

/** NESO's demand, as its package and resource are named. */
export const DEMAND = { slug: 'daily-demand-update', name: 'Demand Data Update' };

export const everywhere = (url: string) => ({ ukpn: url, neso: url, elexon: url, carbon: url });

export interface Asking {
  readonly portal: Portal;
  readonly wall: VirtualWall;
  sources: Sources;
  /** The error of asking, by default for faults of UK Power Networks, while the portal answers so. */
  failure(answer: Answer, ask?: () => Promise<unknown>): Promise<OpenDataError>;
}

/** To be called in a `describe`: a portal for all its tests, sources anew for each. */
export function useSources(): Asking {
  let portal: Portal;
  let wall: VirtualWall;
  const asking = {} as Asking;
  before(async () => {
    portal = await openPortal();
  });
  after(() => portal.close());
  beforeEach(() => {
    portal.asked.length = 0;
    portal.headers.length = 0;
    wall = virtualWall();
    const sources = openSources({ http: portal.http, wall }, { baseUrls: everywhere(portal.url), ukpnKey: 'k-1' });
    Object.assign(asking, { portal, wall, sources });
  });
  asking.failure = async (answer, ask = () => asking.sources.ukpn.records(liveFaults.id, {}, 10)) => {
    portal.answer = answer;
    const error: unknown = await ask().then(
      () => new Error('it was taken'),
      (reason: unknown) => reason,
    );
    expect(error, String(error)).to.be.instanceOf(OpenDataError);
    return error as OpenDataError;
  };
  return asking;
}
