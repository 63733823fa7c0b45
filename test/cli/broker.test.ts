/** `flexder broker mosquitto` and the plan that comes with one: files that a real Mosquitto serves from. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mqttBus } from '@flexder/runtime/engines/bus/mqtt.ts';
import type { BusAccount } from '@flexder/runtime/engines/bus/port.ts';
import { accepts, needsEngine, startEngine } from '@flexder/runtime/testing/engine.ts';
import { testDeps } from '@flexder/runtime/testing/quiet.ts';
import { expect } from 'chai';
import { flexder } from './flexder.ts';

const account = (username: string): BusAccount => ({
  username,
  password: `secret of ${username}`,
  publish: ['a/b'],
  subscribe: [],
});

describe('flexder broker mosquitto', function () {
  this.timeout(60_000);
  let folder: string;
  let file: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'flexder-mosquitto-'));
    chmodSync(folder, 0o755);
    file = join(folder, 'accounts.json');
  });
  after(() => rmSync(folder, { recursive: true }));
  const write = (accounts: unknown) => writeFileSync(file, JSON.stringify(accounts));
  const broker = (...more: string[]) => flexder(['broker', 'mosquitto', '--accounts', file, ...more]);

  it('writes passwords, topics and bounds, for their owner alone', () => {
    write([account('dso/dso-1')]);
    const dir = join(folder, 'plain');
    const { code, out } = broker('--dir', dir);
    expect(code).to.equal(0);
    expect(out.trim()).to.equal(`mosquitto -c ${join(dir, 'mosquitto.conf')}`);
    for (const name of ['passwords', 'acl', 'mosquitto.conf'])
      expect(statSync(join(dir, name)).mode & 0o777).to.equal(0o600);
    expect(readFileSync(join(dir, 'acl'), 'utf8')).to.equal('user dso/dso-1\ntopic write a/b\n\n');
    expect(readFileSync(join(dir, 'mosquitto.conf'), 'utf8')).to.contain('listener 1883 127.0.0.1');
    expect(broker('--dir', join(folder, 'tls'), '--tls', '--client-certificates').code).to.equal(0);
    expect(readFileSync(join(folder, 'tls', 'mosquitto.conf'), 'utf8')).to.match(
      /listener 8883 0\.0\.0\.0[\s\S]*certfile .*tls\/broker\.pem\n[\s\S]*require_certificate true/,
    );
  });

  it('refuses by name what Mosquitto would read as something else, and writes nothing', () => {
    write([{ ...account('der/a/x'), username: 'der/a/b c' }]);
    const dir = join(folder, 'refused');
    const { code, err } = broker('--dir', dir);
    expect(code).to.equal(2);
    expect(err).to.contain('"der/a/b c" cannot be a user name of Mosquitto').and.not.contain('secret');
    expect(existsSync(dir)).to.equal(false);
    write([account('x'), account('x')]);
    expect(broker('--dir', dir).err).to.contain('x is listed twice');
    expect(broker('--dir', dir, '--client-certificates').code).to.equal(2);
  });

  describe('and a Mosquitto that runs from a plan', () => {
    before(needsEngine('Mosquitto', 'mosquitto'));

    it('lets in whom the plan names, and after a reload whom the file names', async () => {
      const dir = join(folder, 'plan');
      const size = ['--ders', '18', '--bpps', '1'];
      const plan = flexder(['serve', 'plan', '--dir', dir, ...size, '--broker', 'mosquitto', '--json']);
      expect(plan.code, plan.err).to.equal(0);
      const { services } = JSON.parse(plan.out) as { services: { name: string; url: string; command?: string }[] };
      const { url, command } = services.find(({ name }) => name === 'broker')!;
      const inner = join(dir, 'mosquitto');
      expect(command).to.equal(`mosquitto -c ${join(inner, 'mosquitto.conf')}`);
      if (process.getuid?.() === 0) {
        chmodSync(dir, 0o755);
        execFileSync('chown', ['-R', 'mosquitto', inner]);
      }
      const port = Number(new URL(url).port);
      const [program, ...args] = command!.split(' ') as [string, ...string[]];
      const engine = await startEngine({ program, args, ready: () => accepts(port) });
      try {
        const enter = ({ username, password }: BusAccount) =>
          mqttBus(url, testDeps(), { version: 'auto', profile: 'strict' })
            .connect({ clientId: username, username, password })
            .then(
              async (client) => {
                await client.close();
                return client.protocolVersion;
              },
              (error: Error) => error.message,
            );
        file = join(inner, 'accounts.json');
        const accounts = JSON.parse(readFileSync(file, 'utf8')) as BusAccount[];
        for (const known of accounts.slice(0, 3)) expect(await enter(known), known.username).to.equal(5);
        const fresh = account('der/aggregator-1/der-new');
        expect(await enter(fresh)).to.match(/Not authorized/);
        write([...accounts, fresh]);
        const again = broker('--dir', inner, '--reload');
        expect(again.code, again.err).to.equal(0);
        let answer = await enter(fresh);
        // The signal is taken up between two rounds of Mosquitto's loop.
        while (answer !== 5) answer = await enter(fresh);
      } finally {
        await engine.stop();
      }
      const gone = broker('--dir', inner, '--reload');
      expect([gone.code, gone.err]).to.deep.equal([1, `The files are written, but no Mosquitto runs from ${inner}.\n`]);
    });
  });
});
