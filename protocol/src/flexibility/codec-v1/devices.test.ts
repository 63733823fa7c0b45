import { expect } from 'chai';
import { bodyOf, id, NOW, quote, references, selection } from '../codec-v1.fixture.ts';
import * as codec from '../codec-v1.ts';
import { CONSENT_WITHDRAWN } from '../model.ts';

describe('single devices', () => {
  const ids = ['der-1', 'der_2.b'];
  const devices = [
    { derId: 'der-1', deviceType: 'battery', askedKw: 4.25, answer: 'ACCEPTED' },
    { derId: 'der_2.b', deviceType: 'ev-charger', askedKw: 0, answer: 'OPTED_OUT', reason: CONSENT_WITHDRAWN },
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
    const long = Array.from({ length: 1_200 }, (_, index) => ({ ...devices[1], derId: `${'d'.repeat(120)}-${index}` }));
    const body = bodyOf('on_status', codec.encodeOnStatus({ ...report, devices: long }, NOW));
    expect(codec.decodeOnStatus(body).devices).to.have.length(codec.NAMED_DEVICES);
    expect(JSON.stringify(body).length).to.be.below(256 * 1024);
  });
});
