import { expect } from 'chai';
import { feederId } from '../../beckn/identifiers.ts';
import { BPP, bodyOf, offer, window } from '../codec-v1.fixture.ts';
import * as codec from '../codec-v1.ts';
import type { LeftOut } from '../model.ts';

const here: LeftOut = {
  ...{ feederId: offer.feederId, fulfillmentId: offer.fulfillmentId, window: offer.availability },
  reasons: [
    { reason: 'offline', devices: 7, ratedKw: 18.375 },
    // One of another make: codes are the aggregator's to add.
    { reason: 'roof-works', devices: 1, ratedKw: 0 },
  ],
};
const elsewhere: LeftOut = {
  ...{ feederId: feederId('EPN-1'), fulfillmentId: 'f-2', window },
  reasons: [{ reason: 'consent-expired', devices: 5, ratedKw: 13 }],
};
const catalogue = (offers: readonly (typeof offer)[], leftOut?: readonly LeftOut[]) =>
  bodyOf('on_search', codec.encodeCatalogue('agg-1', 'GreenFlex', offers, leftOut));
const providers = (body: codec.ValidBody) =>
  (body.message as { catalog: { providers?: Record<string, never[]>[] } }).catalog.providers;

describe('devices that a catalogue leaves out', () => {
  it('are counted by feeder and reason, beside offers and without any', () => {
    for (const offers of [[offer], []])
      for (const leftOut of [[here], [elsewhere], [here, elsewhere]]) {
        const body = catalogue(offers, leftOut);
        expect(codec.decodeLeftOut(body)).to.have.deep.members(leftOut);
        expect(codec.decodeCatalogue(BPP, body)).to.deep.equal(offers);
      }
  });

  it('are told of by nobody who has none: such a catalogue is as it was before there was the group', () => {
    for (const leftOut of [undefined, [], [{ ...here, reasons: [] }]]) {
      expect(codec.decodeLeftOut(catalogue([offer], leftOut))).to.deep.equal([]);
      expect(providers(catalogue([], leftOut))).to.equal(undefined);
    }
  });

  it('stand at a feeder that is named by its location, too', () => {
    const body = catalogue([offer], [here]);
    const [provider] = providers(body)!;
    const [fulfillment] = provider!.fulfillments as unknown as { stops: { location: object }[] }[];
    fulfillment!.stops[0]!.location = { id: offer.feederId };
    expect(codec.decodeLeftOut(body)).to.deep.equal([here]);
  });

  it('are refused where a feeder or a reason is told twice, and nothing of it is counted twice', () => {
    const fault = (leftOut: readonly LeftOut[]) => {
      const body = catalogue([], leftOut);
      try {
        return codec.decodeLeftOut(body).length;
      } catch (error) {
        return error instanceof codec.CodecError ? [error.path, error.message] : error;
      }
    };
    const at = '/message/catalog/providers/0/fulfillments';
    expect(fault([here, { ...here, fulfillmentId: 'f-3' }])).to.deep.equal([
      `${at}/1/tags/0`,
      'LPN-041 has been told of already',
    ]);
    expect(fault([here, elsewhere])).to.equal(2);
    const [offline] = here.reasons;
    expect(fault([{ ...here, reasons: [offline!, { ...offline!, devices: 1 }] }])).to.deep.equal([
      `${at}/0/tags/0/list/1/descriptor/code`,
      'reason offline stands twice',
    ]);
  });

  it('have a bounded number of reasons', () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ reason: `own-${index}`, devices: 1, ratedKw: 1 }));
    const most = { ...here, reasons: many(codec.LEFT_OUT_REASONS_TOLD) };
    expect(codec.decodeLeftOut(catalogue([], [most]))).to.deep.equal([most]);
    expect(() => catalogue([], [{ ...here, reasons: many(33) }])).to.throw(RangeError, '33 reasons');
  });
});
