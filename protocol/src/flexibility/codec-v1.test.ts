import { validateBeckn } from '@flexder/schemas/validators.ts';
import { expect } from 'chai';
import fc from 'fast-check';
import { eventId, feederId, obpId, orderId, subscriberId } from '../beckn/identifiers.ts';
import * as codec from './codec-v1.ts';
import type { FlexNeed, FlexOffer, FlexQuote, FlexSelection, OrderReferences } from './model.ts';

const NOW = Date.parse('2026-01-15T17:00:00.000Z');
const window = { startMs: NOW + 3_600_000, endMs: NOW + 7_200_000 };
const BPP = subscriberId('bpp-agg.example.com');

/** A whole message around `message`, which must pass its schema. */
function bodyOf(action: string, message: unknown): codec.ValidBody {
  const context = {
    domain: 'deg:demand-flexibility',
    location: { country: { code: 'GBR' }, city: { code: 'std:020' } },
    action,
    version: '1.1.0',
    bap_id: 'bap-dso.example.com',
    bap_uri: 'https://bap-dso.example.com/beckn',
    ...(action === 'search' ? {} : { bpp_id: BPP, bpp_uri: 'https://bpp-agg.example.com/beckn' }),
    transaction_id: '6743e9e2-4fb5-487c-92b7-13ba8018f176',
    message_id: 'b1a6c1d2-0f53-4a0e-8c1d-5b1f0d9e7a11',
    timestamp: new Date(NOW).toISOString(),
    ttl: 'PT30S',
  };
  const body = JSON.parse(JSON.stringify({ context, message })) as codec.ValidBody;
  expect(validateBeckn(action, body)).to.deep.equal({ valid: true });
  return body;
}

const need: FlexNeed = {
  eventId: eventId('evt-1'),
  feederId: feederId('LPN-041'),
  direction: 'TURN_DOWN',
  requestedKw: 412.5,
  window,
  maxPriceGbpPerKwh: 0.52,
  minReliability: 0.8,
  maxResponseSeconds: 90,
  interventionClass: 'INCENTIVE',
};
const offer: FlexOffer = {
  bppId: BPP,
  providerId: 'agg-1',
  itemId: 'LPN-041.battery',
  fulfillmentId: 'f-LPN-041',
  feederId: feederId('LPN-041'),
  direction: 'TURN_DOWN',
  deviceType: 'battery',
  availableKw: 120.125,
  minimumKw: 1.5,
  stepKw: 0.5,
  priceGbpPerKwh: 0.46125,
  responseSeconds: 2.5,
  minimumNoticeSeconds: 0,
  maxDurationSeconds: 10_800,
  maxEventsPerDay: 2,
  rampKwPerMinute: 600,
  baselineMethod: 'bl01-like',
  baselineKw: -3.25,
  reliability: 0.925,
  eventsCompleted: 14,
  availability: { startMs: NOW, endMs: NOW + 86_400_000 },
};
const selection: FlexSelection = {
  providerId: 'agg-1',
  fulfillmentId: 'f-LPN-041',
  feederId: feederId('LPN-041'),
  window,
  items: [
    { itemId: 'LPN-041.battery', kw: 100 },
    { itemId: 'LPN-041.ev-charger', kw: 12.375 },
  ],
};
const quote: FlexQuote = {
  quoteId: '0b8f3a54-3d7b-4f35-9d40-5bb0a0b6b6aa',
  items: [
    { itemId: 'LPN-041.battery', kw: 100, priceGbpPerKwh: 0.46125 },
    { itemId: 'LPN-041.ev-charger', kw: 12.375, priceGbpPerKwh: 0.3 },
  ],
  totalKw: 112.375,
  totalGbp: 49.8375,
  validUntilMs: NOW + 900_000,
};
const references: OrderReferences = {
  eventId: eventId('evt-1'),
  obpId: obpId('obp-20260115-0001'),
  obpIdSource: 'network-assigned',
  interventionClass: 'EMERGENCY',
};
const id = orderId('order-1');
const echo = { items: selection.items, references };

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

