import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import {sleep} from '../../src/base/clock.ts';
import type {Price} from '../../src/model/price.ts';
import {anthropic} from './anthropic.ts';
import {NO_TOKENS, PUBLISHED_PRICES, type Tokens, tokensIn, usdOf} from './bill.ts';
import {type Conversation, fieldsOf, type Reply} from './conversation.ts';
import type {Answer, Dialect, ErrorKind, Frame, Route} from './dialect.ts';
import {type Fault, type FaultKind, faultFor, type Faults} from './fault.ts';
import {gemini} from './gemini.ts';
import {type Charge, Ledger} from './ledger.ts';
import {openaiChat} from './openai-chat.ts';
import {openaiResponses} from './openai-responses.ts';
import {followDirectives, orderOf, type Script} from './script.ts';
import {wrongCall} from './tool-calls.ts';

export interface ModelServerOptions {
  /** What the model says; unless given, it follows the directives in the prompt (`directives.ts`). */
  readonly script?: Script;
  /** USD per million tokens by model, on top of the published ones. */
  readonly prices?: Readonly<Record<string, Price>>;
  /** On top of those that a prompt orders with `FAULT`. */
  readonly faults?: Faults;
  /** More requests than `concurrent` at a time are refused with 429 and this `Retry-After`, in seconds. */
  readonly throttle?: {readonly concurrent: number; readonly retryAfter?: number};
  /** Before an answer begins. */
  readonly latencyMs?: number;
}

const DIALECTS: readonly Dialect[] = [anthropic, openaiChat, openaiResponses, gemini];

/** So that the client has read what it is billed: a connection that goes at once takes with it what nobody has read yet. */
const BEFORE_CUT_MS = 1000;

/** Models without a price of their own cost what this one does. */
const USUAL_MODEL = 'claude-haiku-4-5';

/** A model provider on the loopback interface: it speaks four APIs, does what a script says and bills all of it. */
export class ModelServer implements AsyncDisposable {
  readonly ledger = new Ledger();
  readonly #server: Server;
  readonly #options: ModelServerOptions;
  readonly #startedAt = performance.now();
  readonly #hanging = new Set<() => void>();
  /** How many requests of a task there were, and how often an ordered fault has been met. */
  readonly #counts = new Map<string, number>();
  /** How many tokens of a conversation the provider has in its cache. */
  readonly #cached = new Map<string, number>();
  #url = '';
  #closing: Promise<void> | null = null;

