import assert from "node:assert/strict";
import { AggregateBench, changed } from "../../../tests/fixtures/aggregate_bench.ts";
import { stdioEntry } from "../../../tests/fixtures/endpoints.ts";
import type { NotedReply } from "../../../tests/fixtures/exchange.ts";
import { settle } from "../../../tests/fixtures/fake_clock.ts";
import type { Json } from "../../../tests/fixtures/fake_wire.ts";
import { serverKey } from "../../upstream/instance_key.ts";
import { CATALOG_MAX_AGE_MS, memoryCatalogStore } from "../../store/catalog_store.ts";

const namesIn = (reply: NotedReply) =>
  reply.answers[0].result.tools.map(({ name }: Json) => name) as string[];
const tools = (...names: string[]) => ({ tools: names.map((name) => ({ name })) });

/** What a server with everything answers to its lists. */
const ALL = {
  "tools/list": tools("t"),
  "prompts/list": { prompts: [{ name: "p" }] },
  "resources/list": { resources: [{ uri: "x://r", name: "r" }] },
  "resources/templates/list": { resourceTemplates: [{ uriTemplate: "x://{id}", name: "q" }] },
};
const EVERYTHING = { tools: {}, prompts: {}, resources: {} };
const LISTS = Object.keys(ALL);

/** A bench whose servers have been listed once, and what is known of them. */
async function known(...servers: string[]) {
  const catalogs = memoryCatalogStore();
  const bench = new AggregateBench(servers, { catalogs });
  bench.call("tools/list");
  for (const server of servers) {
    await bench.start(server, EVERYTHING, { instructions: `I am ${server}` });
    await bench.answer(server, ALL);
  }
  return { bench, catalogs };
}

Deno.test("whoever lists one thing learns the rest: after that, no list starts anything", async () => {
  const { catalogs } = await known("one", "two");
  const later = new AggregateBench(["one", "two"], { catalogs });
  for (const method of LISTS) {
    const reply = later.call(method);
    await settle();
    const [items] = Object.values(reply.answers[0].result as Record<string, Json[]>);
    // The same resources at both: they are listed once.
    assert.equal(items.length, method.startsWith("resources/") ? 1 : 2, method);
  }
  const introduction = await later.all.initialize(later.client.session, {});
  const listChanged = true;
  assert.deepEqual(introduction.capabilities, {
    tools: { listChanged },
    prompts: { listChanged },
    resources: { listChanged },
  });
  assert.match(String(introduction.instructions), /I am one[^]*I am two/);
  assert.deepEqual(later.started, []);
  assert.equal(later.upstream.clock.pending + later.clock.pending, 0);

  later.call("tools/call", { name: "two__t" });
  await settle();
  assert.deepEqual(later.started, ["two"]);
});

Deno.test("a server that is started and offers the same is not announced", async () => {
  const { catalogs } = await known("one");
  const later = new AggregateBench(["one"], { catalogs });
  const reply = later.call("tools/call", { name: "one__t" });
  await later.start("one", EVERYTHING, { instructions: "I am one" });
  const asked = await later.answer("one", { ...ALL, "tools/call": { content: [] } });
  assert.deepEqual(asked.map(({ method }) => method).sort(), [...LISTS, "tools/call"].sort());
  assert.equal(reply.outcome, "answered");
  assert.deepEqual(later.read(), []);
});

Deno.test("a server that is started and offers something else is announced, for what changed", async () => {
  const { catalogs } = await known("one");
  const later = new AggregateBench(["one"], { catalogs });
  later.call("tools/call", { name: "one__t" });
  await later.start("one", EVERYTHING);
  await later.answer("one", {
    ...ALL,
    "tools/call": {},
    "tools/list": tools("t", "new"),
    "resources/templates/list": { resourceTemplates: [] },
  });
  assert.deepEqual(later.read(), [changed("tools"), changed("resources")]);

  // The next daemon knows it already.
  const last = new AggregateBench(["one"], { catalogs });
  const reply = last.call("tools/list");
  await settle();
  assert.deepEqual(namesIn(reply), ["one__t", "one__new"]);
  assert.deepEqual(last.started, []);
});

Deno.test("a server that is started and can do less is announced, and lists nothing of it", async () => {
  const { catalogs } = await known("one");
  const later = new AggregateBench(["one"], { catalogs });
  later.call("tools/call", { name: "one__t" });
  await later.start("one", { tools: {} });
  await later.answer("one", { "tools/list": tools("t"), "tools/call": {} });
  assert.deepEqual(later.read(), [changed("prompts"), changed("resources"), changed("resources")]);
  const reply = later.call("prompts/list");
  await settle();
  assert.deepEqual(reply.answers[0].result, { prompts: [] });
});

