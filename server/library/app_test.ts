import { equal, rejects, throws } from "node:assert/strict";
import express from "express";
import { Hono } from "hono";
import Koa from "koa";
import { type AppKind, knowApp } from "./app.ts";

const koa = new Koa();
const listenerOfTwo = (_req: unknown, res: { end(): void }) => res.end();

const CERTAIN: [name: string, app: unknown, kind: AppKind][] = [
  ["a Hono application", new Hono(), "fetch"],
  ["Hono's fetch method", new Hono().fetch, "fetch"],
  ["an Express application", express(), "node"],
  ["an Express router", express.Router(), "node"],
  ["Koa's callback()", koa.callback(), "node"],
  ["(req, res) =>", listenerOfTwo, "node"],
  ["async function (request, response)", async function (_request: unknown, response: unknown) {
    await response;
  }, "node"],
  ["(req, res, next) =>", (_q: unknown, res: unknown, _n: unknown) => res, "node"],
  [
    "a method",
    {
      handler(_q: unknown, res: unknown) {
        return res;
      },
    }.handler,
    "node",
  ],
  ["(request) =>", (request: Request) => new Response(request.url), "fetch"],
  ["one argument without brackets", new Function("return request => request")(), "fetch"],
  ["() =>", () => new Response(), "fetch"],
  [
    "a bound function of one argument",
    function (this: unknown, _request: unknown) {}.bind(null),
    "fetch",
  ],
];

for (const [name, app, kind] of CERTAIN) {
  Deno.test(`${name} is known as ${kind}`, () => equal(knowApp(app).kind, kind));
}

const UNCERTAIN: [name: string, app: unknown][] = [
  ["(req, info) =>", (_req: unknown, _info: unknown) => new Response()],
  ["(a, b) => of a minifier", (_a: unknown, _b: unknown) => {}],
  ["(...args) =>", (..._args: unknown[]) => {}],
  [
    "(req, { remoteAddr }) =>",
    (_req: unknown, { remoteAddr }: { remoteAddr: unknown }) => remoteAddr,
  ],
  ["a bound function of two", listenerOfTwo.bind(null)],
];

for (const [name, app] of UNCERTAIN) {
  Deno.test(`${name} has to be said, and then goes`, () => {
    throws(() => knowApp(app), /Say which: start\(app, \{ kind: "fetch" \}\)/);
    equal(knowApp(app, "fetch").kind, "fetch");
    equal(knowApp(app, "node").kind, "node");
  });
}

Deno.test("what is no application is refused with what to pass", () => {
  throws(() => knowApp(koa), /Pass app\.callback\(\)/);
  throws(
    () => knowApp(undefined),
    /the application is undefined; it must be an object with a fetch/,
  );
  throws(() => knowApp({}), /the application is an object/);
  throws(() => knowApp(new Hono(), "node"), /it must be a function \(request, response\)/);
  throws(() => knowApp(listenerOfTwo, "express" as AppKind), /'kind' is "express"/);
});

Deno.test("the object keeps its own 'this'", async () => {
  class App {
    #answer = "mine";
    fetch() {
      return new Response(this.#answer);
    }
  }
  const app = knowApp(new App());
  if (app.kind !== "fetch") throw new Error(app.kind);
  const response = await app.answer(new Request("http://x"), {} as never);
  equal(await response.text(), "mine");
  await rejects(async () => await new App().fetch.call({}));
});
