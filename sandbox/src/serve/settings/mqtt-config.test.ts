import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Env } from './config.ts';
import { mqttEngine } from './mqtt-config.ts';

describe('configuration of the device bus', () => {
  let folder: string;
  let pem: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'flexder-mqtt-'));
    pem = join(folder, 'some.pem');
    writeFileSync(pem, '-----BEGIN CERTIFICATE-----\n');
    writeFileSync(join(folder, 'empty'), '');
  });
  after(() => rmSync(folder, { recursive: true }));

  const problemsOf = (env: Env) => {
    const problems: string[] = [];
    mqttEngine(env, problems);
    return problems;
  };

  it('is a broker on this machine, strict, with the newest version it speaks', () => {
    const problems: string[] = [];
    expect(mqttEngine({}, problems)).to.deep.equal({
      mqttUrl: 'mqtt://127.0.0.1:1883',
      mqtt: { version: 'auto', profile: 'strict' },
    });
    expect(problems).to.deep.equal([]);
  });

  it('takes certificates, a version and the sandbox profile', () => {
    const problems: string[] = [];
    const env = {
      FLEXDER_MQTT_URL: 'mqtts://broker.example:8883',
      FLEXDER_MQTT_VERSION: '5',
      FLEXDER_MQTT_CA_FILE: pem,
      FLEXDER_MQTT_CERT_FILE: pem,
      FLEXDER_MQTT_KEY_FILE: pem,
      FLEXDER_NETWORK_PROFILE: 'sandbox',
    };
    const text = '-----BEGIN CERTIFICATE-----\n';
    expect(mqttEngine(env, problems)).to.deep.equal({
      mqttUrl: 'mqtts://broker.example:8883',
      mqtt: { version: 5, profile: 'sandbox', tls: { ca: text, cert: text, key: text } },
    });
    expect(problems).to.deep.equal([]);
  });

  for (const url of ['http://b', 'mqtt://', 'mqtt://me:s3cret@b', 'mqtt://b/path', 'mqtt://b?x=1', 'mqtt://b:port'])
    it(`refuses ${url} without repeating it`, () => {
      const problems = problemsOf({ FLEXDER_MQTT_URL: url });
      expect(problems).to.deep.equal([
        'FLEXDER_MQTT_URL must be mqtt://HOST:PORT or mqtts://HOST:PORT, without login, path or query.',
      ]);
    });

  it('refuses plaintext beyond this machine unless it is a sandbox', () => {
    const env = { FLEXDER_MQTT_URL: 'mqtt://broker.example:1883' };
    const [problem, ...more] = problemsOf({ ...env, FLEXDER_NETWORK_PROFILE: 'strict' });
    expect(more).to.deep.equal([]);
    expect(problem).to.match(/^FLEXDER_MQTT_URL: mqtt:\/\/broker\.example:1883 is not encrypted/);
    expect(problemsOf({ ...env, FLEXDER_NETWORK_PROFILE: 'sandbox' })).to.deep.equal([]);
  });

  it('says which file and which version is wrong', () => {
    const env = { FLEXDER_MQTT_URL: 'mqtts://broker.example' };
    expect(problemsOf({ ...env, FLEXDER_MQTT_VERSION: '3', FLEXDER_MQTT_CA_FILE: join(folder, 'none') })).to.deep.equal(
      [
        'FLEXDER_MQTT_VERSION must be one of auto, 4, 5, not "3".',
        `FLEXDER_MQTT_CA_FILE: ${join(folder, 'none')} cannot be read: ENOENT.`,
      ],
    );
    expect(problemsOf({ ...env, FLEXDER_MQTT_CERT_FILE: join(folder, 'empty') })).to.deep.equal([
      `FLEXDER_MQTT_CERT_FILE: ${join(folder, 'empty')} holds no PEM block.`,
      'FLEXDER_MQTT_URL: a client certificate needs its private key, and the key its certificate: give both or neither.',
    ]);
  });
});