Deno.test("what a server said while nobody listed it is asked when it is listed", async () => {
  const { bench } = await known("one");
  bench.wire("one").line(changed("tools"));
  assert.deepEqual(bench.read(), [changed("tools")]);
  await settle();
  const again = bench.call("tools/list");
  await settle();
  // Asked once, for the daemon and for the client.
  await bench.answer("one", { "tools/list": tools("new") });
  assert.deepEqual(namesIn(again), ["one__new"]);
});

Deno.test("however often a list changes, it is read once at a time", async () => {
  const { bench } = await known("one");
  for (let time = 0; time < 100; time++) bench.wire("one").line(changed("prompts"));
  await settle();
  assert.equal((await bench.answer("one", ALL)).length, 1);
  // Once more, because it changed while it was read; and then it is quiet.
  assert.equal((await bench.answer("one", ALL)).length, 1);
  assert.equal(bench.wire("one").take().length, 0);
});

Deno.test("a server that runs and does not tell of changes is asked each time; one that tells is not", async () => {
  const catalogs = memoryCatalogStore();
  const bench = new AggregateBench(["mute", "telling"], { catalogs });
  bench.call("tools/list");
  await bench.start("mute", { tools: {} });
  await bench.answer("mute", { "tools/list": tools("a") });
  await bench.start("telling", { tools: { listChanged: true } });
  await bench.answer("telling", { "tools/list": tools("a") });
  const reply = bench.call("tools/list");
  await settle();
  assert.deepEqual(bench.wire("telling").take(), []);
  await bench.answer("mute", { "tools/list": tools("b") });
  assert.deepEqual(namesIn(reply), ["mute__b", "telling__a"]);
  // A server whose list is another each time would have everybody list it for ever.
  assert.deepEqual(bench.read(), []);
});

Deno.test("a server that runs and is too busy to be asked is listed as it is known, soon", async () => {
  const { bench } = await known("one");
  const reply = bench.call("tools/list");
  await settle();
  bench.clock.advance(1_000);
  await settle();
  assert.deepEqual(namesIn(reply), ["one__t"]);
  await bench.answer("one", { "tools/list": tools("t") });
  assert.deepEqual(bench.read(), []);
});

Deno.test("clients that can do different things have different catalogs", async () => {
  const { bench, catalogs } = await known("one");
  const asker = bench.newClient({ capabilities: { elicitation: {} } });
  const reply = asker.call("tools/list");
  await bench.start("one");
  assert.deepEqual(bench.started, ["one", "one"]);
  await bench.answer("one", { "tools/list": tools("for askers") });
  assert.deepEqual(namesIn(reply), ["one__for askers"]);

  const later = new AggregateBench(["one"], { catalogs });
  const plain = later.call("tools/list");
  const asking = later.newClient({ capabilities: { elicitation: { form: {} } } }).call(
    "tools/list",
  );
  await settle();
  assert.deepEqual([namesIn(plain), namesIn(asking)], [["one__t"], ["one__for askers"]]);
  assert.deepEqual(later.started, []);
});

Deno.test("what a process of one's own offers is for its client alone, and is not kept", async () => {
  const catalogs = memoryCatalogStore();
  const entry = stdioEntry("one", { sharing: { mode: "session", from: "config" } });
  const bench = new AggregateBench([entry], { catalogs });
  const other = bench.newClient();
  const mine = bench.call("tools/list");
  await bench.start("one");
  await bench.answer("one", { "tools/list": tools("mine") });
  const first = bench.wire("one");
  const others = other.call("tools/list");
  await bench.start("one");
  assert.deepEqual(bench.started, ["one", "one"]);
  await bench.answer("one", { "tools/list": tools("others") });
  assert.deepEqual([namesIn(mine), namesIn(others)], [["one__mine"], ["one__others"]]);

  // Nor does anybody else hear that it changed.
  first.line(changed("tools"));
  assert.deepEqual([bench.read(), other.read()], [[changed("tools")], []]);

  const later = new AggregateBench([entry], { catalogs });
  later.call("tools/list");
  await settle();
  assert.deepEqual(later.started, ["one"]);
});

