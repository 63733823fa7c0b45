/** How a command reaches its device. Nothing but this asks which way a device is reached. */
import type { BusClient } from '@flexder/runtime/engines/bus/port.ts';
import type { Rooms } from '../context.ts';
import type { Outgoing } from './commands.ts';

export interface DeviceLink {
  /**
   * Hands a command on, unless it is too late for it; false when it could not be. Handed on is not answered: only the
   * device's own answer counts.
   */
  send(orderNo: number, command: Outgoing): Promise<boolean>;
}

export type TopicOf = (derId: string, kind: 'cmd' | 'ack') => string;

/** Devices on the device bus. */
export function busLink(rooms: () => Rooms, bus: Pick<BusClient, 'publish'>, topicOf: TopicOf): DeviceLink {
  return {
    async send(orderNo, { derId, payload }) {
      const { grid, log } = rooms().context;
      const expiryMs = Date.parse(payload.valid_until) - grid.nowMs();
      if (expiryMs <= 0) return false;
      try {
        await bus.publish(topicOf(derId, 'cmd'), JSON.stringify(payload), {
          expiryMs,
          responseTopic: topicOf(derId, 'ack'),
          correlation: payload.command_id,
        });
        return true;
      } catch (error) {
        log.warn({ derId, orderNo, error: String(error) }, 'the broker did not take a command');
        return false;
      }
    },
  };
}

/** Each device where it is: charge points at their own door, the others on the bus. */
export function eachWhereItIs(rooms: () => Rooms, bus: DeviceLink): DeviceLink {
  return {
    send: async (orderNo, command) => {
      const { chargePoints } = rooms();
      return chargePoints?.knows(command.derId) ? chargePoints.send(orderNo, command) : bus.send(orderNo, command);
    },
  };
}
