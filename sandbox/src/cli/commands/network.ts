import { resolve } from 'node:path';
import { feedersOf } from '@flexder/bap-dso/network-model/feeders.ts';
import { importNetwork } from '@flexder/bap-dso/network-model/import.ts';
import type { NetworkModel } from '@flexder/bap-dso/network-model/model.ts';
import { NetworkImportError } from '@flexder/bap-dso/network-model/problems.ts';
import { type Command, print, required, say, UsageError } from '../command.ts';

const command: Command = {
  summary: 'Reads a network set (feeders, ratings, devices) and says everything that is wrong with it',
  arguments: 'import --dir DIR [--check]',
  options: {
    dir: { type: 'string', value: 'DIR', help: 'network.json and the CSV files beside it' },
    check: { type: 'boolean', help: 'only say whether it can be imported; without it the feeders are printed as JSON' },
  },
  async run(values, [verb, ...more]) {
    if (verb !== 'import' || more.length > 0)
      throw new UsageError('say what to do with the network: `flexder network import --dir DIR`');
    const dir = resolve(required(values, 'dir'));
    try {
      const model = importNetwork(dir);
      // What `FLEXDER_BAP_FEEDERS` takes, for a DSO that is configured without the model.
      if (values.check !== true) print(JSON.stringify(feedersOf(model)));
      say(summaryOf(model));
      return 0;
    } catch (error) {
      if (!(error instanceof NetworkImportError)) throw error;
      say(`flexder: the network in ${dir} cannot be imported:`);
      for (const problem of error.problems) say(`  ${problem}`);
      return 1;
    }
  },
};
export default command;

function summaryOf({ name, feeders, gsps, ders }: NetworkModel): string {
  const essential = ders.filter((der) => der.essential).length;
  const loads = [...feeders.values()].reduce((sum, feeder) => sum + feeder.essentialLoads.count, 0);
  const left = essential === 0 ? '' : `, ${essential} of them at essential meters and not counted on`;
  return `${name}: ${feeders.size} feeders below ${gsps.size} GSPs, ${ders.length} devices${left}, ${loads} essential loads.`;
}
