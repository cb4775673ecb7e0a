/**
 * What a program may hand to `start()`, and which of two kinds it is: an application that turns a
 * `Request` into a `Response` (Hono, a handler of `Deno.serve`), or a listener of Node's `http` server
 * (Express, Connect, Koa's `callback()`).
 *
 * The two cannot be told apart for certain when all there is is a function of two arguments. What is not
 * certain is refused and has to be said; nothing is tried out on the first request.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from "node:http";

/** Answers one request: what `Deno.serve` takes. */
export type FetchHandler = (
  request: Request,
  info: Deno.ServeHandlerInfo<Deno.NetAddr>,
) => Response | Promise<Response>;

/** An object that answers requests: a Hono application, for one. */
export interface FetchApp {
  /** Answers one request. */
  fetch: FetchHandler;
}

/** What `http.createServer` takes: Express applications, Koa's `callback()`. */
export type NodeListener = (request: IncomingMessage, response: ServerResponse) => unknown;

/** Which kind an application is. */
export type AppKind = "fetch" | "node";

/** An application with its kind. */
export type KnownApp =
  | { kind: "fetch"; answer: FetchHandler }
  | { kind: "node"; listener: NodeListener };

/**
 * Tells which kind `app` is. In this order:
 *
 * 1. `kind`, when it was said.
 * 2. Anything with a `fetch` method is a fetch application (Hono).
 * 3. A function with a `handle` method is a Node listener (Express, Connect and their routers).
 * 4. A function of one argument, or of none at all, is a fetch handler: a Node listener that does not
 *    take the response could not answer.
 * 5. A function whose second argument is called `res` or `response` is a Node listener (Koa).
 *
 * @throws {TypeError} for anything else, with what to pass instead.
 */
export function knowApp(app: unknown, kind?: AppKind): KnownApp {
  if (kind !== undefined && kind !== "fetch" && kind !== "node") {
    throw new TypeError(
      `Cannot start: 'kind' is ${JSON.stringify(kind)}; it must be "fetch" or "node"`,
    );
  }
  if (hasMethod(app, "fetch") && kind !== "node") {
    return { kind: "fetch", answer: (request, info) => app.fetch(request, info) };
  }
  if (typeof app !== "function") throw notAnApp(app, kind);
  switch (kind ?? kindOfFunction(app)) {
    case "fetch":
      return { kind: "fetch", answer: app as FetchHandler };
    case "node":
      return { kind: "node", listener: app as NodeListener };
    default:
      throw new TypeError(
        `Cannot start: ${nameOf(app)} may be a fetch handler or a Node request listener. ` +
          `Say which: start(app, { kind: "fetch" }) or start(app, { kind: "node" })`,
      );
  }
}

// deno-lint-ignore ban-types -- any function at all is what is being looked at
function kindOfFunction(app: Function): AppKind | undefined {
  if (hasMethod(app, "handle")) return "node";
  if (app.length === 1) return "fetch";
  const names = parameterNames(app);
  if (names === undefined) return undefined;
  if (names.length === 0) return "fetch";
  return /^_?res(p|ponse)?$/.test(names[1] ?? "") ? "node" : undefined;
}

/**
 * The names of a function's parameters as its source text has them; undefined when they are not all
 * plain names (defaults, patterns, rest), or when the source is not to be had (bound functions).
 */
// deno-lint-ignore ban-types -- any function at all is what is being looked at
function parameterNames(app: Function): string[] | undefined {
  const source = Function.prototype.toString.call(app)
    .replaceAll(/\/\*[^]*?\*\/|\/\/.*$/gm, "");
  if (source.includes("[native code]")) return undefined;
  const list = /^[^(]*?\(([^()]*)\)/.exec(source)?.[1];
  if (list === undefined) return undefined;
  const names = list.split(",").map((name) => name.trim()).filter((name) => name !== "");
  return names.every((name) => /^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u.test(name))
    ? names
    : undefined;
}

function notAnApp(app: unknown, kind: AppKind | undefined): TypeError {
  if (hasMethod(app, "callback")) {
    return new TypeError("Cannot start: this looks like a Koa application. Pass app.callback()");
  }
  const what = app === null ? "null" : typeof app === "object" ? "an object" : typeof app;
  const wanted = kind === "node"
    ? "a function (request, response)"
    : "an object with a fetch method (Hono), a function that answers a Request with a Response, " +
      "or a Node request listener (Express)";
  return new TypeError(`Cannot start: the application is ${what}; it must be ${wanted}`);
}

function hasMethod<Name extends string>(
  value: unknown,
  name: Name,
  // deno-lint-ignore no-explicit-any -- what the method takes is the application's word
): value is Record<Name, (...args: any[]) => any> {
  return (typeof value === "object" || typeof value === "function") && value !== null &&
    typeof (value as Record<string, unknown>)[name] === "function";
}

// deno-lint-ignore ban-types -- any function at all is what is being looked at
function nameOf(app: Function): string {
  return app.name === "" ? "this function" : `the function ${JSON.stringify(app.name)}`;
}
