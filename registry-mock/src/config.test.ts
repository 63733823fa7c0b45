import { expect } from 'chai';
import { ConfigError, gatewayConfigFromEnv, registryConfigFromEnv } from './config.ts';

function problemsOf(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('registry and gateway configuration', () => {
  it('has a default for everything the registry needs', () => {
    expect(registryConfigFromEnv({})).to.deep.equal({
      host: '127.0.0.1',
      port: 4000,
      profile: 'strict',
      subscriberId: 'registry.flexder.example',
      url: undefined,
    });
  });

  it('takes every variable', () => {
    const config = registryConfigFromEnv({
      FLEXDER_REGISTRY_HOST: '0.0.0.0',
      FLEXDER_REGISTRY_PORT: '0',
      FLEXDER_REGISTRY_SUBSCRIBER_ID: 'registry-1',
      FLEXDER_REGISTRY_PUBLIC_URL: 'https://registry.example.com',
      FLEXDER_NETWORK_PROFILE: 'sandbox',
    });
    expect(config).to.deep.equal({
      host: '0.0.0.0',
      port: 0,
      profile: 'sandbox',
      subscriberId: 'registry-1',
      url: 'https://registry.example.com',
    });
  });

  it('tells all that is wrong at once, each by its variable', () => {
    const problems = problemsOf(() =>
      gatewayConfigFromEnv({
        FLEXDER_GATEWAY_PORT: '70000',
        FLEXDER_GATEWAY_SUBSCRIBER_ID: 'not an id',
        FLEXDER_GATEWAY_PUBLIC_URL: 'gateway',
        FLEXDER_NETWORK_PROFILE: 'loose',
      }),
    );
    expect(problems.map((problem) => problem.split(' ')[0])).to.have.members([
      'FLEXDER_REGISTRY_URL',
      'FLEXDER_GATEWAY_PORT',
      'FLEXDER_NETWORK_PROFILE',
      'FLEXDER_GATEWAY_SUBSCRIBER_ID',
      'FLEXDER_GATEWAY_PUBLIC_URL',
    ]);
    expect(problemsOf(() => gatewayConfigFromEnv({ FLEXDER_REGISTRY_URL: 'http://127.0.0.1:4000' }))).to.deep.equal([]);
  });
});
