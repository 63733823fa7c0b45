/** Holding a single device back, and giving it free again: what it would mean now. */
import type { KnownDer } from '../../flex-orchestration/decisions/restrictions.ts';
import type { OperatorApiDeps } from '../deps.ts';
import { type DerView, derViews } from '../ders/views.ts';
import { type WhatIf, whatIfText, whatIfWithout } from '../ders/what-if.ts';
import { PAGE_ROWS, PARAMETER_LENGTH } from '../limits.ts';
import { BadRequestError } from '../parameters.ts';
import { bapTables } from '../stream/snapshot.ts';
import { type ActionKind, done, type Given, id } from './kind.ts';

/** `bpp_id` of a device whose aggregator is not known. */
const NOBODY = '-';
const DER = { der_id: PARAMETER_LENGTH, bpp_id: PARAMETER_LENGTH };

export const DER_ACTIONS: Readonly<Record<string, ActionKind>> = {
  'exclude-der': {
    members: DER,
    async propose(deps, given) {
      const der = await knownDer(deps, given);
      if (der.excluded)
        throw new BadRequestError('der_id', `${der.derId} was excluded by ${der.excluded.by}: ${der.excluded.reason}`);
      const full = deps.hands!.noRoomFor(knownOf(der));
      if (full) throw new BadRequestError('der_id', full);
      const running = der.orders.filter(
        ({ state, left }) => !left && (state === 'SCHEDULED' || state === 'IN_PROGRESS'),
      );
      const whatIf = await whatIfOf(deps, der);
      const says = [askedNoMore(der), stays(running), whatIf && whatIfText(whatIf)].filter(Boolean).join('; ');
      return {
        effect: { ...factsOf(der), running, ...(whatIf && { whatIf }), says },
        run: (hand) => done(deps.hands!.restrictDer(knownOf(der), true, hand)),
      };
    },
  },
  'restore-der': {
    members: DER,
    async propose(deps, given) {
      const der = await knownDer(deps, given);
      if (!der.excluded) throw new BadRequestError('der_id', `${der.derId} is not excluded`);
      const says = `orders placed on ${der.feederId} from now on may have it again`;
      return {
        effect: { ...factsOf(der), says },
        run: (hand) => done(deps.hands!.restrictDer(knownOf(der), false, hand)),
      };
    },
  },
};

function askedNoMore({ feederId, bppId }: DerView): string {
  const whom = bppId ?? 'every aggregator of the feeder';
  return `it is in no order placed on ${feederId} from now on: every request to ${whom} says so`;
}

function stays(running: DerView['orders']): string | undefined {
  const kw = Math.round(
    running.reduce((sum, order) => sum + (order.answer === 'ACCEPTED' ? order.askedKw : 0), 0) * 1e3,
  );
  if (running.length === 0) return undefined;
  const orders = running.length === 1 ? `order ${running[0]!.obpId}` : `${running.length} running orders`;
  return `it stays in ${orders} with ${kw / 1e3} kW until release, unless that is changed, also to the same kW`;
}

function factsOf({ derId, bppId, feederId, deviceType, ratedKw }: DerView) {
  return { der: { derId, feederId, deviceType, ratedKw }, ...(bppId !== null && { bppId }) };
}

const knownOf = ({ derId, bppId, feederId }: DerView): KnownDer => ({ derId, bppId: bppId ?? '', feederId });

/** What it is good for: what it was asked last, else its rating. */
function whatIfOf(deps: OperatorApiDeps, der: DerView): Promise<WhatIf | undefined> {
  const kw = der.orders[0]?.askedKw ?? der.ratedKw;
  return deps.offers ? whatIfWithout(bapTables(deps), deps.offers, der.feederId, kw) : Promise.resolve(undefined);
}

async function knownDer(deps: OperatorApiDeps, given: Given): Promise<DerView> {
  const derId = id(given, 'der_id', 'the id of a device');
  const bppId = given.bpp_id === NOBODY ? null : id(given, 'bpp_id', `the id of its aggregator, or ${NOBODY}`);
  const { ders } = await derViews(bapTables(deps), { derId, limit: PAGE_ROWS, offset: 0 });
  const der = ders.find((one) => one.bppId === bppId);
  if (der) return der;
  throw new BadRequestError('der_id', `no device of that id is known of ${bppId ?? 'nobody in particular'}`);
}
