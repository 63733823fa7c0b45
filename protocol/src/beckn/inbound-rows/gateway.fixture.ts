/** The second signature, which a search has from its gateway. */
import { aggregator, dso, registered } from '../inbound.fixture.ts';
import { authorization, invalid, NOW_S, type Row, tamper, unauthorised } from './changes.fixture.ts';

export const gatewayRows: readonly Row[] = [
  {
    name: 'gateway: signature edited',
    from: 'search',
    change: authorization(`created="${NOW_S}"`, `created="${NOW_S - 1}"`, 'x-gateway-authorization'),
    expect: invalid('signature'),
  },
  {
    name: 'gateway: twice',
    from: 'search',
    change: tamper(({ headers: all }) => ({ headers: { ...all, 'x-gateway-authorization': ['a', 'b'] } })),
    expect: invalid('header'),
  },
  {
    name: 'gateway: joined by Node',
    from: 'search',
    change: tamper(({ headers: all }) => ({
      headers: {
        ...all,
        'x-gateway-authorization': [`${all['x-gateway-authorization']}, ${all['x-gateway-authorization']}`],
      },
    })),
    expect: invalid('header'),
  },
  {
    name: 'gateway: registered as a BAP',
    from: 'search',
    change: (s) => {
      s.registry.set('gateway.example.com|key-1', { ...registered(dso), publicKey: registered(aggregator).publicKey });
    },
    expect: unauthorised('key-type'),
  },
  {
    name: 'gateway: unknown',
    from: 'search',
    change: (s) => {
      s.registry.delete('gateway.example.com|key-1');
    },
    expect: { status: 401, code: 'AUT_SUBSCRIBER_NOT_FOUND', reason: 'subscriber-unknown' },
  },
];
