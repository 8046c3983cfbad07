import {createServer, type IncomingHttpHeaders, type ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import {text} from 'node:stream/consumers';

export interface Asked {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly model: string;
  readonly input: readonly string[];
}

/** What the server does with a request: answers vectors, or what the test says. */
export type Answer = (asked: Asked, response: ServerResponse) => void;

/** A real HTTP server on this machine that speaks OpenAI's `POST /embeddings`; each request takes the next answer. */
export class EmbeddingsServer implements AsyncDisposable {
  readonly asked: Asked[] = [];
  readonly next: Answer[] = [];
  readonly #server = createServer((request, response) => {
    void text(request).then(body => {
      const {model, input} = JSON.parse(body) as {model: string; input: readonly string[]};
      const asked = {path: request.url ?? '', headers: request.headers, model, input};
      this.asked.push(asked);
      (this.next.shift() ?? vectors(4))(asked, response);
    });
  });

  static async open(): Promise<EmbeddingsServer> {
    const server = new EmbeddingsServer();
    await new Promise<void>(resolve => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise(resolve => this.#server.close(resolve));
  }
}

/** Vectors of so many dimensions, twice as long as a unit; which component is set says how long the text is. Last text first. */
export function vectors(dimensions: number): Answer {
  return ({input}, response) => {
    const data = input.map((each, index) => ({
      index,
      embedding: Array.from({length: dimensions}, (_, place) => (place === each.length % dimensions ? 2 : 0)),
    }));
    json(200, {data: data.reverse()})(undefined, response);
  };
}

export function json(
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): (_: unknown, response: ServerResponse) => void {
  return (_, response) => {
    response.writeHead(status, {'content-type': 'application/json', ...headers});
    response.end(JSON.stringify(body));
  };
}
