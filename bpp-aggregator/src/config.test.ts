import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ConfigError, parseConfig } from './config.ts';
import { configFromEnv } from './config-env.ts';

const env = {
  FLEXDER_BPP_SUBSCRIBER_ID: 'agg-1',
  FLEXDER_BPP_NAME: 'Aggregator One',
  FLEXDER_BPP_PROVIDER_ID: 'agg-1',
  FLEXDER_REGISTRY_URL: 'http://127.0.0.1:4000',
  FLEXDER_BPP_MQTT_USERNAME: 'aggregator/agg-1',
  FLEXDER_BPP_MQTT_PASSWORD: 'secret',
};
const settings = {
  host: '127.0.0.1',
  port: 0,
  subscriberId: 'agg-1',
  name: 'Aggregator One',
  providerId: 'agg-1',
  registryUrl: 'http://127.0.0.1:4000',
  busCredentials: { username: 'aggregator/agg-1', password: 'secret' },
  portfolio: [],
};
const der = {
  derId: 'ev-1',
  type: 'ev-charger',
  feederId: 'LPN-041',
  ratedKw: 7.36,
  importMsid: '1000000000001',
  exportMsid: null,
  consent: { fromMs: 0, untilMs: 1 },
  essential: false,
};

function sentences(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return '';
}

describe('configuration of an aggregator', () => {
  it('has a default for what may be left out', () => {
    const config = parseConfig({ ...settings, portfolio: [der] });
    expect(config).to.include({ quoteTtlMs: 30_000, answerDeadlineS: 15, quoteShare: 1, releaseSpreadSeconds: 300 });
    expect(config).to.include({ networkProfile: 'strict', domain: 'deg:demand-flexibility', city: 'std:020' });
    expect(config.portfolio).to.have.length(1);
  });

  it('names everything that is wrong, all at once', () => {
    const text = sentences(() => parseConfig({ ...settings, subscriberId: 'a/b', quoteShare: 2, surprise: 1 }));
    expect(text).to.match(/subscriberId: must be a subscriber id/);
    expect(text).to.match(/quoteShare: /);
    expect(text).to.match(/surprise/);
  });

  it('refuses a device twice, a wrong MSID and a consent that ends before it begins', () => {
    const wrong = { ...der, derId: 'ev-2', importMsid: '1', consent: { fromMs: 2, untilMs: 1 } };
    const text = sentences(() => parseConfig({ ...settings, portfolio: [der, der, wrong] }));
    expect(text).to.match(/portfolio\.1\.derId: ev-1 is listed twice/);
    expect(text).to.match(/portfolio\.2\.importMsid: must be an MSID of 13 digits/);
    expect(text).to.match(/portfolio\.2\.consent: must end after it begins/);
  });

  it('is read from the environment, the portfolio from a file', () => {
    const directory = mkdtempSync(join(tmpdir(), 'flexder-config-'));
    try {
      const file = join(directory, 'portfolio.json');
      writeFileSync(file, JSON.stringify([der]));
      const config = configFromEnv({ ...env, FLEXDER_BPP_PORTFOLIO_FILE: file, FLEXDER_BPP_PRICE_BATTERY: '0.5' });
      expect(config).to.include({ subscriberId: 'agg-1', port: 4100 });
      expect(config.priceGbpPerKwh).to.deep.equal({ battery: 0.5, 'ev-charger': 0.36, 'heat-pump': 0.48 });
      expect(config.portfolio).to.deep.equal([der]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('is read from the environment; errors name the variable to set', () => {
    const text = sentences(() => configFromEnv({ ...env, FLEXDER_BPP_QUOTE_SHARE: 'all', FLEXDER_BPP_NAME: '' }));
    expect(text).to.match(/FLEXDER_BPP_QUOTE_SHARE: /);
    expect(text).to.match(/FLEXDER_BPP_NAME: /);
    expect(text).to.match(/FLEXDER_BPP_PORTFOLIO_FILE: /);
    expect(text).to.not.match(/FLEXDER_BPP_MQTT_PASSWORD/);
  });

  it('tells a file that is not there beside what else is wrong', () => {
    const text = sentences(() =>
      configFromEnv({ ...env, FLEXDER_BPP_PORTFOLIO_FILE: '/nowhere.json', FLEXDER_BPP_PORT: '-1' }),
    );
    expect(text).to.match(/FLEXDER_BPP_PORTFOLIO_FILE: \/nowhere\.json cannot be read/);
    expect(text).to.match(/FLEXDER_BPP_PORT: /);
  });
});
