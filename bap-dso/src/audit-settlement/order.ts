import type { InterventionClass, OrderRevision, TimeWindow } from '@flexder/protocol/flexibility/model.ts';

/** What was agreed from an instant on, at the mean price of its blocks. */
export interface PricedRevision extends OrderRevision {
  readonly priceGbpPerKwh: string;
}

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

/** Energy a pair of meters would have taken, kWh, import positive; undefined when no baseline can be had. */
export type BaselineOf = (
  importMsid: string,
  date: string,
  period: number,
) => { readonly unadjustedKwh: number; readonly adjustmentKwh: number } | undefined;
