import { expect } from 'chai';
import fc from 'fast-check';
import { at, changed, type Json, type JsonObject, sample } from './testing/files.ts';
import { type Fault, validateBeckn } from './validators.ts';

function fault(action: string, body: unknown): Fault {
  const verdict = validateBeckn(action, body);
  if (verdict.valid) throw new Error(`${action} was accepted`);
  expect(verdict.errors).to.have.length(1);
  return verdict.errors[0]!;
}

/** Requires the sample to pass and the changed sample to be refused at `path`. */
function refused(action: string, pointer: string, value: Json | undefined, path = pointer): string {
  expect(validateBeckn(action, sample(action)).valid).to.equal(true);
  const found = fault(action, changed(sample(action), pointer, value));
  expect(found.path).to.equal(path);
  expect(found.code).to.equal('SCH_INVALID_FORMAT');
  return found.message;
}

const accepted = (action: string, body: Json) => expect(validateBeckn(action, body)).to.deep.equal({ valid: true });

describe('a fault', () => {
  it('names the missing member by its own path', () => {
    expect(refused('search', '/context/ttl', undefined)).to.contain('"ttl"');
    refused('confirm', '/message/order/quote/id', undefined);
  });

  it('names the unknown member and the known ones', () => {
    const message = refused('status', '/message/order_idd', 'x');
    expect(message).to.contain('unknown member').and.to.contain('"order_id"');
    expect(fault('status', changed(sample('status'), '/a~b', 1)).path).to.equal('/a~0b');
  });

  it('says what was expected', () => {
    expect(refused('search', '/context/timestamp', '2026-02-30T00:00:00Z')).to.contain('RFC 3339');
    expect(refused('select', '/message/order/items/0/quantity/selected/measure/value', '12,5')).to.contain(
      'power in kW',
    );
    expect(refused('search', '/message/intent/item/descriptor/code', 'SIDEWAYS')).to.contain('"TURN_DOWN", "TURN_UP"');
    expect(fault('search', undefined)).to.deep.include({ path: '' });
    expect(fault('search', null).message).to.contain('expected');
  });

  it('names the tag that is missing, doubled or malformed', () => {
    const list = '/message/order/tags/0/list';
    expect(refused('confirm', `${list}/1`, undefined, list)).to.contain('exactly one tag obp-id');
    const twice = { descriptor: { code: 'obp-id' }, value: 'OBP-2' };
    expect(refused('confirm', `${list}/5`, twice, list)).to.contain('exactly one tag obp-id');
    refused('confirm', `${list}/1/value`, 'no identifier', `${list}/1/value`);
    refused('confirm', `${list}/4/descriptor/code`, 'zzz');
    refused('on_status', '/message/order/fulfillments/0/tags/0/descriptor/code', 'zzz');
  });

  it('stays short when the member name is long', () => {
    const body = changed(sample('status'), `/${'x'.repeat(100_000)}`, 1);
    expect(fault('status', body).path.length).to.be.at.most(300);
  });

  it('is one verdict for an action that does not exist', () => {
    for (const action of ['', 'Search', 'on_on_search', '__proto__', 'constructor']) {
      expect(fault(action, sample('search')).path).to.equal('/context/action');
    }
  });
});

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

describe('order ids and errors', () => {
  it('are optional where the order has none yet and required from on_confirm on', () => {
    for (const action of ['on_init', 'confirm'])
      accepted(action, changed(sample(action), '/message/order/id', undefined));
    accepted('init', changed(sample('init'), '/message/order/id', 'BG-1'));
    for (const action of ['on_confirm', 'on_status', 'on_cancel']) refused(action, '/message/order/id', undefined);
  });

  it('let a callback carry an error in place of its message', () => {
    const error = { code: '40002', message: 'nothing left on this feeder' };
    for (const action of ['on_search', 'on_select', 'on_init', 'on_confirm', 'on_status', 'on_support']) {
      const { context } = sample(action);
      accepted(action, { context: context!, error });
      expect(fault(action, { context: context! }).path).to.equal('/message');
      expect(fault(action, { ...sample(action), error }).path).to.equal('/message');
    }
  });

  it('let a catalogue be empty', () => {
    const { context } = sample('on_search');
    accepted('on_search', { context: context!, message: { catalog: {} } });
    accepted('on_search', { context: context!, message: { catalog: { providers: [] } } });
  });
});

