import { expect } from 'chai';
import fc from 'fast-check';
import { at, changed, type Json, type JsonObject, sample } from './testing/files.ts';
import { accepted, fault, refused } from './testing/verdicts.ts';
import { validateBeckn } from './validators.ts';

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