describe('single devices', () => {
  const ids = ['der-1', 'der_2.b'];
  const devices = [
    { derId: 'der-1', deviceType: 'battery', askedKw: 4.25, answer: 'ACCEPTED' },
    { derId: 'der_2.b', deviceType: 'ev-charger', askedKw: 0, answer: 'OPTED_OUT' },
    { derId: 'der-3', deviceType: 'heat-pump', askedKw: 2, answer: 'SILENT' },
  ] as const;

  it('are excluded by every request of an order, and by none that does not say so', () => {
    const request = { selection, references };
    const update = { orderId: id, items: selection.items };
    const messages = (excludedDerIds?: readonly string[]) => ({
      select: codec.encodeSelect(selection, excludedDerIds),
      init: codec.encodeInit({ ...request, excludedDerIds }),
      confirm: codec.encodeConfirm({ ...request, quote, excludedDerIds }, NOW),
      update: codec.encodeUpdate({ ...update, excludedDerIds }),
    });
    for (const [action, message] of Object.entries(messages(ids)))
      expect(codec.decodeExcludedDevices(bodyOf(action, message)), action).to.deep.equal(ids);
    for (const [action, message] of Object.entries(messages()))
      expect(codec.decodeExcludedDevices(bodyOf(action, message)), action).to.deep.equal([]);
    const many = Array.from({ length: codec.EXCLUDED_DEVICES + 1 }, (_, index) => `der-${index}`);
    expect(() => codec.encodeSelect(selection, many)).to.throw(RangeError, '201 devices');
    expect(codec.decodeExcludedDevices(bodyOf('select', codec.encodeSelect(selection, many.slice(1))))).to.have.length(
      200,
    );
  });

  it('answer by name in a report, each once', () => {
    const report = { orderId: id, selection, references, fulfilment: 'IN_PROGRESS', devices } as const;
    const message = codec.encodeOnStatus(report, NOW);
    expect(codec.decodeOnStatus(bodyOf('on_status', message)).devices).to.deep.equal(devices);
    const twice = codec.encodeOnStatus({ ...report, devices: [devices[0], devices[0]] }, NOW);
    expect(() => codec.decodeOnStatus(bodyOf('on_status', twice))).to.throw(codec.CodecError, 'der-1 answers twice');
    const long = Array.from({ length: 1_200 }, (_, index) => ({ ...devices[0], derId: `${'d'.repeat(120)}-${index}` }));
    const body = bodyOf('on_status', codec.encodeOnStatus({ ...report, devices: long }, NOW));
    expect(codec.decodeOnStatus(body).devices).to.have.length(codec.NAMED_DEVICES);
    expect(JSON.stringify(body).length).to.be.below(256 * 1024);
  });
});