Deno.test("a list that its server calls private is given to nobody else and never kept", async () => {
  const catalogs = memoryCatalogStore();
  const bench = new AggregateBench(["one"], { catalogs });
  const other = bench.newClient();
  const isPrivate = (name: string) => ({ ...tools(name), cacheScope: "private", ttlMs: 60_000 });
  const replies = [bench.call("tools/list"), other.call("tools/list")];
  await bench.start("one");
  await bench.answer("one", { "tools/list": isPrivate("first") });
  // The other one waited for the same, and gets its own.
  await bench.answer("one", { "tools/list": isPrivate("second") });
  assert.deepEqual(replies.map(namesIn), [["one__first"], ["one__second"]]);
  const again = [bench.call("tools/list"), other.call("tools/list")];
  await settle();
  const wire = bench.wire("one");
  const asked = wire.take();
  assert.equal(asked.length, 2);
  asked.forEach(({ id }, at) => wire.answer(id, isPrivate(`again ${at}`)));
  await settle();
  assert.deepEqual(again.map(namesIn), [["one__again 0"], ["one__again 1"]]);

  const later = new AggregateBench(["one"], { catalogs });
  later.call("tools/list");
  await settle();
  assert.deepEqual(later.started, ["one"]);
});

Deno.test("many who list at once wait for the same answer", async () => {
  const bench = new AggregateBench(["one"]);
  const replies = [bench.client, ...Array.from({ length: 20 }, () => bench.newClient())]
    .map((client) => client.call("tools/list"));
  await bench.start("one");
  await bench.list("one", [{ name: "t" }]);
  assert.deepEqual(replies.map(namesIn), replies.map(() => ["one__t"]));
});

Deno.test("a cancelled list tells the server, unless somebody else waits for it", async () => {
  const bench = new AggregateBench(["one"]);
  const other = bench.newClient();
  const replies = [bench.call("tools/list"), other.call("tools/list")];
  await bench.start("one");
  const { id } = bench.asked("one");
  bench.client.cancel(1);
  await settle();
  assert.equal(replies[0].outcome, "cancelled");
  assert.deepEqual(bench.wire("one").take(), []);
  other.cancel(1);
  await settle();
  const { method, params } = bench.asked("one");
  assert.deepEqual([method, params.requestId], ["notifications/cancelled", id]);
  assert.equal(bench.clock.pending, 0);

  // Whoever comes next begins anew.
  const next = bench.call("tools/list");
  await settle();
  await bench.list("one", [{ name: "t" }]);
  assert.deepEqual(namesIn(next), ["one__t"]);
});

Deno.test("a catalog that is too old is as good as none", async () => {
  const { catalogs } = await known("one");
  const bench = new AggregateBench(["one"], {
    catalogs: {
      ...catalogs,
      get: (key) => {
        const record = catalogs.get(key);
        return record && { ...record, readAt: Date.now() - CATALOG_MAX_AGE_MS - 1_000 };
      },
    },
  });
  bench.call("tools/list");
  await settle();
  assert.deepEqual(bench.started, ["one"]);
});

Deno.test("another configuration of a server is another server; its names and limits are not", async () => {
  const { catalogs } = await known("one");
  const starts = async (...args: Parameters<typeof stdioEntry>) => {
    const bench = new AggregateBench([stdioEntry(...args)], { catalogs });
    bench.call("tools/list");
    await settle();
    return bench.started;
  };
  assert.deepEqual(await starts("one", { args: ["--other"] }), ["one"]);
  assert.deepEqual(await starts("one", { env: { A: "b" } }), ["one"]);
  assert.deepEqual(await starts("renamed", { command: "one", callTimeoutMs: 1 }), []);
});

Deno.test("a server that was stopped is left out, and announced when it is started", async () => {
  const { bench } = await known("one");
  const endpoint = bench.servers.get("one")!;
  await endpoint.stop();
  const reply = bench.call("tools/list");
  await settle();
  assert.deepEqual(namesIn(reply), []);
  const started = endpoint.start();
  await bench.start("one", EVERYTHING, { instructions: "I am one" });
  await started;
  await bench.answer("one", ALL);
  assert.deepEqual(bench.read(), [changed("tools")]);
});

Deno.test("a server that says it has a list and then knows no such method has an empty one", async () => {
  const bench = new AggregateBench(["one"]);
  const reply = bench.call("resources/templates/list");
  await bench.start("one", { resources: { listChanged: true } });
  for (const { id, method } of bench.wire("one").take()) {
    if (method === "resources/list") bench.wire("one").answer(id, { resources: [] });
    else bench.wire("one").line({ jsonrpc: "2.0", id, error: { code: -32601, message: "no" } });
  }
  await settle();
  assert.deepEqual(reply.answers[0].result, { resourceTemplates: [] });
  // And is known to have.
  const again = bench.call("resources/templates/list");
  await settle();
  assert.deepEqual(again.answers[0].result, { resourceTemplates: [] });
  assert.deepEqual(bench.wire("one").take(), []);
});

