import type { DemoSummary } from './run.ts';

const kw = (value: number | null) => (value === null ? 'not measured' : `${value.toFixed(0)} kW`);
const ms = (value: number | null) => (value === null ? 'none' : `${Math.round(value)} ms`);

/** The summary in sentences a person reads once. */
export function describeSummary(summary: DemoSummary): string[] {
  const lines = ['', `What happened (simulated devices, seed ${summary.seed}):`];
  for (const one of summary.overloads) {
    const held = one.peakDuringKw !== null && one.peakDuringKw <= one.limitKw ? 'held' : 'NOT held';
    lines.push(
      `  ${one.feederId}: overload ${one.detectedBy === 'forecast' ? 'forecast' : 'measured'} at ${one.detectedAt}; ` +
        `without flexibility ${kw(one.peakWithoutKw)}, limit ${kw(one.limitKw)}.`,
      `    asked ${kw(one.requestedKw)}, committed ${kw(one.committedKw)}, measured fall ${kw(one.measuredKw)}` +
        `${one.toppedUp ? ', topped up' : ''}; peak ${kw(one.peakDuringKw)}: the limit ${held}; ${one.state.toLowerCase()}.`,
    );
  }
  for (const one of summary.feederPeaks) {
    if (summary.overloads.some(({ feederId }) => feederId === one.feederId)) continue;
    lines.push(`  ${one.feederId}: peak ${kw(one.peakKw)} of ${kw(one.limitKw)}: nothing to do.`);
  }
  const { acks, detectionToDispatchMs: dispatch, detectionToAckMs: ack, audit, settlement } = summary;
  lines.push(
    `  ${summary.orders} orders kept (${summary.ordersNotKept} not), ${summary.commands} device commands: ${acks.accepted} accepted, ` +
      `${acks.rejected} refused, ${acks.optedOut} opted out, ${acks.silent} silent.`,
    `  Detection to last command: p50 ${ms(dispatch.p50)}, max ${ms(dispatch.max)}; to the last answer counted: max ${ms(ack.max)}.`,
    `  Record: ${audit.records} entries, chain ${audit.verified ? 'whole' : 'BROKEN'}, head ${audit.headHash?.slice(0, 16)}….`,
    `  Settlement: ${settlement.rows} rows, ${settlement.totalMwh.toFixed(6)} MWh, £${settlement.paymentGbp.toFixed(2)}.`,
    `  ${summary.wallSeconds.toFixed(1)} s, ${summary.memoryMb} MB.`,
    '',
  );
  for (const check of summary.checks) lines.push(`  ${check.holds ? 'ok  ' : 'FAIL'} ${check.name} (${check.detail})`);
  lines.push(summary.ok ? '\nThe overloads were bought off.' : '\nNot everything held: see the checks marked FAIL.');
  return lines;
}