describe('codec 1.1 refuses what a schema cannot see', () => {
  type Json = Record<string, never>;
  /** One change to a valid message; the pointer of the fault. */
  function fault(
    decode: (body: codec.ValidBody) => unknown,
    action: string,
    message: unknown,
    spoil: (m: Json) => void,
  ) {
    const body = bodyOf(action, message);
    decode(body);
    spoil(body.message as Json);
    try {
      decode(body);
    } catch (error) {
      if (error instanceof codec.CodecError) return { path: error.path, code: error.code };
      throw error;
    }
    return 'decoded';
  }
  const set = (path: string, value: unknown) => (message: Json) => {
    const steps = path.split('/');
    const last = steps.pop() ?? '';
    const holder = steps.reduce((at: Json, step) => at[step] as unknown as Json, message);
    (holder as Record<string, unknown>)[last] = value;
  };

  it('an item whose fulfilment or location is not in the catalogue', () => {
    const message = codec.encodeCatalogue('agg-1', 'GreenFlex', [offer]);
    const decode = (body: codec.ValidBody) => codec.decodeCatalogue(BPP, body);
    const item = 'catalog/providers/0/items/0';
    const at = (path: string, value: unknown) => fault(decode, 'on_search', message, set(path, value));
    expect(at(`${item}/fulfillment_ids`, ['other'])).to.deep.equal({
      path: `/message/${item}/fulfillment_ids/0`,
      code: '30004',
    });
    expect(at(`${item}/location_ids`, ['other'])).to.include({
      path: `/message/${item}/location_ids/0/descriptor/code`,
    });
  });

  it('a quote for other items or other kW than the order', () => {
    const message = codec.encodeOnSelect(selection, quote, NOW);
    const at = (path: string, value: unknown) => fault(codec.decodeOnSelect, 'on_select', message, set(path, value));
    expect(at('order/quote/breakup/0/item/id', 'other')).to.include({ path: '/message/order/quote/breakup/0/item/id' });
    expect(at('order/items/0/quantity/selected/measure/value', '99')).to.include({ code: '40002' });
    expect(at('order/items', [])).to.include({ path: '/message/order/quote/breakup' });
  });

  it('nothing to order, the same item twice, a window that ends before it starts', () => {
    const message = codec.encodeSelect(selection);
    const at = (path: string, value: unknown) => fault(codec.decodeSelect, 'select', message, set(path, value));
    expect(at('order/items/0/quantity/selected/measure/value', '0')).to.include({ code: '40002' });
    expect(at('order/items/1/id', 'LPN-041.battery')).to.deep.equal({
      path: '/message/order/items/1/id',
      code: '30004',
    });
    const end = 'order/fulfillments/0/stops/0/time/range/end';
    expect(at(end, new Date(NOW).toISOString())).to.include({ path: `/message/${end}` });
  });

  it('an update that changes less or more than its target names', () => {
    const items = [{ itemId: 'LPN-041.battery', kw: 60 }];
    const message = codec.encodeUpdate({ orderId: id, items, window });
    const at = (path: string, value: unknown) => fault(codec.decodeUpdate, 'update', message, set(path, value));
    expect(at('update_target', 'order.items')).to.deep.equal({ path: '/message/order/fulfillments', code: '30013' });
    expect(at('update_target', 'order.fulfillments')).to.include({ code: '30013', path: '/message/order/items' });
    const one = codec.encodeUpdate({ orderId: id, items });
    const without = (path: string, value: unknown) => fault(codec.decodeUpdate, 'update', one, set(path, value));
    expect(without('update_target', 'order.items[3].quantity')).to.include({ code: '30012' });
    expect(without('update_target', 'order.items,order.fulfillments')).to.include({ code: '30012' });
    expect(without('order/items/0/quantity/selected/measure/value', '0')).to.include({ code: '40002' });
  });

  it('a need in a circle: blocks are found by feeder', () => {
    const circle = { circle: { gps: '51.5,-0.1', radius: { type: 'CONSTANT', value: '10', unit: 'km' } } };
    const message = codec.encodeSearch(need);
    expect(fault(codec.decodeSearch, 'search', message, set('intent/fulfillment/stops/0/location', circle))).to.include(
      { code: '30008' },
    );
  });

  it('a meter reference that climbs out of the registered URL', () => {
    const meterReference = { path: '/meter/order-1', sha256: 'a'.repeat(64), rows: 1 };
    const message = codec.encodeOnStatus(
      { orderId: id, selection, references, fulfilment: 'IN_PROGRESS', meterReference },
      NOW,
    );
    for (const path of ['/meter/../admin', '//evil.example/x', 'https://evil.example/x', '/x?y=1']) {
      const change = set('order/fulfillments/0/tags/0/list/0/value', path);
      expect(fault(codec.decodeOnStatus, 'on_status', message, change), path).to.include({
        path: '/message/order/fulfillments/0/tags/0/list/0/value',
      });
    }
  });
});
