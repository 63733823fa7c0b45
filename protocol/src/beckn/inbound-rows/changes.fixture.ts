/** Changes of a message that rows are made of, and refusals that several of them share. */
import { dso, NOW, registered, type Scenario } from '../inbound.fixture.ts';
import type { InboundReason, InboundRequest } from '../inbound.ts';

export interface Row {
  readonly name: string;
  readonly from?: 'select' | 'search' | 'on_select';
  readonly change: (scenario: Scenario) => void;
  readonly expect: { readonly status: number; readonly code: string; readonly reason: InboundReason };
}

export const NOW_S = NOW / 1000;
export const KEY = `${dso.id}|key-1`;

export const invalid = (reason: InboundReason) => ({ status: 401, code: 'AUT_SIGNATURE_INVALID', reason });
export const unauthorised = (reason: InboundReason) => ({ status: 401, code: 'AUT_UNAUTHORIZED_ACTION', reason });
export const revoked = (reason: InboundReason) => ({ status: 401, code: 'AUT_KEY_EXPIRED_OR_REVOKED', reason });
export const media = (reason: InboundReason) => ({ status: 415, code: 'SCH_UNSUPPORTED_MEDIA_TYPE', reason });
export const badJson = { status: 400, code: 'SCH_INVALID_JSON', reason: 'json' } as const;

export const tamper = (change: (request: InboundRequest) => Partial<InboundRequest>) => (scenario: Scenario) => {
  scenario.tamper = (request) => ({ ...request, ...change(request) });
};
export const headers = (change: Record<string, readonly string[] | undefined>) =>
  tamper((request) => ({ headers: { ...request.headers, ...change } }));
export const authorization = (from: string | RegExp, to: string, name = 'authorization') =>
  tamper(({ headers: all }) => ({ headers: { ...all, [name]: [all[name]![0]!.replace(from, to)] } }));
export const bytes = (change: (body: Buffer) => Uint8Array) =>
  tamper(({ body }) => ({ body: change(Buffer.from(body!)) }));
export const key = (change: Partial<ReturnType<typeof registered>>) => (scenario: Scenario) => {
  scenario.registry.set(KEY, { ...registered(dso), ...change });
};
export const text = (change: (text: string) => string) => (scenario: Scenario) => {
  scenario.serialise = (message) => Buffer.from(change(JSON.stringify(message)));
};
export const context = (change: Record<string, unknown>) => (scenario: Scenario) => {
  Object.assign(scenario.message.context, change);
};
export const flip = bytes((body) => body.fill(body[40]! ^ 1, 40, 41));
export const signature = (length: number) =>
  authorization(/signature="[^"]*"/, `signature="${Buffer.alloc(length, 7).toString('base64')}"`);
export const algorithm = (name: string) => authorization('algorithm="ed25519"', `algorithm="${name}"`);
export const both =
  (...changes: ((scenario: Scenario) => void)[]) =>
  (scenario: Scenario) => {
    for (const change of changes) change(scenario);
  };
