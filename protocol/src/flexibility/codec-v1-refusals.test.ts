import { expect } from 'chai';
import { BPP, bodyOf, id, NOW, need, offer, quote, references, selection, window } from './codec-v1.fixture.ts';
import * as codec from './codec-v1.ts';

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
