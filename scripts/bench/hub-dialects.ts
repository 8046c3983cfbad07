import {BareLink} from './bare-link.ts';

const ERROR = Buffer.from('{"type":"error"');

function typed(...types: readonly string[]): readonly Buffer[] {
  return types.map(type => Buffer.from(`{"type":"${type}"`));
}

/** How agents speak with a hub: what they say, and how its answers begin. */
export interface Dialect {
  hello(tenant: string, agentId: string): string;
  pull(): string;
  /** One episode that was never pushed before. */
  push(agentId: string): string;
  /** One more of the same session and task. */
  pushAgain(agentId: string): string;
  /** Something for everybody that need not be kept, if there is such a thing. */
  tell(agentId: string): string;
  readonly answers: readonly Buffer[];
  /** How begins what others have pushed or told. */
  readonly news: readonly Buffer[];
}

const INPUT = 'x'.repeat(200);
const OUTPUT = 'y'.repeat(200);
let made = 0;

export const OURS: Dialect = {
  hello: (tenant, agentId) =>
    JSON.stringify({
      type: 'hello',
      id: 0,
      versions: [1],
      token: `${tenant} ${agentId}`,
      sessionId: null,
      presence: null,
      subscription: {news: true, topics: []},
    }),
  pushAgain: agentId => OURS.push(agentId),
  pull: () => '{"type":"pull","id":1,"since":9007199254740991,"limit":100}',
  push: agentId => {
    const episode = {
      id: `${process.pid}-${(made += 1)}`,
      agentId,
      sessionId: null,
      // What says the same is merged; agents that work on different things say different things.
      task: `make build ${made} of ${agentId} green`,
      input: INPUT,
      output: OUTPUT,
      critique: null,
      reward: 0.5,
      success: true,
      tags: [],
      at: `${Date.now().toString(16).padStart(12, '0')}-0000-${agentId}`,
      expiresAtMs: null,
      signature: null,
    };
    return JSON.stringify({type: 'push', id: 2, items: [{kind: 'episode', episode}]});
  },
  tell: () => {
    const message = {to: null, topic: null, kind: 'message', body: INPUT, priority: 'normal', correlationId: null};
    return JSON.stringify({type: 'message', id: 3, message: {...message, id: `m${(made += 1)}`}});
  },
  answers: typed('welcome', 'entries', 'pushed', 'ok'),
  news: typed('news', 'message'),
};

/** Of agentic-flow, as its server reads it. It keeps one episode of each session and task. */
export const THEIRS: Dialect = {
  hello: (tenantId, agentId) => JSON.stringify({type: 'auth', tenantId, agentId, token: 'any', vectorClock: {}}),
  pull: () => '{"type":"pull","vectorClock":{}}',
  push: agentId => theirPush(agentId, `session-${(made += 1)}`),
  pushAgain: agentId => theirPush(agentId, 'one session'),
  tell: agentId => THEIRS.push(agentId),
  answers: typed('ack'),
  news: typed('push'),
};

function theirPush(agentId: string, sessionId: string): string {
  const said = {task: 'make the build green', input: INPUT, critique: '', reward: 0.5, success: true};
  const output = `${OUTPUT}${(made += 1)}`;
  return JSON.stringify({type: 'push', vectorClock: {[agentId]: made}, data: [{...said, sessionId, output}]});
}

/** An agent at a hub, in whatever dialect. One question at a time. */
export class DialectAgent {
  readonly agentId: string;
  onNews: () => void = () => undefined;
  readonly #link: BareLink;
  readonly #dialect: Dialect;
  #answered: () => void = () => undefined;
  #failed: (error: Error) => void = () => undefined;

  private constructor(link: BareLink, dialect: Dialect, agentId: string) {
    this.#link = link;
    this.#dialect = dialect;
    this.agentId = agentId;
    link.onText = payload => this.#take(payload);
    link.onClose = () => this.#failed(new Error(`${agentId} was cut off`));
  }

  static async join(
    url: string,
    {dialect, tenant, agentId}: {dialect: Dialect; tenant: string; agentId: string},
  ): Promise<DialectAgent> {
    const agent = new DialectAgent(await BareLink.open(url), dialect, agentId);
    await agent.#ask(dialect.hello(tenant, agentId));
    return agent;
  }

  pull(): Promise<void> {
    return this.#ask(this.#dialect.pull());
  }

  push(): Promise<void> {
    return this.#ask(this.#dialect.push(this.agentId));
  }

  pushAgain(): Promise<void> {
    return this.#ask(this.#dialect.pushAgain(this.agentId));
  }

  tell(): Promise<void> {
    return this.#ask(this.#dialect.tell(this.agentId));
  }

  close(): void {
    this.#link.close();
  }

  #ask(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#answered = resolve;
      this.#failed = reject;
      this.#link.send(text);
    });
  }

  #take(payload: Buffer): void {
    const begins = (start: Buffer) => payload.compare(start, 0, start.length, 0, start.length) === 0;
    if (this.#dialect.news.some(begins)) this.onNews();
    else if (this.#dialect.answers.some(begins)) this.#answered();
    else if (begins(ERROR)) this.#failed(new Error(payload.toString('utf8', 0, 300)));
  }
}
