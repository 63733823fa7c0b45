import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import { bin } from './flexder.ts';

interface Addresses {
  readonly dashboard: string;
  readonly operator: string;
  readonly registry: string;
  readonly gateway: string;
  readonly mqtt: string;
  readonly participants: { readonly subscriberId: string; readonly type: string; readonly url: string }[];
}

/** Starts `flexder up` and resolves with the addresses it prints once it is ready. */
async function up(args: readonly string[]): Promise<{ child: ChildProcess; addresses: Addresses }> {
  const child = spawn(process.execPath, [bin, 'up', '--json', '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let complaints = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    complaints = `${complaints}${text}`.slice(-4_000);
  });
  const lines = createInterface({ input: child.stdout! });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`it ended with ${code}: ${complaints}`);
  });
  ended.catch(() => {});
  const [line] = (await Promise.race([once(lines, 'line'), ended])) as [string];
  return { child, addresses: JSON.parse(line) as Addresses };
}

async function stop(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

describe('flexder up', function () {
  this.timeout(60_000);

  it('brings the network up, says where everything is, and ends when it is told to', async function () {
    thorough.call(this);
    const { child, addresses } = await up(['--ders', '18']);
    try {
      expect(addresses).to.have.all.keys('dashboard', 'operator', 'registry', 'gateway', 'mqtt', 'participants');
      expect(addresses.mqtt).to.match(/^mqtt:\/\/127\.0\.0\.1:\d+$/);
      const kinds = addresses.participants.map(({ subscriberId, type }) => `${type} ${subscriberId}`);
      expect(kinds).to.have.members(['BAP dso-1', 'BPP aggregator-1', 'BPP aggregator-2', 'BG gateway-1']);

      const ready = await fetch(new URL('/health/ready', addresses.dashboard));
      expect(ready.status).to.equal(200);
      const page = await fetch(addresses.dashboard);
      expect(page.status).to.equal(200);
      expect(page.headers.get('content-type')).to.contain('text/html');
      const token = new URL(addresses.operator).hash.replace('#/sign-in/', '');
      const signIn = (given: string) =>
        fetch(new URL('/api/v1/session', addresses.dashboard), {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ token: given }),
        });
      expect((await (await signIn(token)).json()) as object).to.include({ name: 'sandbox-operator', role: 'operator' });
      expect((await signIn(`${token}x`)).status).to.equal(401);
      for (const { url, subscriberId } of addresses.participants) {
        // An unsigned message proves that somebody is there who asks for a signature.
        const answer = await fetch(`${url}/search`, { method: 'POST', body: '{}' });
        expect(answer.status, subscriberId).to.be.within(400, 499);
      }
    } finally {
      expect(await stop(child)).to.equal(0);
    }
  });

  it('waits for aggregators from outside, in real time, when it has none', async function () {
    thorough.call(this);
    const { child, addresses } = await up(['--bpps', '0']);
    try {
      expect(addresses.participants.map(({ type }) => type)).to.have.members(['BAP', 'BG']);
      const subscribed = await fetch(`${addresses.registry}/lookup`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ type: 'BPP' }),
      });
      expect(subscribed.status).to.equal(200);
      expect(await subscribed.json()).to.deep.equal([]);
      const snapshot = await fetch(new URL('/api/v1/snapshot', addresses.dashboard));
      expect(snapshot.status).to.equal(200);
    } finally {
      expect(await stop(child)).to.equal(0);
    }
  });
});
