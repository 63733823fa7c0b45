import { type Command, integer, print, say, UsageError } from '../command.ts';
import { ENGINE_OPTIONS, engineLine, enginesOf, refuseEarlierRun } from '../engine-options.ts';
import { dataFolder, logLevelOf, SCENARIO_OPTIONS, scenarioOf } from '../scenario-options.ts';

const command: Command = {
  summary: 'Runs the network through an evening peak, headless, and says what happened',
  arguments: '[--json] [--seed N] [--data DIR]',
  options: {
    json: { type: 'boolean', help: 'the last line of the output is the summary as JSON' },
    speed: { type: 'string', value: 'N', help: 'grid seconds per second, 1 to 3600; as fast as it goes when absent' },
    ...SCENARIO_OPTIONS,
    ...ENGINE_OPTIONS,
  },
  async run(values, positionals) {
    if (positionals.length > 0) throw new UsageError(`demo takes options only, not ${JSON.stringify(positionals[0])}`);
    const scenario = scenarioOf(values);
    if (scenario.aggregators.length === 0)
      throw new UsageError('--bpps 0 waits for aggregators from outside: use `flexder up --bpps 0`');
    const port = integer(values, 'port', 0, 0, 65_535);
    const speed = integer(values, 'speed', Number.POSITIVE_INFINITY, 1, 3600);
    const engines = enginesOf(values, process.env);
    const data = dataFolder(values);
    try {
      const { startNetwork } = await import('../../network/network.ts');
      const { describeSummary, runScenario, showProgress } = await import('../../demo/demo.ts');
      await refuseEarlierRun(engines, scenario, data.path);
      say(
        `Simulated network: ${scenario.ders.length} devices, ${scenario.feeders.length} feeders, ${scenario.aggregators.length} aggregators, seed ${scenario.seed}.`,
      );
      say(engineLine(engines));
      await using network = await startNetwork({
        scenario,
        dataDir: data.path,
        ...engines,
        port,
        logLevel: logLevelOf(values),
        time: 'stepped',
      });
      const progress = await showProgress(network, say);
      const summary = await runScenario(network, progress.step, speed);
      progress.end();
      for (const line of describeSummary(summary)) (values.json === true ? say : print)(line);
      if (data.kept && engines.databaseUrl === 'pglite:database' && engines.archiveUrl === 'file:archive')
        say(`Database and archive are in ${data.path}; try \`flexder audit verify --data ${data.path}\`.`);
      if (values.json === true) print(JSON.stringify(summary));
      return summary.ok ? 0 : 1;
    } finally {
      data.remove();
    }
  },
};
export default command;
