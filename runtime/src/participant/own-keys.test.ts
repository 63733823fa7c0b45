import { dso } from '@flexder/protocol/beckn/inbound.fixture.ts';
import { generateKeys, type KeyMaterial } from '@flexder/protocol/beckn/keys.ts';
import { expect } from 'chai';
import { openParticipant } from './open.ts';
import { refuseSampleKeys, SampleKeyError } from './own-keys.ts';

const pair = (keys: KeyMaterial) => ({ keyId: 'key-1' as never, ...keys });
const who = (networkProfile: 'strict' | 'sandbox') => ({ subscriberId: dso.id, networkProfile });

describe('keys of a participant', () => {
  it('are not samples on a strict network, present or before', () => {
    const own = pair(generateKeys());
    for (const keys of [{ keys: pair(dso.keys) }, { keys: own, previousKeys: pair(dso.keys) }]) {
      const start = () => refuseSampleKeys({ ...who('strict'), ...keys });
      expect(start).to.throw(
        SampleKeyError,
        /signingSeed of key key-1 is a published sample.*none: then they are made/,
      );
      expect(start).to.not.throw(dso.keys.signingSeed);
      expect(() => refuseSampleKeys({ ...who('sandbox'), ...keys })).to.not.throw();
    }
    expect(() => refuseSampleKeys({ ...who('strict'), keys: own, previousKeys: own })).to.not.throw();
    expect(() => refuseSampleKeys(who('strict'))).to.not.throw();
  });

  it('are looked at before anything is opened', async () => {
    let opened = 0;
    const database = {
      open: async () => {
        opened++;
        throw new Error('no database');
      },
    };
    const context = { engines: { database } } as never;
    const config = { type: 'BAP', url: '', registryUrl: '', domain: '', country: '', city: '' } as const;
    const start = (keys: KeyMaterial) =>
      openParticipant({ context, config: { ...config, ...who('strict'), keys: pair(keys) }, migrations: {} }).catch(
        (error) => error,
      );
    expect(await start(dso.keys)).to.be.instanceOf(SampleKeyError);
    expect(opened).to.equal(0);
    expect((await start(generateKeys())).message, 'the twin goes on').to.equal('no database');
    expect(opened).to.equal(1);
  });
});
