import type {IncomingMessage, ServerResponse} from 'node:http';
import {getRequestListener} from '@hono/node-server';
import {createRoutes, type RouteOptions} from './routes.ts';

export type RequestListener = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Answers the requests of a server by the routes of the API. */
export function requestListener(options: RouteOptions): RequestListener {
  return getRequestListener(createRoutes(options).fetch);
}
