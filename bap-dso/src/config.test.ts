import { expect } from 'chai';
import { type BapConfigInput, bapConfig, ConfigError } from './config.ts';
import { configFromEnv } from './config-env.ts';

const least: BapConfigInput = {
  subscriberId: 'dso-1',
  dsoName: 'A DSO',
  registryUrl: 'http://127.0.0.1:3030',
  busCredentials: { username: 'dso', password: 'secret' },
  feeders: [{ feederId: 'feeder-1', name: 'High Street', limitKw: 900 }],
};
const env = {
  FLEXDER_BAP_SUBSCRIBER_ID: 'dso-1',
  FLEXDER_BAP_NAME: 'A DSO',
  FLEXDER_REGISTRY_URL: 'http://127.0.0.1:3030',
  FLEXDER_BAP_MQTT_USERNAME: 'dso',
  FLEXDER_BAP_MQTT_PASSWORD: 'secret',
  FLEXDER_BAP_FEEDERS: JSON.stringify(least.feeders),
};

function problemsOf(run: () => unknown): readonly string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error('the configuration was taken');
}

describe('configuration of the DSO', () => {
  it('fills in the defaults, and the same from the environment', () => {
    const config = bapConfig(least);
    expect(config).to.deep.include({
      gatherBoundMs: 250,
      gatherOverallMs: 1_000,
      networkProfile: 'strict',
      city: 'std:020',
    });
    expect(config.feeders[0]).to.deep.include({ releaseShare: 0.95, gspGroupId: '_J' });
    expect(config.settlement).to.deep.include({ dsoId: 'dso-1', gspGroups: { 'feeder-1': '_J' } });
    expect(configFromEnv(env)).to.deep.equal(config);
    expect(configFromEnv({ ...env, FLEXDER_BAP_PORT: '4001' }).port).to.equal(4_001);
  });

  it('names every problem at once', () => {
    const problems = problemsOf(() =>
      configFromEnv({
        ...env,
        FLEXDER_BAP_SUBSCRIBER_ID: 'a b',
        FLEXDER_BAP_PORT: 'x',
        FLEXDER_BAP_FEEDERS: '[',
        FLEXDER_BAP_MQTT_PASSWORD: undefined,
      }),
    );
    for (const part of [
      'subscriberId',
      'FLEXDER_BAP_PORT',
      'FLEXDER_BAP_FEEDERS',
      'feeders',
      'busCredentials.password',
    ]) {
      expect(
        problems.some((problem) => problem.includes(part)),
        part,
      ).to.equal(true);
    }
  });

  it('refuses what cannot work together', () => {
    const twice = [...least.feeders, ...least.feeders];
    expect(problemsOf(() => bapConfig({ ...least, feeders: twice }))).to.deep.equal([
      'feeders feeder-1 is named twice',
    ]);
    expect(problemsOf(() => bapConfig({ ...least, gatherBoundMs: 2_000 }))).to.deep.equal([
      'gatherOverallMs is shorter than gatherBoundMs',
    ]);
  });
});
