/** A network with people who may look and act, and a browser before its page. */
import { tokenSha256 } from '@flexder/runtime/access/people.ts';
import { TestNetwork } from '../harness/network.ts';
import { openWindow, type Window } from './window.ts';

export const MINUTE_MS = 60_000;
export const MARKUP = '<img src=x onerror="alert(1)">';
export const TOKENS = { vera: 'token-of-vera', olga: 'token-of-olga' } as const;

const SELLERS_TOKEN = 'token-of-an-aggregator';
const AS_SELLER = { authorization: `Bearer ${SELLERS_TOKEN}` };

export interface Desk extends Window {
  readonly net: TestNetwork;
  /** Passes so many minutes of grid time, one after the other. */
  minutes(count: number): Promise<void>;
  goTo(screen: string): Promise<void>;
  signIn(name: keyof typeof TOKENS): Promise<void>;
  /** A device of the first aggregator. */
  deviceOfSeller(): Promise<string>;
  /** Its consumer withdraws consent at its aggregator, the first unless another is named. */
  withdrawConsent(derId: string, bppId?: string): Promise<void>;
  /** Through both steps; `text` is on the button that begins. */
  act(text: string, reason: string): Promise<void>;
}

/** A bench feeder, and one that is never read and whose name is markup; every overload asks the operator. */
export async function openDesk(): Promise<Desk> {
  const feeders = [
    { feederId: 'feeder-1', name: 'Bench feeder', limitKw: 96 },
    { feederId: 'F-SILENT', name: `Silent ${MARKUP}`, limitKw: 100 },
  ];
  const operators = [
    { name: 'vera', role: 'viewer' as const, tokenSha256: tokenSha256(TOKENS.vera) },
    { name: 'olga', role: 'operator' as const, tokenSha256: tokenSha256(TOKENS.olga) },
  ];
  const modes = [{ mode: 'supervised' as const, countdownSeconds: 900 }];
  const bap = { dsoName: `The DSO ${MARKUP}`, feeders, operators, modes };
  const net = await TestNetwork.create({ ders: 24, bap, aggregator: () => ({ operatorToken: SELLERS_TOKEN }) });
  const [seller] = net.aggregators;
  const window = await openWindow(net.bap.url, '#feeders li');
  const { page } = window;
  return {
    ...window,
    net,
    async minutes(count) {
      for (let minute = 0; minute < count; minute++) await net.advance(MINUTE_MS);
    },
    async goTo(screen) {
      await page.evaluate(`location.hash = '#/${screen}'`);
    },
    async signIn(name) {
      await page.evaluate(`location.hash = '#/sign-in'`);
      await page.getByLabel('Token').fill(TOKENS[name]);
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.locator('.person', { hasText: name }).waitFor();
    },
    async deviceOfSeller() {
      const answer = await fetch(`${seller!.url}/api/v1/portfolio`, { headers: AS_SELLER });
      const { feeders } = (await answer.json()) as {
        feeders: { ders: { derId: string }[] }[];
      };
      return feeders[0]!.ders[0]!.derId;
    },
    async withdrawConsent(derId, bppId = seller!.name) {
      const { url } = net.aggregators.find(({ name }) => name === bppId)!;
      const answer = await fetch(`${url}/api/v1/enrolment/devices/${derId}/withdraw`, {
        method: 'POST',
        headers: { ...AS_SELLER, 'content-type': 'application/json' },
        body: JSON.stringify({ reason: 'guests tonight' }),
      });
      if (answer.status !== 200) throw new Error(`${derId} stays, with status ${answer.status}`);
    },
    async act(text, reason) {
      await page.getByRole('button', { name: text, exact: true }).first().click();
      await page.getByLabel('Reason, for the record').fill(reason);
      await page.getByRole('button', { name: 'Show what it does' }).click();
      await page.getByRole('button', { name: 'Confirm', exact: true }).click();
      await page.getByText('Done, and recorded').waitFor();
      await page.getByRole('button', { name: 'Close' }).click();
    },
    async close() {
      await window.close();
      await net.close();
    },
  };
}

/** Tests that are one shift, in order: what follows one that failed begins from something else, and is skipped. */
export function inOrder(): void {
  let failed = false;
  afterEach(function () {
    failed ||= this.currentTest?.state === 'failed';
  });
  beforeEach(function () {
    if (failed) this.skip();
  });
}
