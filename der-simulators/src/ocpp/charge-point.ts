/** A simulated charge point: the body and the behaviour of a simulated charger, at the end of an OCPP connection. */
import type { BusClient, BusConnectOptions, BusMessage } from '@flexder/runtime/engines/bus/port.ts';
import type { DeviceAck, DeviceCommand, DeviceTelemetry } from '@flexder/schemas/types.ts';
import { MAX_UNREAD_COMMANDS } from '../limits.ts';
import { bootOf, commandOf, meterValuesOf, statusOf, type Version } from './words.ts';

export interface ChargePointOptions extends BusConnectOptions {
  /** What the aggregator calls its `ocppUrl`. */
  readonly url: string;
  readonly version: Version;
}

type Answered = (answer: unknown) => void;

/**
 * Connects as the device of `clientId`. To the simulated device it is a bus like another: what it publishes goes out as
 * OCPP, and profiles come in as commands. Rejects when the login is refused.
 */
export async function connectChargePoint(options: ChargePointOptions): Promise<BusClient> {
  const { url, version, clientId: derId, password } = options;
  const { RPCClient, NOREPLY } = (await import('ocpp-rpc')).default;
  const client = new RPCClient({
    endpoint: url,
    identity: derId,
    password,
    protocols: [version],
    strictMode: true,
  } as ConstructorParameters<typeof RPCClient>[0]);
  const counts = { sent: 0, received: 0 };
  /** Calls that the body has not answered; a silent one never does. */
  const open = new Map<string, Answered>();
  let obey: ((message: BusMessage) => void) | undefined;
  let sequence = 0;

  const receive = (method: string) =>
    client.handle(method, (async ({ params }: { params: unknown }) => {
      counts.received++;
      const command: DeviceCommand = commandOf(derId, sequence++, method, params);
      return new Promise<unknown>((resolve) => {
        open.get(command.command_id)?.(NOREPLY);
        open.set(command.command_id, resolve);
        for (const [oldest, forget] of open) {
          if (open.size <= MAX_UNREAD_COMMANDS) break;
          open.delete(oldest);
          forget(NOREPLY);
        }
        obey?.({ topic: 'cmd', payload: Buffer.from(JSON.stringify(command)), retained: false });
      });
    }) as never);
  receive('SetChargingProfile');
  receive('ClearChargingProfile');

  const say: Readonly<Record<string, (body: never) => Promise<unknown> | undefined>> = {
    birth: () => client.call('BootNotification', bootOf(version)),
    telemetry: (body: DeviceTelemetry) => client.call('MeterValues', meterValuesOf(version, body)),
    ack: (body: DeviceAck) => {
      const status = statusOf(body);
      const answer = open.get(body.command_id);
      if (status === undefined || !answer) return undefined;
      open.delete(body.command_id);
      answer({ status });
      return undefined;
    },
  };

  client.on('error', () => {});
  await client.connect();
  return {
    protocolVersion: 4,
    shares: false,
    counts,
    get connected() {
      return client.state === RPCClient.OPEN;
    },
    // Its presence is its connection.
    async publish(topic, payload) {
      await say[topic.split('/').at(-1) ?? '']?.(JSON.parse(payload) as never);
      counts.sent++;
    },
    async subscribe(_filter, handler) {
      obey = handler;
    },
    async close() {
      for (const forget of open.values()) forget(NOREPLY);
      open.clear();
      await client.close({ code: 1000 });
    },
  };
}
