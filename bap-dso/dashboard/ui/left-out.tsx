/** What was left out of the options of an event, and why: offers by the DSO, devices by their aggregators. */
import { kw, plural } from '@flexder/runtime/page/format.ts';
import { toldText } from '../../src/flex-orchestration/discovery/told-left-out.ts';
import type { ExclusionReason } from '../../src/flex-orchestration/planning/eligibility.ts';
import type { DecisionView } from '../../src/operator-api/events/decisions.ts';

const OFFER_REASONS: Readonly<Record<ExclusionReason, string>> = {
  'other-feeder': 'on another feeder',
  'reaches-too-little': 'too little of it is felt at the feeder',
  'other-direction': 'the other direction',
  'nothing-available': 'nothing available',
  'malformed-block': 'the block makes no sense',
  price: 'too dear',
  reliability: 'too unreliable',
  'response-time': 'too slow',
  notice: 'too slow: needs more notice',
  duration: 'does not last as long as the window',
  availability: 'not available in the window',
  unresponsive: 'its aggregator left an order unanswered lately',
  declined: 'its aggregator gave less than asked',
  'excluded-by-operator': 'its aggregator is excluded',
  'party-limit': 'over the limit of its aggregator',
  'beyond-plan-size': 'more offers than one plan takes',
};

export function LeftOut({ decision }: { readonly decision: DecisionView }) {
  const { excluded, leftOut, silent, excludedDers, feederId } = decision;
  const lines = [
    ...excluded.map(
      ({ reason, offers, kw: out }) =>
        `${OFFER_REASONS[reason] ?? reason}: ${kw(out)} kW in ${plural(offers, 'offer')}`,
    ),
    ...leftOut.map((one) => toldText(one, feederId)),
    ...silent.map((bppId) => `${bppId}: no catalogue in time`),
    ...(excludedDers > 0 ? [`excluded by hand: ${plural(excludedDers, 'device')} of ${feederId}`] : []),
  ];
  return (
    <section id="left-out" class="note" aria-label="Left out">
      Left out: {lines.length === 0 && 'nothing, as far as aggregators tell.'}
      {lines.length > 0 && (
        <ul>
          {lines.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      )}
    </section>
  );
}
