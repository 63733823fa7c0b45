/** One reader of server-sent events. */
export async function readEvents(url: string) {
  const ended = new AbortController();
  const response = await fetch(url, { signal: ended.signal });
  if (!response.body) throw new Error('no stream');
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  return {
    async next(): Promise<{
      event: string;
      data: { feeders: unknown; orders: { obpId: string; reason: string }[]; events: unknown[] };
    }> {
      for (;;) {
        const found = /event: (\w+)\ndata: (.*)\n\n/.exec(text);
        if (found) {
          text = text.slice(found.index + found[0].length);
          return { event: found[1] as string, data: JSON.parse(found[2] as string) };
        }
        const { value, done } = await reader.read();
        if (done) throw new Error('the stream ended');
        text += value;
      }
    },
    async close() {
      ended.abort();
      await reader.cancel().catch(() => {});
    },
  };
}
