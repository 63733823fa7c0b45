import { access } from './conformance/access.ts';
import { type BusUnderTest, bench } from './conformance/bench.ts';
import { carrying } from './conformance/carrying.ts';
import { mqtt5 } from './conformance/mqtt5.ts';
import { presence } from './conformance/presence.ts';

export { type BusUnderTest, busAccounts } from './conformance/bench.ts';

/** What every device bus must do; its broker knows `busAccounts`. */
export function busConformance(open: () => Promise<BusUnderTest>): void {
  const under = bench(open);
  carrying(under);
  access(under);
  presence(under);
  mqtt5(under);
}