Deno.test("a list that changes while it is read is not what the next client gets", async () => {
  const { bench } = await known("one");
  const early = bench.call("tools/list");
  await settle();
  const { id } = bench.asked("one");
  bench.wire("one").line(changed("tools"));
  const late = bench.call("tools/list");
  await settle();
  bench.wire("one").answer(id, tools("old"));
  await settle();
  assert.deepEqual([namesIn(early), late.outcome], [["one__old"], undefined]);
  await bench.answer("one", { "tools/list": tools("new") });
  assert.deepEqual(namesIn(late), ["one__new"]);
});

Deno.test("a client at one server hears of its changes once, also when it has a process of its own", async () => {
  const entry = stdioEntry("one", { sharing: { mode: "session", from: "config" } });
  const bench = new AggregateBench([entry]);
  const client = bench.upstream.client("at one", bench.servers.get("one")!);
  client.call("tools/list");
  await bench.start("one");
  bench.wire("one").line(changed("tools"));
  assert.deepEqual([client.read(), bench.read()], [[changed("tools")], []]);
});

Deno.test("a server that needs a project is left out where there is none, and listed where there is", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const entry = stdioEntry("here", { args: ["\u0000project\u0000"], usesProject: true });
    const bench = new AggregateBench([entry]);
    const reply = bench.call("tools/list");
    await settle();
    assert.deepEqual(namesIn(reply), []);
    const called = bench.call("tools/call", { name: "here__t" });
    await settle();
    assert.equal(called.outcome, "invalid_params");
    assert.match(called.answers[0].error.message, /works on a project/);
    assert.deepEqual(bench.started, []);
    assert.ok(!bench.log.lines.some(({ message }) => /left out/.test(message)), "it is not broken");

    const client = bench.newClient({ project: folder });
    const listed = client.call("tools/list");
    while (bench.started.length === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    await bench.start("here");
    await bench.answer("here", { "tools/list": tools("t") });
    assert.deepEqual(namesIn(listed), ["here__t"]);
    // Others, who have no project, do not hear of it.
    bench.wire("here").line(changed("tools"));
    assert.deepEqual([client.read(), bench.read()], [[changed("tools")], []]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("clients that get a process of their own only to be asked list what others of them know", async () => {
  const catalogs = memoryCatalogStore();
  const capabilities = { elicitation: {} };
  const isolating = (options: { known: boolean }) => {
    const bench = new AggregateBench(["one"], {
      capabilities,
      ...(options.known ? { catalogs } : {}),
    });
    bench.upstream.verdicts.add(serverKey(stdioEntry("one")), { isolate: "it asked" });
    return bench;
  };
  const before = new AggregateBench(["one"], { capabilities, catalogs });
  before.call("tools/list");
  await before.start("one");
  await before.answer("one", { "tools/list": tools("shared") });

  const bench = isolating({ known: true });
  const reply = bench.call("tools/list");
  await settle();
  assert.deepEqual([namesIn(reply), bench.started], [["one__shared"], []]);

  // Without that, each has to ask its own, and tells nobody.
  const fresh = isolating({ known: false });
  const other = fresh.newClient({ capabilities });
  const replies = [fresh.call("tools/list"), other.call("tools/list")];
  await fresh.start("one", { tools: {} }, { instructions: "I am only yours" });
  const first = fresh.wire("one");
  await fresh.answer("one", { "tools/list": tools("mine") });
  const { instructions } = await fresh.all.initialize(
    fresh.newClient({ capabilities }).session,
    {},
  );
  assert.ok(!String(instructions).includes("only yours"), String(instructions));
  await fresh.start("one");
  assert.notEqual(fresh.wire("one"), first);
  await fresh.answer("one", { "tools/list": tools("others") });
  assert.deepEqual(replies.map(namesIn), [["one__mine"], ["one__others"]]);
});

Deno.test("nobody is given what a process of another client's own is asked beside its first list", async () => {
  const capabilities = { elicitation: {} };
  const bench = new AggregateBench(["one"], { capabilities });
  bench.upstream.verdicts.add(serverKey(stdioEntry("one")), { isolate: "it asked" });
  bench.call("tools/list");
  await bench.start("one", EVERYTHING);
  const first = bench.wire("one");
  const reply = bench.newClient({ capabilities }).call("prompts/list");
  await bench.start("one", EVERYTHING);
  assert.notEqual(bench.wire("one"), first);
  await bench.answer("one", { ...ALL, "prompts/list": { prompts: [{ name: "others" }] } });
  for (const { id, method } of first.take()) first.answer(id, ALL[method as keyof typeof ALL]);
  await settle();
  const { prompts } = reply.answers[0].result;
  assert.deepEqual(prompts.map(({ name }: Json) => name), ["one__others"]);
});
