import type {AnyMessage} from '@agentclientprotocol/sdk';
import {converse} from './acp-conversation.ts';
import type {AcpContext} from './acp-context.ts';
import {acpUpdates} from './acp-updates.ts';
import type {AgentResult, AgentRun} from './agent-runtime.ts';
import {endedEarly} from './ended-early.ts';
import {geminiRetries} from './gemini-retries.ts';
import {jsonLines} from './json-lines.ts';
import {textTail} from './text-tail.ts';

/** One prompt over the protocol: what the host feeds goes to the SDK as messages, and its messages to the host. */
export function acpRun(context: AcpContext): Pick<AgentRun, 'stdout' | 'stderr' | 'cancel' | 'ended'> {
  const {events} = context;
  const stderr = textTail();
  const updates = acpUpdates(context);
  // The only CLI known that says there, and nowhere else, that it tries again.
  const retries = geminiRetries(activity => events.activity(activity));
  const stop = new AbortController();
  let result: AgentResult['result'] | null = null;

  let incoming: ReadableStreamDefaultController<AnyMessage> | null = null;
  const readable = new ReadableStream<AnyMessage>({
    start(controller) {
      incoming = controller;
    },
    // The SDK has heard enough; what the agent says after that is for nobody.
    cancel() {
      incoming = null;
    },
  });
  const writable = new WritableStream<AnyMessage>({
    write: message => events.send(`${JSON.stringify(message)}\n`),
  });

  const lines = jsonLines({
    object(message) {
      // The SDK answers what is no message of the protocol, and agents do print such lines.
      if (message['jsonrpc'] !== '2.0') return events.activity({kind: 'noise', text: JSON.stringify(message)});
      // It checks them itself.
      incoming?.enqueue(message as unknown as AnyMessage);
    },
    noise: text => events.activity({kind: 'noise', text}),
  });

  void converse({...context, stream: {readable, writable}, updates, stop: stop.signal}).then(found => {
    if (result !== null) return;
    result = found;
    events.done();
  });

  return {
    stdout: chunk => lines.push(chunk),
    stderr(chunk) {
      stderr.push(chunk);
      retries.push(chunk);
    },
    cancel: () => stop.abort(),
    ended(exit): AgentResult {
      if (result === null) {
        updates.cutOff();
        result = {ok: false, error: endedEarly('the agent', exit, stderr.text())};
      }
      incoming?.close();
      return {result, text: updates.text(), usage: updates.usage(), denied: updates.denied()};
    },
  };
}
