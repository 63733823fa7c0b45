/** Commands that come late, twice or out of order, and answers to what was never asked. */
import type { DeviceAck, DeviceCommand } from '@flexder/schemas/types.ts';
import { expect } from 'chai';
import { createBuyer } from '../../harness/buyer.ts';
import type { Counterparty } from '../../harness/counterparty.ts';
import type { DeviceNetwork } from '../../harness/devices.ts';
import { connectWire, type WireClient } from '../../harness/mqtt-wire.ts';
import type { openTables } from '../../harness/tables.ts';

const MINUTE_MS = 60_000;

/** Where a device attacks: it has the login of `own`; `other` is somebody else's. */
export interface Attacked {
  readonly net: DeviceNetwork;
  readonly db: Awaited<ReturnType<typeof openTables.aggregator>>;
  readonly party: Counterparty;
  readonly owner: string;
  readonly own: string;
  readonly other: string;
  /** Closed after each test. */
  readonly clients: WireClient[];
  attacker(clientId?: string): Promise<WireClient>;
  topic(derId: string, kind: string): string;
  /** Grid time, RFC 3339. */
  ts(offsetMs?: number): string;
  counted(pattern: RegExp): Promise<number>;
  ack(commandId: string, changes?: Partial<DeviceAck>): DeviceAck;
}

