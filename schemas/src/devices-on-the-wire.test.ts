import { expect } from 'chai';
import { at, changed, type Json, type JsonObject, sample } from './testing/files.ts';
import { accepted, refused } from './testing/verdicts.ts';

describe('devices by name', () => {
  const device = (value: string) => ({ descriptor: { code: 'der-id' }, value });
  const many = (count: number) => Array.from({ length: count }, (_, index) => device(`der-${index}`));

  it('may be excluded by each request of an order, up to 200, each once', () => {
    for (const [action, group] of Object.entries({ select: 0, init: 1, confirm: 1, update: 0 })) {
      const list = `/message/order/tags/${group}/list`;
      accepted(action, changed(sample(action), list, many(200)));
      expect(refused(action, list, many(201))).to.contain('200');
      refused(action, list, []);
      refused(action, list, [device('der-1'), device('der-1')]);
      refused(action, `${list}/0/value`, 'no identifier');
      refused(action, `${list}/0/descriptor/code`, 'msid');
    }
    accepted('select', changed(sample('select'), '/message/order/tags', undefined));
  });

  it('may be in the answer to a request that excluded them', () => {
    const { tags } = (sample('select').message as { order: { tags: Json[] } }).order;
    accepted('on_select', changed(sample('on_select'), '/message/order/tags', tags));
    for (const action of ['on_init', 'on_confirm', 'on_update', 'on_status']) {
      const own = (sample(action).message as { order: { tags: Json[] } }).order.tags;
      accepted(action, changed(sample(action), '/message/order/tags', [...own, ...tags]));
      refused(action, '/message/order/tags', [...own, ...tags, ...tags]);
    }
  });

  it('answer with id, type and kW, a thousand of them at most', () => {
    const groups = (sample('on_status').message as { order: { fulfillments: { tags: JsonObject[] }[] } }).order
      .fulfillments[0]!.tags;
    const at = groups.findIndex((group) => (group.descriptor as JsonObject).code === 'device-answers');
    const list = `/message/order/fulfillments/0/tags/${at}/list`;
    const answer = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ descriptor: { code: 'silent' }, value: `d-${index} battery 1` }));
    accepted('on_status', changed(sample('on_status'), list, answer(1_000)));
    refused('on_status', list, answer(1_001));
    const value = (text: string) => changed(sample('on_status'), `${list}/0/value`, text);
    for (const reason of ['', ' consent-withdrawn', ' of-its-own', ` ${'r'.repeat(40)}`])
      accepted('on_status', value(`der-1 battery 2${reason}`));
    for (const reason of [' ', ' Two', ' a b', ` ${'r'.repeat(41)}`])
      refused('on_status', `${list}/0/value`, `der-1 battery 2${reason}`);
    for (const value of ['der-1', 'der-1 battery', 'der-1 boiler 2', 'der-1 battery -2', 'der-1 battery 2 kW'])
      refused('on_status', `${list}/0/value`, value);
    refused('on_status', `${list}/0/descriptor/code`, 'ignored');
  });
});

describe('devices left out', () => {
  const group = '/message/catalog/providers/0/fulfillments/0/tags/1';
  const reasons = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ descriptor: { code: `own-${index}` }, value: '1 2.5' }));

  it('are counts and kW by reason, known or not, 32 at most', () => {
    accepted('on_search', changed(sample('on_search'), `${group}/list`, reasons(32)));
    refused('on_search', `${group}/list`, reasons(33));
    refused('on_search', `${group}/list`, []);
    refused('on_search', `${group}/list`, [...reasons(1), ...reasons(1)]);
    for (const value of ['0 0', '7 18.375', '9999999 9999999.999'])
      accepted('on_search', changed(sample('on_search'), `${group}/list/0/value`, value));
    for (const value of ['7', '-1 2', '1 -2', '1.5 2', '01 2', '1 2 kW', '1  2', '10000000 1', '1 1.2345', 'der-1 2'])
      refused('on_search', `${group}/list/0/value`, value);
    for (const code of ['Offline', 'r'.repeat(41), 'der_1'])
      refused('on_search', `${group}/list/0/descriptor/code`, code);
    accepted('on_search', changed(sample('on_search'), `${group}/list/0/descriptor/code`, 'r'.repeat(40)));
  });

  it('stand once, at a fulfilment of a catalogue, also where there is nothing on offer', () => {
    const { tags } = at(sample('on_search'), '/message/catalog/providers/0/fulfillments/0') as { tags: Json[] };
    accepted('on_search', changed(sample('on_search'), '/message/catalog/providers/0/items', []));
    refused('on_search', '/message/catalog/providers/0/items', undefined);
    refused('on_search', '/message/catalog/providers/0/fulfillments/0/tags', [tags[1]!, tags[1]!]);
    const request = '/message/order/fulfillments/0/tags';
    accepted('select', changed(sample('select'), request, [tags[0]!]));
    refused('select', request, [tags[1]!], `${request}/0/descriptor/code`);
  });
});
