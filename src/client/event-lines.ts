/** One server-sent event as it was received. @source HTML Standard section 9.2.6 */
export interface ReceivedEvent {
  event: string;
  id: string;
  data: string;
}

/**
 * Reads server-sent events from pieces of text; comments and what is cut off at the end are left out.
 * @source HTML Standard section 9.2.6 (interpreting an event stream)
 */
export async function* readEvents(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<ReceivedEvent> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const piece of pieces) {
    text += decoder.decode(piece, { stream: true });
    const blocks = text.split(/\r?\n\r?\n/);
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const received = { event: 'message', id: '', data: '' };
      const data: string[] = [];
      for (const line of block.split(/\r?\n/)) {
        const [, name, value = ''] = /^([^:]+): ?(.*)$/s.exec(line) ?? [];
        if (name === 'data') data.push(value);
        else if (name === 'event' || name === 'id') received[name] = value;
      }
      if (data.length > 0) yield { ...received, data: data.join('\n') };
    }
  }
}
