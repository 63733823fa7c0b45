import type { DerId, SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { expect } from 'chai';
import { freePort } from '../../http/free-port.ts';
import { type Authority, certificateAuthority, readPem } from '../../testing/certificates.ts';
import { needsEngine, testFolder } from '../../testing/engine.ts';
import {
  type MosquittoServer,
  type MosquittoSetting,
  needsMosquitto,
  startMosquitto,
} from '../../testing/mosquitto.ts';
import { testDeps } from '../../testing/quiet.ts';
import { deviceAccount } from './accounts.ts';
import { busAccounts, busConformance } from './conformance.ts';
import { mqttBus } from './mqtt.ts';
import type { MqttSettings } from './settings.ts';

const strict = { version: 'auto', profile: 'strict' } as const;
const login = { clientId: 'agg', username: busAccounts[0]!.username, password: busAccounts[0]!.password };

/** A Mosquitto that comes back where it was. */
async function underTest(settings: MqttSettings, version: 4 | 5, tls?: MosquittoSetting['tls']) {
  const setting = {
    accounts: busAccounts,
    port: await freePort(),
    folder: testFolder('mosquitto'),
    ...(tls && { tls }),
  };
  let server = await startMosquitto(setting);
  return {
    ...{ bus: mqttBus(server.url, testDeps(), settings), version, refusesFilters: false, tls: settings.tls },
    async restart() {
      await server.stop();
      server = await startMosquitto(setting);
    },
    close: () => server.stop(),
  };
}

for (const version of [4, 5] as const) {
  describe(`device bus mqtt, Mosquitto, MQTT ${version === 4 ? '3.1.1' : '5'}`, function () {
    this.timeout(20_000);
    before(needsMosquitto);
    busConformance(() => underTest({ ...strict, version }, version));
  });

  describe(`device bus mqtt, Mosquitto, MQTT ${version === 4 ? '3.1.1' : '5'} with certificates on both sides`, function () {
    this.timeout(20_000);
    before(needsEngine('Mosquitto', 'mosquitto', 'openssl'));
    busConformance(() => {
      const { ca, issue } = certificateAuthority(testFolder('certificates'), 'authority');
      const client = issue('aggregator');
      const tls = { ca: readPem(ca), cert: readPem(client.cert), key: readPem(client.key) };
      return underTest({ ...strict, version, tls }, version, { ...issue('broker', ['IP:127.0.0.1']), ca });
    });
  });
}

describe('Mosquitto and who connects to it', function () {
  this.timeout(20_000);
  const servers: MosquittoServer[] = [];
  before(needsMosquitto);
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
  });
  const start = async (setting: Partial<MosquittoSetting> = {}) => {
    const server = await startMosquitto({ accounts: busAccounts, ...setting });
    servers.push(server);
    return server;
  };
  const failure = (settings: MqttSettings, url: string, deps = testDeps()) =>
    mqttBus(url, deps, settings)
      .connect(login)
      .then(
        (client) => client.close(),
        (error: Error) => error.message,
      );

  it('an anonymous broker is refused in strict, told in the sandbox, and another is neither', async () => {
    const open = await start({ anonymous: true });
    for (const version of [4, 5] as const) {
      expect(await failure({ ...strict, version }, open.url)).to.match(
        /accepts connections without credentials.* allow_anonymous false/,
      );
    }
    const deps = testDeps();
    expect(await failure({ ...strict, profile: 'sandbox' }, open.url, deps)).to.equal(undefined);
    const warnings = () => deps.log.lines.filter(({ text }) => /accepts connections without/.test(text));
    expect(warnings()).to.have.length(1);
    expect(await failure(strict, (await start()).url, deps)).to.equal(undefined);
    expect(warnings()).to.have.length(1);
  });

  it('new accounts are let in after SIGHUP, and those no longer listed are not', async () => {
    const server = await start();
    const fresh = deviceAccount('agg.example' as SubscriberId, 'der-new' as DerId, 'secret-n');
    const enter = async () => {
      const bus = mqttBus(server.url, testDeps(), strict);
      return bus.connect({ clientId: 'new', username: fresh.username, password: fresh.password }).then(
        async (client) => {
          await client.close();
          return 'in';
        },
        (error: Error) => error.message,
      );
    };
    expect(await enter()).to.match(/Not authorized/);
    await server.admit([...busAccounts, fresh]);
    expect(await enter()).to.equal('in');
    await server.admit(busAccounts);
    expect(await enter()).to.match(/Not authorized/);
  });

  describe('with TLS', () => {
    let folder: string;
    let authority: Authority;
    let tls: NonNullable<MosquittoSetting['tls']>;
    before(needsEngine('Mosquitto', 'mosquitto', 'openssl'));
    before(() => {
      folder = testFolder('certificates');
      authority = certificateAuthority(folder, 'authority');
      tls = authority.issue('broker', ['IP:127.0.0.1']);
    });
    const trusting = (more = {}) => ({ ...strict, tls: { ca: readPem(authority.ca), ...more } });
    const shown = ({ cert, key }: { cert: string; key: string }) => ({ cert: readPem(cert), key: readPem(key) });

    it('a broker is believed when our authority vouches for its name', async () => {
      const { url } = await start({ tls });
      expect(await failure(trusting(), url)).to.equal(undefined);
      expect(await failure(strict, url), 'an unknown authority').to.match(/no secure connection .* \(UNABLE_TO_|SELF_/);
      const other = { ...strict, tls: { ca: readPem(certificateAuthority(folder, 'other').ca) } };
      expect(await failure(other, url), 'another authority').to.match(/no secure connection/);
      const named = await start({ tls: authority.issue('elsewhere', ['DNS:elsewhere.example']) });
      expect(await failure(trusting(), named.url), 'another name').to.match(/ERR_TLS_CERT_ALTNAME_INVALID/);
    });

    it('a client shows its certificate where one is asked for, besides its login', async () => {
      const { url } = await start({ tls: { ...tls, ca: authority.ca } });
      const good = shown(authority.issue('aggregator'));
      expect(await failure(trusting(good), url)).to.equal(undefined);
      expect(await failure(trusting(), url), 'none').to.match(/no secure connection/);
      const foreign = certificateAuthority(folder, 'foreign');
      expect(await failure(trusting(shown(foreign.issue('x'))), url), 'another authority').to.match(/no secure conn/);
      const error = await mqttBus(url, testDeps(), trusting(good))
        .connect({ ...login, password: 'wrong' })
        .catch((reason: Error) => reason.message);
      expect(error).to.match(/refused the connection: Connection refused: Not authorized/);
    });
  });
});