  private constructor(options: ModelServerOptions) {
    this.#options = options;
    this.#server = createServer({keepAliveTimeout: 60_000}, (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        if (response.headersSent) return response.destroy();
        sendJson(response, 500, {error: {type: 'model_server_bug', message: String(error)}});
      });
    });
  }

  static async start(options: ModelServerOptions = {}): Promise<ModelServer> {
    const server = new ModelServer(options);
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', reject);
      server.#server.listen({host: '127.0.0.1', port: 0, backlog: 1024}, resolve);
    });
    // A TCP server that listens has an address of this kind.
    server.#url = `http://127.0.0.1:${(server.#server.address() as AddressInfo).port}`;
    return server;
  }

  get url(): string {
    return this.#url;
  }

  /** How many answers hang half-way just now. */
  get hanging(): number {
    return this.#hanging.size;
  }

  /** Cuts the connections that a fault keeps hanging. */
  releaseHanging(): void {
    for (const release of this.#hanging) release();
  }

  close(): Promise<void> {
    this.#closing ??= new Promise(resolve => {
      this.#server.close(() => resolve());
      this.releaseHanging();
      this.#server.closeAllConnections();
    });
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', 'http://loopback').pathname;
    const text = await bodyOf(request);
    if (path === '/ledger') return sendJson(response, 200, this.ledger);
    if (path === '/release') return sendJson(response, 200, {released: this.#releaseCounted()});
    for (const dialect of DIALECTS) {
      const route = request.method === 'POST' ? dialect.route(path) : null;
      if (route?.does === 'count') return sendJson(response, 200, dialect.counted(tokensIn(text)));
      if (route !== null) return this.#generate({response, path, text, dialect, route});
    }
    if (request.method === 'GET' && path.endsWith('/models')) {
      return sendJson(response, 200, {object: 'list', data: Object.keys(PUBLISHED_PRICES).map(id => ({id}))});
    }
    sendJson(response, request.method === 'HEAD' ? 200 : 404, {error: {message: `nothing at ${path}`}});
  }

  async #generate({response, path, text, dialect, route}: Request): Promise<void> {
    const conversation = dialect.read(fieldsOf(JSON.parse(text)), route);
    const task = taskOf(conversation);
    const started = performance.now();
    const done: {status: number; fault: Charge['fault']; whole: boolean; tokens: Tokens} = {
      status: 0,
      fault: null,
      whole: false,
      tokens: NO_TOKENS,
    };
    const {throttle} = this.#options;
    const refused = throttle !== undefined && this.ledger.concurrency >= throttle.concurrent;
    if (!refused) this.ledger.enter();
    try {
      if (refused) {
        done.fault = 'throttle';
        done.status = sendError(response, dialect, {kind: 'throttled', retryAfter: throttle.retryAfter ?? 1});
        return;
      }
      const fault = this.#faultOf(conversation, task);
      done.fault = fault?.kind ?? null;
      await sleep((this.#options.latencyMs ?? 0) + waitOf(conversation));
      if (fault?.kind === 'reset') {
        response.destroy();
        return;
      }
      if (fault !== null && isError(fault.kind)) {
        done.status = sendError(response, dialect, {...fault, kind: fault.kind});
        return;
      }
      const answer = this.#answer({conversation, fault, text, task});
      done.status = 200;
      const sent = await this.#send({response, dialect, answer, stream: conversation.stream, fault});
      done.tokens = sent.told;
      done.whole = sent.whole;
      if (sent.whole) this.#cached.set(cacheKey(conversation, task), tokensIn(text));
    } finally {
      if (!refused) this.ledger.leave();
      this.ledger.charges.push({
        atMs: started - this.#startedAt,
        tookMs: performance.now() - started,
        path,
        model: conversation.model,
        task,
        ...done,
        usd: usdOf(done.tokens, this.#priceOf(conversation.model)),
      });
    }
  }

  #answer(request: {conversation: Conversation; fault: Fault | null; text: string; task: string | null}): Answer {
    const {conversation, fault, text, task} = request;
    const reply = replyTo(conversation, fault, this.#options.script ?? followDirectives);
    const prompt = tokensIn(text);
    const read = Math.min(prompt, this.#cached.get(cacheKey(conversation, task)) ?? 0);
    const fresh = Math.min(prompt - read, 8);
    const output = tokensIn(reply.text + reply.calls.map(call => JSON.stringify(call)).join(''));
    // Only Anthropic bills the writing of a cache, and only when asked for; the others count it as input.
    const writes = conversation.caches && conversation.model.startsWith('claude');
    const tokens = writes
      ? {input: fresh, output, cacheRead: read, cacheWrite: prompt - read - fresh}
      : {
          input: prompt - (conversation.caches ? read : 0),
          output,
          cacheRead: conversation.caches ? read : 0,
          cacheWrite: 0,
        };
    return {id: `${this.#count('answers')}`, model: conversation.model, reply, tokens};
  }

  async #send({response, dialect, answer, stream, fault}: Sending): Promise<{told: Tokens; whole: boolean}> {
    const breaks = fault !== null && isBreak(fault.kind) ? fault.kind : null;
    const frames: readonly Frame[] = stream
      ? dialect.frames(answer)
      : [{text: ''}, {text: JSON.stringify(dialect.whole(answer)), told: answer.tokens}];
    const sent = breaks === null ? frames : frames.slice(0, Math.ceil(frames.length / 2));
    response.writeHead(200, {
      'content-type': stream ? 'text/event-stream' : 'application/json',
      'request-id': answer.id,
    });
    await write(response, sent.map(({text}) => text).join(''));
    const told = sent.findLast(frame => frame.told !== undefined)?.told ?? NO_TOKENS;
    if (breaks === 'hang') await this.#hang(response);
    if (breaks === 'cut') await sleep(BEFORE_CUT_MS);
    if (breaks === 'hang' || breaks === 'cut') {
      response.destroy();
      return {told, whole: false};
    }
    if (breaks === 'garbage')
      await write(response, `\u0000\ufffd{"broken":\ndata: {"type": "mess\n\ndata: <html>502</html>\n\n`);
    if (breaks === 'error-in-stream') await write(response, dialect.brokenOff());
    await new Promise<void>(resolve => response.end(resolve).once('close', resolve));
    return {told, whole: breaks === null && response.writableFinished};
  }

  #hang(response: ServerResponse): Promise<void> {
    return new Promise(resolve => {
      const release = (): void => {
        this.#hanging.delete(release);
        resolve();
      };
      this.#hanging.add(release);
      response.once('close', release);
      if (response.destroyed) release();
    });
  }

  #releaseCounted(): number {
    const released = this.#hanging.size;
    this.releaseHanging();
    return released;
  }

  #faultOf(conversation: Conversation, task: string | null): Fault | null {
    const nth = this.#count(`request of ${task ?? ''}`);
    for (const order of orderOf(conversation.turns).directives) {
      if (order.do !== 'fault') continue;
      const met = this.#count(`${order.fault.kind} of ${task ?? cacheKey(conversation, task)}`);
      if (met < order.times) return order.fault;
    }
    return faultFor(this.#options.faults ?? null, {task, model: conversation.model, nth});
  }

  #count(what: string): number {
    const count = this.#counts.get(what) ?? 0;
    this.#counts.set(what, count + 1);
    return count;
  }

  #priceOf(model: string): Price {
    const prices = {...PUBLISHED_PRICES, ...this.#options.prices};
    const price = prices[model] ?? prices[USUAL_MODEL];
    if (price === undefined) throw new Error(`no price for ${model}`);
    return price;
  }
}