describe('values at a trust boundary', () => {
  it('refuses identifiers that could leave their place', () => {
    for (const id of [
      '',
      '+',
      '#',
      'a/b',
      '../x',
      'a b',
      'a\nb',
      '$SYS',
      '__proto__',
      'null',
      'constructor',
      'x'.repeat(129),
    ]) {
      refused('select', '/message/order/provider/id', id);
    }
    accepted('select', changed(sample('select'), '/message/order/provider/id', 'x'.repeat(128)));
  });

  it('refuses URIs of other schemes and with user information', () => {
    for (const uri of [
      'javascript:alert(1)',
      'file:///etc/passwd',
      'https://user@host/',
      'https://',
      'ftp://x/',
      'https://a b/',
    ]) {
      refused('search', '/context/bap_uri', uri);
    }
    accepted('search', changed(sample('search'), '/context/bap_uri', 'http://127.0.0.1:4001/beckn'));
  });

  it('refuses numbers that are no plain decimal', () => {
    const value = '/message/order/items/0/quantity/selected/measure/value';
    for (const kw of [
      '-5',
      '1e400',
      'Infinity',
      'NaN',
      '0',
      '0.000',
      '1.2345',
      '12345678',
      '',
      ' 5',
      '+5',
      '.5',
      '05',
    ]) {
      refused('select', value, kw);
    }
    for (const kw of ['5', '0.5', '9999999.999']) accepted('select', changed(sample('select'), value, kw));
    refused('on_search', '/message/catalog/providers/0/items/0/price/value', '-0.10');
  });

  it('refuses other domains, versions, units and currencies', () => {
    refused('search', '/context/domain', 'retail');
    refused('search', '/context/version', '2.0.0');
    refused('select', '/message/order/items/0/quantity/selected/measure/unit', 'MW');
    refused('on_select', '/message/order/quote/price/currency', 'EUR');
    refused('search', '/context/message_id', 'not-a-uuid');
    refused('search', '/context/ttl', '30s');
    refused('search', '/context/ttl', 'P');
  });

  it('refuses control characters in names but not text of any script', () => {
    const name = '/message/catalog/providers/0/descriptor/name';
    for (const text of ['a\u0000b', 'a\u001b[31m', 'a\r\nb']) refused('on_search', name, text);
    accepted('on_search', changed(sample('on_search'), name, '<b>Énergie 灵活性</b> =cmd()'));
  });

  it('refuses what an object inherits or hides', () => {
    const hostile = JSON.parse('{"__proto__":{"polluted":true}}') as JsonObject;
    const body = { ...sample('status') };
    Object.defineProperty(body, '__proto__', { value: hostile, enumerable: true });
    expect(fault('status', body).path).to.equal('/__proto__');
    expect(({} as { polluted?: boolean }).polluted).to.equal(undefined);
    const inherited = Object.create(sample('status')) as object;
    expect(fault('status', inherited).message).to.contain('missing');
    expect(fault('search', changed(sample('search'), '/message/constructor', { prototype: {} })).path).to.equal(
      '/message/constructor',
    );
  });

  it('refuses lists and bodies that are too long', () => {
    const item = { id: 'a', quantity: { selected: { measure: { type: 'CONSTANT', unit: 'kW', value: '1' } } } };
    const huge = Array.from({ length: 200_000 }, () => item);
    expect(refused('confirm', '/message/order/items', huge)).to.contain('at most 50');
    const crowded: JsonObject = sample('status');
    for (let index = 0; index < 100_000; index++) crowded[`k${index}`] = 1;
    expect(fault('status', crowded).path).to.equal('/k0');
  });

  it('does not grow with depth', () => {
    let deep: Json = 'x';
    for (let depth = 0; depth < 50_000; depth++) deep = [deep];
    expect(fault('search', { context: deep, message: deep }).path).to.equal('/context');
  });
});

describe('any JSON', () => {
  it('gets a verdict and never an exception', () => {
    const actions = ['search', 'on_search', 'confirm', 'on_status', 'on_rating'];
    const places = ['/context', '/message', '/context/ttl', '/message/order', '/message/order/items/0'];
    const inside = (action: string, place: string) => (at(sample(action), place) === undefined ? '/context' : place);
    fc.assert(
      fc.property(fc.constantFrom(...actions), fc.constantFrom(...places), fc.jsonValue(), (action, place, value) => {
        expect(validateBeckn(action, value).valid).to.equal(false);
        validateBeckn(action, changed(sample(action), inside(action, place), value as Json));
      }),
      { numRuns: 200, seed: 7 },
    );
  });
});

describe('the state of an order', () => {
  it('agrees with the state of its fulfilment', () => {
    const code = '/message/order/fulfillments/0/state/descriptor/code';
    refused('on_status', '/message/order/status', 'ACTIVE', code);
    refused('on_status', code, 'IN_PROGRESS');
    refused('on_cancel', '/message/order/status', 'ACTIVE');
    const running = changed(changed(sample('on_status'), '/message/order/status', 'ACTIVE'), code, 'IN_PROGRESS');
    accepted('on_status', changed(running, '/message/order/fulfillments/0/tags', undefined));
  });

  it('is COMPLETED only with dispatch, performance and meter reference', () => {
    const tags = '/message/order/fulfillments/0/tags';
    for (const index of [1, 2, 5]) refused('on_status', `${tags}/${index}`, undefined, tags);
    refused('on_status', `${tags}/5/list/0/value`, '/../secrets');
    refused('on_status', `${tags}/5/list/0/value`, '//evil.example/x');
  });
});
