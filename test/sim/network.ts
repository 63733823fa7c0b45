/** HTTP between the participants of a simulation: every service at its own origin, no sockets, and as lossy as the seed says. */
import { createHash } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { Listening } from '@flexder/runtime/http/listen.ts';
import {
  type Outbound,
  OutboundError,
  type OutboundRequest,
  type OutboundResponse,
} from '@flexder/runtime/http/outbound.ts';
import { allowedUrl } from '@flexder/runtime/http/policy.ts';
import type { VirtualClock } from './clock.ts';
import { exchange } from './exchange.ts';
import type { Faults } from './faults.ts';
import type { Life } from './life.ts';
import type { Trace } from './trace.ts';

interface Host {
  readonly name: string;
  readonly life: Life;
  readonly server: Server;
}

/** A message that a participant acknowledged: it is bound to deal with it from here on. */
export interface Acknowledged {
  readonly by: string;
  readonly action: string;
  readonly messageId: string;
}

export class SimNetwork {
  readonly acknowledged: Acknowledged[] = [];
  readonly #clock: VirtualClock;
  readonly #faults: Faults;
  readonly #trace: Trace;
  readonly #hosts = new Map<string, Host>();
  /** Until when two cannot reach each other, by their names in order. */
  readonly #partitions = new Map<string, number>();

  constructor(clock: VirtualClock, faults: Faults, trace: Trace) {
    this.#clock = clock;
    this.#faults = faults;
    this.#trace = trace;
  }

  /** For a context: listens at the host and port it is told, until it is closed or its life ends. */
  listen(name: string, life: Life) {
    return async (app: RequestListener, { host, port }: { host: string; port: number }): Promise<Listening> => {
      const url = `http://${host}:${port}`;
      const server = createServer({}, app);
      this.#hosts.set(url, { name, life, server });
      const close = async () => {
        if (this.#hosts.get(url)?.server === server) this.#hosts.delete(url);
      };
      life.atDeath(() => void close());
      return { url, server, close };
    };
  }

  /** The way out of a service. */
  outbound(name: string, life: Life): Outbound {
    return {
      request: (url, options) => life.step(() => this.#call(name, allowedUrl(url, options.allow), options)),
      close: async () => {},
    };
  }

  partition(a: string, b: string, untilMs: number): void {
    this.#trace.note(`partition ${a} | ${b}`);
    this.#partitions.set([a, b].sort().join(' '), untilMs);
  }

  #parted(a: string, b: string): boolean {
    const untilMs = this.#partitions.get([a, b].sort().join(' ')) ?? 0;
    return this.#faults.active && untilMs > this.#clock.nowMs();
  }

  #latencyMs(): number {
    const ms = 1 + Math.floor(this.#faults.random.next() * 5);
    return this.#faults.happens('slow-network') ? ms + this.#faults.random.integer(50, 4_000) : ms;
  }

  #call(from: string, url: URL, options: OutboundRequest): Promise<OutboundResponse> {
    const what = `${from} > ${this.#hosts.get(url.origin)?.name ?? url.origin} ${url.pathname}`;
    const sha = options.body === undefined ? '-' : createHash('sha256').update(options.body).digest('hex').slice(0, 12);
    this.#trace.note(`${what} ${sha}`);
    return new Promise((resolve, reject) => {
      const settle = (how: string, finish: () => void) => {
        disarm();
        this.#trace.note(`${what} ${how}`);
        finish();
      };
      const disarm = this.#clock.after(options.timeoutMs, () =>
        settle('timeout', () =>
          reject(new OutboundError('timeout', `${url.origin} did not answer within ${options.timeoutMs} ms`)),
        ),
      );
      const answer = (response: OutboundResponse) => {
        if (response.body.length > options.maxResponseBytes)
          return settle('too large', () =>
            reject(new OutboundError('too-large', `${url.origin} answered with too much`)),
          );
        settle(String(response.status), () => resolve(response));
      };
      const fail = (kind: 'connect' | 'protocol', text: string) =>
        settle(kind, () => reject(new OutboundError(kind, `call to ${url.origin} failed: ${text}`)));
      this.#send(from, url, options, { answer, fail });
    });
  }

  #send(
    from: string,
    url: URL,
    options: OutboundRequest,
    {
      answer,
      fail,
    }: { answer(response: OutboundResponse): void; fail(kind: 'connect' | 'protocol', text: string): void },
  ): void {
    const faults = this.#faults;
    const fate = {
      lost: faults.happens('request-lost'),
      refused: faults.happens('refused'),
      unanswered: faults.happens('answer-lost'),
      twice: faults.happens('request-twice'),
    };
    const back = this.#latencyMs();
    const again = faults.random.integer(1, 3_000);
    const arrive = (heard: boolean) => {
      const host = this.#hosts.get(url.origin);
      if (!host) return heard && fail('connect', 'ECONNREFUSED');
      if (this.#parted(from, host.name) || fate.lost) return;
      if (fate.refused) return heard && fail('connect', 'ECONNREFUSED');
      const broken = host.life.atDeath(() => this.#clock.after(back, () => heard && fail('protocol', 'ECONNRESET')));
      void exchange(host.server, url, options)
        .then((response) => {
          broken();
          if (host.life.dead) return;
          this.#noteAck(host.name, url, options, response);
          if (!heard || fate.unanswered || this.#parted(from, host.name)) return;
          this.#clock.after(back, () => answer(response));
        })
        .catch((error: Error) => heard && fail('protocol', error.message));
    };
    const thereMs = this.#latencyMs();
    this.#clock.after(thereMs, () => void arrive(true));
    if (fate.twice) this.#clock.after(thereMs + again, () => void arrive(false));
  }

  #noteAck(by: string, url: URL, { method, body }: OutboundRequest, response: OutboundResponse): void {
    if (method !== 'POST' || response.status !== 200 || body === undefined) return;
    const action = url.pathname.split('/').at(-1) ?? '';
    if (!/^(on_)?(search|select|init|confirm|status|cancel)$/.test(action)) return;
    const answer = JSON.parse(Buffer.from(response.body).toString()) as { message?: { ack?: { status?: string } } };
    if (answer.message?.ack?.status !== 'ACK') return;
    const { context } = JSON.parse(Buffer.from(body as Uint8Array).toString()) as { context: { message_id: string } };
    this.acknowledged.push({ by, action, messageId: context.message_id });
  }
}