interface Request {
  readonly response: ServerResponse;
  readonly path: string;
  readonly text: string;
  readonly dialect: Dialect;
  readonly route: Route;
}

interface Sending {
  readonly response: ServerResponse;
  readonly dialect: Dialect;
  readonly answer: Answer;
  readonly stream: boolean;
  readonly fault: Fault | null;
}

function replyTo(conversation: Conversation, fault: Fault | null, script: Script): Reply {
  if (fault?.kind === 'refusal') return {text: 'I cannot help with that.', calls: [], refusal: true};
  const wrong = fault?.kind === 'wrong-tool' ? wrongCall(conversation.tools, 'fault') : null;
  return wrong === null ? script(conversation) : {text: '', calls: [wrong], refusal: false};
}

function taskOf({turns}: Conversation): string | null {
  for (const turn of turns.toReversed()) {
    const [, id] = turn.role === 'user' ? (/\[task:([^\]]+)\]/.exec(turn.text) ?? []) : [];
    if (id !== undefined) return id;
  }
  return null;
}

function waitOf({turns}: Conversation): number {
  return orderOf(turns).directives.reduce((sum, order) => sum + (order.do === 'wait' ? order.ms : 0), 0);
}

/** Requests with other tools are another conversation, though it be of the same task. */
function cacheKey({turns, tools, model}: Conversation, task: string | null): string {
  const first = turns.find(turn => turn.role === 'user');
  return JSON.stringify([model, tools.map(({name}) => name), task, first?.text]);
}

const ERRORS: readonly FaultKind[] = ['throttled', 'overloaded', 'unavailable', 'quota', 'unauthorized', 'too-long'];
const BREAKS: readonly FaultKind[] = ['hang', 'cut', 'garbage', 'error-in-stream'];
const isError = (kind: FaultKind): kind is ErrorKind => ERRORS.includes(kind);
const isBreak = (kind: FaultKind): boolean => BREAKS.includes(kind);

function sendError(response: ServerResponse, dialect: Dialect, fault: Fault & {kind: ErrorKind}): number {
  const {status, body} = dialect.error(fault.kind);
  if (fault.retryAfter !== undefined) response.setHeader('retry-after', String(fault.retryAfter));
  sendJson(response, status, body);
  return status;
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, {'content-type': 'application/json'}).end(JSON.stringify(body));
}

function write(response: ServerResponse, text: string): Promise<void> {
  return new Promise(resolve => {
    response.once('close', resolve);
    response.write(text, () => resolve());
  });
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  // A request stream without an encoding yields buffers.
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
