import type { InterventionClass, TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import type { PricedRevision } from '@flexder/protocol/settlement/agreed.ts';

/** What settlement needs to know of an order; instants are grid time. */
export interface SettledOrder {
  readonly obpId: string;
  readonly obpIdSource: 'network-assigned' | 'neso-obp';
  readonly feederId: string;
  readonly bppId: string;
  readonly transactionId: string;
  readonly orderId: string;
  readonly interventionClass: InterventionClass;
  readonly issuedAtMs: number;
  readonly window: TimeWindow;
  readonly committedKw: number;
  /** Mean price of the quoted blocks, weighted by their kW. */
  readonly priceGbpPerKwh: string;
  /** Absent for an order that was never changed. */
  readonly revisions?: readonly PricedRevision[];
}
