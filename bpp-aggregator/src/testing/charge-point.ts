/**
 * Charge points for tests, by other hands than the server's library: 1.6 by the client of `ocpp-ts`, 2.0.1 (for which there
 * is no second library that installs) and everything impolite by frames written after the specification, over `ws`.
 */
import { once } from 'node:events';
import { OcppClient } from 'ocpp-ts';
import WebSocket from 'ws';

const basic = (identity: string, password: string) => ({
  Authorization: `Basic ${Buffer.from(`${identity}:${password}`).toString('base64')}`,
});

export async function connect16(url: string, identity: string, password: string): Promise<OcppClient> {
  const client = new OcppClient(identity);
  const connected = new Promise<void>((resolve, reject) => {
    client.on('connect', resolve);
    client.on('error', reject);
  });
  client.connect(`${url}/`, basic(identity, password));
  await connected;
  return client;
}

type Frame = [number, string, ...unknown[]];

export interface RawOptions {
  readonly protocol?: string;
  readonly identity?: string;
  readonly password?: string;
  readonly ca?: string;
}

export type RawChargePoint = Awaited<ReturnType<typeof connectRaw>>;

/** Rejects with the HTTP status of a refused handshake. */
export async function connectRaw(url: string, options: RawOptions) {
  const { protocol = 'ocpp2.0.1', identity = '', password, ca } = options;
  const socket = new WebSocket(`${url}/${identity}`, protocol === '' ? [] : [protocol], {
    headers: password === undefined ? {} : basic(identity, password),
    ...(ca !== undefined && { ca }),
  });
  const calls: Frame[] = [];
  const answers = new Map<string, (frame: Frame) => void>();
  let onCall: (frame: Frame) => unknown = () => ({ status: 'Accepted' });
  let next = 0;
  const state: { closed: number | undefined } = { closed: undefined };
  const closed = new Promise<number>((resolve) => {
    socket.on('close', (code) => {
      state.closed = code;
      resolve(code);
    });
  });
  socket.on('message', (data) => {
    const frame = JSON.parse(String(data)) as Frame;
    const [type, id] = frame;
    if (type !== 2) return answers.get(id)?.(frame);
    calls.push(frame);
    const answer = onCall(frame);
    if (answer !== undefined) send([3, id, answer]);
  });
  const send = (frame: unknown) => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('unexpected-response', (request, response) => {
      request.destroy();
      reject(new Error(`refused with ${response.statusCode}`));
    });
    socket.on('error', reject);
  });
  return {
    protocol: socket.protocol,
    calls,
    send,
    closed,
    get isClosed() {
      return state.closed !== undefined;
    },
    /** What a call of ours is answered with; undefined says nothing. */
    set onCall(how: (frame: Frame) => unknown) {
      onCall = how;
    },
    named: (action: string) => calls.filter((frame) => frame[2] === action),
    /** The CALLRESULT's payload; rejects with the code of a CALLERROR. */
    call(action: string, payload: unknown): Promise<Record<string, unknown>> {
      const id = `m-${next++}`;
      return new Promise((resolve, reject) => {
        answers.set(id, (frame) =>
          frame[0] === 3 ? resolve(frame[2] as Record<string, unknown>) : reject(new Error(String(frame[2]))),
        );
        void closed.then(() => reject(new Error('closed')));
        send([2, id, action, payload]);
      });
    },
    /** Gone without a word. */
    cut: () => socket.terminate(),
    async close() {
      if (state.closed !== undefined) return;
      socket.close();
      await once(socket, 'close');
    },
  };
}

/** MeterValues of 2.0.1 with what telemetry has. */
export function meterValue(atMs: number, kw: number, kwh: number) {
  return {
    timestamp: new Date(atMs).toISOString(),
    sampledValue: [
      { value: kw * 1000, measurand: 'Power.Active.Import', unitOfMeasure: { unit: 'W' } },
      { value: kwh * 1000, measurand: 'Energy.Active.Import.Register', unitOfMeasure: { unit: 'Wh' } },
    ],
  };
}
