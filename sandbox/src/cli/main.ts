import { parseArgs } from 'node:util';
import { type Command, print, say, UsageError } from './command.ts';
import { COMMANDS } from './commands.ts';

function optionLines(command: Command): string[] {
  return Object.entries(command.options ?? {}).map(([name, option]) => {
    const shown = option.type === 'boolean' ? `--${name}` : `--${name} ${option.value ?? 'VALUE'}`;
    return `  ${shown.padEnd(26)} ${option.help}`;
  });
}

async function help(): Promise<void> {
  print('flexder: a Beckn reference network for electricity flexibility\n');
  for (const [name, load] of Object.entries(COMMANDS)) {
    const { default: command } = await load();
    print(`  flexder ${`${name} ${command.arguments ?? ''}`.trimEnd().padEnd(34)} ${command.summary}`);
  }
  print('\nflexder COMMAND --help shows the options of a command.');
}

async function run(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    await help();
    return name === undefined ? 2 : 0;
  }
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!load)
    throw new UsageError(`there is no command ${JSON.stringify(name)}; known: ${Object.keys(COMMANDS).join(', ')}`);
  const { default: command } = await load();
  if (rest.includes('--help') || rest.includes('-h')) {
    print(`flexder ${name} ${command.arguments ?? ''}\n${command.summary}\n`);
    for (const line of optionLines(command)) print(line);
    if (command.notes) print(`\n${command.notes.join('\n')}`);
    return 0;
  }
  const options = Object.fromEntries(
    Object.entries(command.options ?? {}).map(([option, { help: _help, value: _value, ...config }]) => [
      option,
      config,
    ]),
  );
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({ args: rest, options, strict: true, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  return command.run(parsed.values, parsed.positionals);
}

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  const usage = error instanceof UsageError;
  say(`flexder: ${error instanceof Error ? (usage ? error.message : (error.stack ?? error.message)) : String(error)}`);
  if (usage) say('Run `flexder --help` for the commands, `flexder COMMAND --help` for their options.');
  process.exitCode = 2;
}