export function commandsOutOfOrder(at: () => Attacked): void {
  describe('commands that come late, twice or out of order', () => {
    let bus: Awaited<ReturnType<DeviceNetwork['context']['engines']['bus']['connect']>>;
    const heard: DeviceAck[] = [];
    let sequence = 1_000_000;

    before(async () => {
      bus = await at().net.context.engines.bus.connect({ clientId: 'aggregator-again', ...at().net.aggregatorLogin });
      await bus.subscribe(`flex/v1/${at().owner}/+/ack`, ({ payload }) => {
        heard.push(JSON.parse(Buffer.from(payload).toString('utf8')) as DeviceAck);
      });
    });
    after(() => bus?.close());
    beforeEach(() => {
      heard.length = 0;
    });

    const command = (changes: Partial<DeviceCommand> = {}): DeviceCommand => ({
      ...{
        v: 1,
        command_id: at().net.context.ids.uuid(),
        der_id: at().own,
        sequence: sequence++,
        type: 'DISPATCH_SETPOINT',
      },
      ...{ order_id: 'order-1', obp_id: 'obp-1', event_id: 'event-1', target_kw: 0 },
      ...{
        start_at: at().ts(),
        stop_at: at().ts(30 * MINUTE_MS),
        valid_until: at().ts(15_000),
        release_delay_s: 0,
        issued_at: at().ts(),
      },
      ...changes,
    });
    const deliver = async (body: DeviceCommand) => {
      await bus.publish(at().topic(at().own, 'cmd'), JSON.stringify(body));
      await at().net.settle();
    };
    const answersTo = ({ command_id }: DeviceCommand) =>
      heard.filter((one) => one.command_id === command_id && one.result !== 'STARTED').map(({ result }) => result);

    it('MQ-07 after valid_until: answered EXPIRED, not executed', async () => {
      const twin = command();
      const before = at().net.fleet.counts.executed;
      await deliver(twin);
      expect(answersTo(twin)).to.include('ACCEPTED');
      expect(at().net.fleet.counts.executed).to.equal(before + 1);
      for (const late of [
        command({ valid_until: at().ts(-1) }),
        command({
          start_at: at().ts(-40 * MINUTE_MS),
          stop_at: at().ts(-10 * MINUTE_MS),
          valid_until: at().ts(-39 * MINUTE_MS),
        }),
        command({ start_at: at().ts(-40 * MINUTE_MS), stop_at: at().ts(-10 * MINUTE_MS) }),
      ]) {
        await deliver(late);
        expect(answersTo(late)).to.deep.equal(['EXPIRED']);
      }
      expect(at().net.fleet.counts.executed).to.equal(before + 1);
    });

    it('MQ-08 delivered three times: executed once, answered alike', async () => {
      const body = command();
      const { executed, repeated } = at().net.fleet.counts;
      for (let i = 0; i < 3; i++) await deliver(body);
      expect(at().net.fleet.counts.executed).to.equal(executed + 1);
      expect(at().net.fleet.counts.repeated).to.equal(repeated + 2);
      expect(answersTo(body).filter((result) => result === 'ACCEPTED')).to.have.length(3);
    });

    it('MQ-08 sent again with DUP by its sender: executed once', async () => {
      const raw = await connectWire(at().net.mqttUrl, 'aggregator-raw', at().net.aggregatorLogin);
      at().clients.push(raw);
      const body = command();
      const { executed } = at().net.fleet.counts;
      expect(await raw.publish(at().topic(at().own, 'cmd'), JSON.stringify(body), { packetId: 7 })).to.equal('puback');
      expect(await raw.publish(at().topic(at().own, 'cmd'), JSON.stringify(body), { packetId: 7, dup: true })).to.equal(
        'puback',
      );
      await at().net.settle();
      expect(at().net.fleet.counts.executed).to.equal(executed + 1);
    });

    it('MQ-08 overtaken by a later one: ignored', async () => {
      const [first, second] = [command(), command({ order_id: 'order-1' })];
      await deliver(second);
      const { executed, staleSequence } = at().net.fleet.counts;
      await deliver(first);
      expect(answersTo(first)).to.deep.equal([]);
      expect(at().net.fleet.counts).to.include({ executed, staleSequence: staleSequence + 1 });
      expect(answersTo(second)).to.include('ACCEPTED');
    });

    it('MQ-08 of a real order, answered again and again: counted once', async () => {
      const spy = await connectWire(at().net.mqttUrl, 'spy', at().net.logins.get(at().other)!);
      at().clients.push(spy);
      expect(await spy.subscribe(at().topic(at().other, 'cmd'))).to.equal(1);
      const buyer = createBuyer(
        at().net,
        at().party,
        { id: at().owner, url: at().net.aggregator.becknUrl },
        'provider-1',
      );
      await buyer.reach(buyer.purchase(100), 'select', 'init', 'confirm');
      const [real] = spy.delivered.map(({ payload }) => JSON.parse(payload) as DeviceCommand);
      const answerOf = () =>
        at()
          .db.selectFrom('command')
          .select(['answer', 'answered_at', 'life_cycle'])
          .where('command_id', '=', real!.command_id)
          .executeTakeFirstOrThrow();
      const first = await answerOf();
      expect(first.answer).to.equal('ACCEPTED');
      const [ignored, executed] = [
        await at().counted(/^flexder_device_answers_ignored/),
        at().net.fleet.counts.executed,
      ];
      for (let i = 0; i < 2; i++) await bus.publish(at().topic(at().other, 'cmd'), JSON.stringify(real));
      await at().net.settle();
      const changed = {
        command_id: real!.command_id,
        der_id: at().other,
        sequence: real!.sequence,
        result: 'REJECTED',
      };
      expect(
        await spy.publish(at().topic(at().other, 'ack'), JSON.stringify({ v: 1, ...changed, ts: at().ts() })),
      ).to.equal('puback');
      await at().net.settle();
      expect(at().net.fleet.counts.executed).to.equal(executed);
      expect(await answerOf()).to.deep.equal(first);
      expect(await at().counted(/^flexder_device_answers_ignored/)).to.equal(ignored + 3);
    });

    it('MQ-05 an answer to a command that never was, and to one of another device: ignored', async () => {
      const rows = at().db.selectFrom('command').selectAll().orderBy('command_id');
      const before = await rows.execute();
      const foreign = before.find(({ der_id }) => der_id === at().other)!;
      const client = await at().attacker();
      const ignored = await at().counted(/^flexder_device_answers_ignored/);
      for (const forged of [
        at().ack(at().net.context.ids.uuid()),
        at().ack(foreign.command_id, { sequence: foreign.sequence, result: 'REJECTED' }),
      ]) {
        expect(await client.publish(at().topic(at().own, 'ack'), JSON.stringify(forged))).to.equal('puback');
      }
      await at().net.settle();
      expect(await rows.execute()).to.deep.equal(before);
      expect(await at().counted(/^flexder_device_answers_ignored/)).to.equal(ignored + 2);
    });
  });
}
