/** MQTT 3.1.1 as it is written on the wire, so that no client library mends what a test sends. */
import { connect } from 'node:net';
import type { Login } from '@flexder/sandbox/network/foundation.ts';

export interface WireClient {
  /** Code of the broker's CONNACK; undefined when the connection ended before. */
  readonly connack: number | undefined;
  /** Messages delivered to this client. */
  readonly delivered: readonly { readonly topic: string; readonly payload: string }[];
  /** Publishes with QoS 0, without looking back. */
  send(topic: string, payload: string): void;
  /** Publishes; resolves with what the broker does first. */
  publish(topic: string, payload: string, options?: { dup?: boolean; packetId?: number }): Promise<'puback' | 'closed'>;
  /** Return code of SUBACK; 128 is no. */
  subscribe(filter: string): Promise<number | 'closed'>;
  close(): void;
}

const PATIENCE_MS = 5_000;
const [CONNECT, PUBLISH, SUBSCRIBE] = [0x10, 0x32, 0x82];
const [CONNACK, DELIVERED, PUBACK, SUBACK] = [0x20, 0x30, 0x40, 0x90];

const u16 = (value: number) => Buffer.from([value >> 8, value & 255]);
const text = (value: string) => Buffer.concat([u16(Buffer.byteLength(value)), Buffer.from(value)]);

function packet(head: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const length: number[] = [];
  for (let left = body.length; ; left >>= 7) {
    length.push(left > 127 ? (left & 127) | 128 : left);
    if (left <= 127) break;
  }
  return Buffer.concat([Buffer.from([head, ...length]), body]);
}

/** The first whole packet of `bytes`, and what follows it. */
function next(bytes: Buffer): { head: number; body: Buffer; rest: Buffer } | undefined {
  let length = 0;
  for (let i = 1; i < Math.min(bytes.length, 5); i++) {
    length |= (bytes[i]! & 127) << (7 * (i - 1));
    if (bytes[i]! > 127) continue;
    const end = i + 1 + length;
    if (bytes.length < end) return undefined;
    return { head: bytes[0]!, body: bytes.subarray(i + 1, end), rest: bytes.subarray(end) };
  }
  return undefined;
}

/** Connects, without a login as nobody; resolves once the broker has said yes or no. */
export async function connectWire(url: string, clientId: string, login: Partial<Login>): Promise<WireClient> {
  const { hostname, port } = new URL(url);
  const delivered: { topic: string; payload: string }[] = [];
  const waiting: { head: number; resolve: (body: Buffer | 'closed') => void }[] = [];
  let bytes: Buffer = Buffer.alloc(0);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  const receive = ({ head, body }: { head: number; body: Buffer }) => {
    if ((head & 0xf0) === DELIVERED) {
      const topicEnd = 2 + body.readUInt16BE(0);
      const qos = (head >> 1) & 3;
      const payload = body.subarray(topicEnd + (qos > 0 ? 2 : 0)).toString('utf8');
      delivered.push({ topic: body.subarray(2, topicEnd).toString('utf8'), payload });
      if (qos > 0) socket.write(packet(PUBACK, body.subarray(topicEnd, topicEnd + 2)));
      return;
    }
    const index = waiting.findIndex((one) => one.head === (head & 0xf0));
    if (index >= 0) waiting.splice(index, 1)[0]!.resolve(body);
  };
  socket.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    for (let found = next(bytes); found; found = next(bytes)) {
      bytes = found.rest;
      receive(found);
    }
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    for (const { resolve } of waiting.splice(0)) resolve('closed');
  });
  socket.setTimeout(PATIENCE_MS, () => socket.destroy());
  const expect = (head: number) =>
    new Promise<Buffer | 'closed'>((resolve) => {
      if (socket.destroyed) resolve('closed');
      else waiting.push({ head, resolve });
    });

  const greeting = expect(CONNACK);
  const { username, password } = login;
  const flags = 2 | (username === undefined ? 0 : 0x80) | (password === undefined ? 0 : 0x40);
  const who = [clientId, username, password].flatMap((part) => (part === undefined ? [] : [text(part)]));
  socket.write(packet(CONNECT, text('MQTT'), Buffer.from([4, flags, 0, 60]), ...who));
  const answer = await greeting;
  return {
    connack: answer === 'closed' ? undefined : answer[1],
    delivered,
    send: (topic, payload) => void socket.write(packet(PUBLISH & 0xf0, text(topic), Buffer.from(payload))),
    async publish(topic, payload, { dup = false, packetId = 1 } = {}) {
      const said = expect(PUBACK);
      socket.write(packet(PUBLISH | (dup ? 8 : 0), text(topic), u16(packetId), Buffer.from(payload)));
      return (await said) === 'closed' ? 'closed' : 'puback';
    },
    async subscribe(filter) {
      const said = expect(SUBACK);
      socket.write(packet(SUBSCRIBE, u16(2), text(filter), Buffer.from([1])));
      const body = await said;
      return body === 'closed' ? 'closed' : body[2]!;
    },
    close: () => socket.destroy(),
  };
}
