import { expect } from 'chai';
import fc from 'fast-check';
import { feederId } from '../beckn/identifiers.ts';
import { BPP, bodyOf, echo, id, NOW, need, offer, quote, references, selection, window } from './codec-v1.fixture.ts';
import * as codec from './codec-v1.ts';

describe('codec 1.1 round trips, each message valid for its schema', () => {
  it('search', () => {
    expect(codec.decodeSearch(bodyOf('search', codec.encodeSearch(need)))).to.deep.equal(need);
  });

  it('search with any numbers a wire decimal can carry', () => {
    const decimalOf = (max: number, places: number) =>
      fc.integer({ min: 1, max: max * 10 ** places }).map((n) => n / 10 ** places);
    fc.assert(
      fc.property(
        decimalOf(9999, 3),
        decimalOf(99, 5),
        decimalOf(1, 4),
        (requestedKw, maxPriceGbpPerKwh, minReliability) => {
          const any = { ...need, requestedKw, maxPriceGbpPerKwh, minReliability };
          expect(codec.decodeSearch(bodyOf('search', codec.encodeSearch(any)))).to.deep.equal(any);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('on_search: many blocks, one, none', () => {
    const other = {
      ...offer,
      itemId: 'x',
      feederId: feederId('EPN-1'),
      fulfillmentId: 'f-2',
      deviceType: 'heat-pump',
    } as const;
    for (const offers of [[offer, other], [offer], []]) {
      const body = bodyOf('on_search', codec.encodeCatalogue('agg-1', 'GreenFlex', offers));
      expect(codec.decodeCatalogue(BPP, body)).to.deep.equal(offers);
    }
  });

  it('select and on_select', () => {
    expect(codec.decodeSelect(bodyOf('select', codec.encodeSelect(selection)))).to.deep.equal(selection);
    expect(codec.decodeOnSelect(bodyOf('on_select', codec.encodeOnSelect(selection, quote, NOW)))).to.deep.equal(quote);
  });

  it('on_select with less than was asked', () => {
    const [first] = quote.items;
    const less = { ...quote, items: [{ ...first!, kw: 40 }], totalKw: 40, totalGbp: 18.45 };
    expect(codec.decodeOnSelect(bodyOf('on_select', codec.encodeOnSelect(selection, less, NOW)))).to.deep.equal(less);
  });

  it('init and on_init', () => {
    const request = { selection, references };
    expect(codec.decodeInit(bodyOf('init', codec.encodeInit(request)))).to.deep.equal(request);
    const answer = codec.encodeOnInit({ ...request, orderId: id, quote }, NOW);
    expect(codec.decodeOnInit(bodyOf('on_init', answer))).to.deep.equal({ orderId: id, quote, ...echo });
  });

  it('confirm and on_confirm', () => {
    const request = { selection, references, quote, orderId: id };
    const agreement = { selection, references, orderId: id, quoteId: quote.quoteId, totalGbp: quote.totalGbp };
    expect(codec.decodeConfirm(bodyOf('confirm', codec.encodeConfirm(request, NOW)))).to.deep.equal(agreement);
    const commitment = { committedKw: 112.375, baselineKw: -4.5 };
    const answer = codec.encodeOnConfirm({ ...request, commitment }, NOW);
    expect(codec.decodeOnConfirm(bodyOf('on_confirm', answer))).to.deep.equal({
      orderId: id,
      quote,
      commitment,
      ...echo,
    });
  });

  it('status and on_status, from scheduled to completed', () => {
    expect(codec.decodeStatus(bodyOf('status', codec.encodeStatus(id)))).to.deep.equal({ orderId: id });
    const dispatch = {
      commands: 0,
      firstAtMs: null,
      lastAtMs: null,
      accepted: 0,
      rejected: 0,
      optedOut: 0,
      expired: 0,
      silent: 0,
      acknowledgedKw: 0,
      closed: false,
    };
    const running = {
      ...dispatch,
      commands: 9,
      firstAtMs: NOW + 12,
      lastAtMs: NOW + 40,
      accepted: 8,
      silent: 1,
      acknowledgedKw: 99.5,
    };
    const performance = {
      deliveredKwh: 55.125,
      ratio: 0.981,
      baselineMethod: 'bl01-like',
      intervals: [
        { startMs: window.startMs, baselineKw: 20, actualKw: -90.5, reductionKw: 110.5 },
        { startMs: window.startMs + 1_800_000, baselineKw: 0, actualKw: 0, reductionKw: 0 },
      ],
    };
    const reports = [
      { fulfilment: 'SCHEDULED', dispatch },
      { fulfilment: 'IN_PROGRESS', dispatch: running, delivery: { measuredKw: 99.5, shortfallKw: 12.875 } },
      {
        fulfilment: 'COMPLETED',
        dispatch: { ...running, closed: true },
        performance,
        meterReference: { path: '/meter/order-1', sha256: 'a'.repeat(64), rows: 12 },
      },
      { fulfilment: 'CANCELLED' },
    ] as const;
    for (const report of reports) {
      const message = codec.encodeOnStatus({ orderId: id, selection, references, ...report }, NOW);
      expect(codec.decodeOnStatus(bodyOf('on_status', message))).to.deep.equal({ orderId: id, ...echo, ...report });
    }
  });

  it('cancel and on_cancel', () => {
    const request = { orderId: id, reasonId: '4', note: 'Congestion cleared' };
    expect(codec.decodeCancel(bodyOf('cancel', codec.encodeCancel(request)))).to.deep.equal(request);
    const cancellation = { by: 'CONSUMER', reasonId: '4', note: 'Congestion cleared', atMs: NOW } as const;
    const message = codec.encodeOnCancel({ orderId: id, selection, references, cancellation }, NOW);
    expect(codec.decodeOnCancel(bodyOf('on_cancel', message))).to.deep.equal({ orderId: id, cancellation, ...echo });
  });

  it('update and on_update: of several blocks, of one, of the window', () => {
    const items = selection.items.map((item) => ({ ...item, kw: item.kw - 1 }));
    for (const change of [{ items }, { items: [], window }, { items, window }]) {
      const request = { orderId: id, ...change };
      expect(codec.decodeUpdate(bodyOf('update', codec.encodeUpdate(request)))).to.deep.equal(request);
    }
    const one = { ...codec.encodeUpdate({ orderId: id, items }), update_target: 'order.items[1].quantity' };
    expect(codec.decodeUpdate(bodyOf('update', one))).to.deep.equal({ orderId: id, items, only: items[1]?.itemId });

    const changed = { committedKw: 112.375, baselineKw: 130, revision: 2, fromMs: window.startMs + 60_000 };
    const updated = { orderId: id, selection, references, fulfilment: 'IN_PROGRESS', changed, quote } as const;
    const answer = codec.decodeOnUpdate(bodyOf('on_update', codec.encodeOnUpdate(updated, NOW)));
    expect(answer).to.deep.equal({ orderId: id, fulfilment: 'IN_PROGRESS', changed, quote, window, ...echo });
    const later = codec.encodeOnStatus({ orderId: id, selection, references, fulfilment: 'IN_PROGRESS', changed }, NOW);
    expect(codec.decodeOnStatus(bodyOf('on_status', later))).to.have.deep.property('changed', changed);
  });
});
