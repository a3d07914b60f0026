// What the module promises by itself, against a queue of a few lines. Run with
// `node --test Tests/EndToEndTests/Connector/`, or as a part of `swift test --filter Connector`.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { mock, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const moduleURL = new URL("../../../Sources/OrgLoopConnector/orgloop-queue.mjs", import.meta.url).href;
const connector = await import(moduleURL);

const SECRET = "token-that-nobody-may-see";
const BODY = "body-that-nobody-may-see";

/** Everything the module wrote to stderr. */
let said = "";
mock.method(process.stderr, "write", (text) => (said += text));
const complaints = () => said.split("\n").filter((line) => line.startsWith("orgloop-queue:"));

function event(number, changes = {}) {
  return {
    id: `evt_${String(number).padStart(4, "0")}`,
    timestamp: "2026-01-01T00:00:00.000Z",
    source: "hook",
    type: "actor.stopped",
    provenance: { platform: "test" },
    payload: { text: BODY },
    ...changes,
  };
}

/** A queue that answers what it is told to, and keeps what it was asked. */
class FakeQueue {
  calls = [];
  sessions = 0;
  token = SECRET;
  /** The answer to the next poll: a value, or a function of the response that writes it. */
  answer = { events: [], checkpoint: null };
  /** What a call is refused with: name → [status, code]. */
  refusals = {};

  async start(port = 0) {
    this.server = http.createServer(async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const name = request.url.split("/sources/hook/")[1];
      const body = JSON.parse(Buffer.concat(chunks).toString());
      const isKnown = request.headers.authorization === `Bearer ${this.token}`;
      if (!isKnown) return FakeQueue.refuse(response, 401, "unauthorized");
      this.calls.push({ name, body });
      if (this.refusals[name]) return FakeQueue.refuse(response, ...this.refusals[name]);
      if (name === "poll" && typeof this.answer === "function") return this.answer(response);
      FakeQueue.json(response, 200, await this.value(name, body));
    });
    this.server.listen(port, "127.0.0.1");
    await once(this.server, "listening");
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
    return this;
  }

  value(name, body) {
    if (name === "session") return { session: `ses_${(this.sessions += 1)}` };
    if (name === "poll") return this.answer;
    if (name === "settle") return { settled: body.outcomes.length, unknown: [] };
    return {};
  }

  static json(response, status, value) {
    const text = JSON.stringify(value);
    response.writeHead(status, { "Content-Length": Buffer.byteLength(text) }).end(text);
  }

  static refuse(response, status, code) {
    FakeQueue.json(response, status, { title: `refused for ${code}`, error: code, detail: `mend of ${code}` });
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
    return once(this.server, "close");
  }

  named(name) {
    return this.calls.filter((call) => call.name === name).map((call) => call.body);
  }

  /** What was settled, as `id outcome detail` in order. */
  get settled() {
    const reports = this.named("settle").flatMap((body) => body.outcomes);
    return reports.map((report) => [report.event_id, report.outcome, report.detail].filter(Boolean).join(" "));
  }

  async until(isTrue) {
    const deadline = performance.now() + 10_000;
    while (!isTrue()) {
      if (performance.now() > deadline) throw new Error(`not within ten seconds: ${isTrue}`);
      await sleep(5);
    }
  }
}

/** A source of `queue`, with what is around it; shut down and checked for leaks when the test is over. */
async function started(t, { queue, config = {}, loggers = 1, module = connector } = {}) {
  said = "";
  queue ??= await new FakeQueue().start();
  const made = Array.from({ length: loggers }, () => new (module.register().logger)());
  const source = new (connector.default().source)();
  await source.init({ id: "hook", config: { url: queue.url, token: SECRET, ...config } });
  for (const logger of made) await logger.init({});
  t.after(async () => {
    await source.shutdown();
    for (const logger of made) await logger.shutdown();
    if (queue.server.listening) await queue.stop();
    assert.ok(!said.includes(SECRET) && !said.includes(BODY), "a secret was written to stderr");
  });
  return { queue, source, logger: made[0] };
}

const nothing = { events: [], checkpoint: "" };

test("a batch is handed over with its checkpoint, and the checkpoint is presented next", async (t) => {
  const { queue, source } = await started(t);
  queue.answer = { events: [event(1), event(2)], checkpoint: "c1" };
  const batch = await source.poll(null);
  assert.deepEqual(batch.events.map(({ id }) => id), ["evt_0001", "evt_0002"]);
  assert.equal(batch.checkpoint, "c1");
  queue.answer = { events: [], checkpoint: "c1" };
  assert.deepEqual(await source.poll("c1"), nothing);
  assert.deepEqual(queue.named("poll"), [
    { checkpoint: null, session: "ses_1", limit: 25 },
    { checkpoint: "c1", session: "ses_1", limit: 25 },
  ]);
  assert.equal(queue.named("session")[0].settles, true);
  assert.equal(said, "");
});

test("without a logger a session promises no outcomes", async (t) => {
  const { queue } = await started(t, { loggers: 0 });
  assert.equal(queue.named("session")[0].settles, false);
  assert.match(queue.named("session")[0].engine, /.\/\d+$/);
});

test("whatever the engine presents first is passed on", async (t) => {
  const { queue, source } = await started(t);
  queue.answer = { events: [event(1)], checkpoint: "c8" };
  assert.equal((await source.poll("c7")).checkpoint, "c8");
  assert.equal(queue.named("poll")[0].checkpoint, "c7");
});

test("a poll beside another one gets nothing", async (t) => {
  const { queue, source } = await started(t);
  let answer;
  queue.answer = (response) => (answer = () => FakeQueue.json(response, 200, { events: [event(1)], checkpoint: "c1" }));
  const first = source.poll(null);
  await queue.until(() => answer);
  assert.deepEqual(await source.poll(null), nothing);
  answer();
  assert.equal((await first).events.length, 1);
  assert.equal(queue.named("poll").length, 1);
});

test("until the engine has saved the checkpoint it gets nothing more", async (t) => {
  const { queue, source } = await started(t);
  queue.answer = { events: [event(1)], checkpoint: "c1" };
  await source.poll(null);
  let now = performance.now();
  const clock = mock.method(performance, "now", () => now);
  t.after(() => clock.mock.restore());
  assert.deepEqual(await source.poll(null), nothing);
  now += 59_000;
  assert.deepEqual(await source.poll(null), nothing);
  assert.equal(said, "");
  now += 2_000;
  for (let repeats = 0; repeats < 3; repeats += 1) await source.poll(null);
  assert.equal(complaints().length, 1);
  assert.match(said, /has not saved its checkpoint/);
  queue.answer = { events: [], checkpoint: "c1" };
  await source.poll("c1");
  assert.equal(queue.named("poll").length, 2);
  assert.match(complaints()[1], /works again/);
});

const spoilt = {
  "cut off": (response) => {
    const text = JSON.stringify({ events: [event(1)], checkpoint: "c1" });
    response.writeHead(200, { "Content-Length": text.length + 10 });
    response.write(text, () => response.destroy());
  },
  "cut off between two chunks": (response) => {
    response.writeHead(200);
    response.write('{"events":[],"checkpoint":"c1"}', () => response.destroy());
  },
  "not JSON": (response) => response.end('{"events":['),
  "not an object": [event(1)],
  "without events": { checkpoint: "c1" },
  "without a checkpoint": { events: [event(1)], checkpoint: null },
  "with the checkpoint that was presented": { events: [event(1)], checkpoint: "c0" },
  "with more than was asked": { events: Array.from({ length: 26 }, (_, i) => event(i)), checkpoint: "c1" },
  "with an event twice": { events: [event(1), event(1)], checkpoint: "c1" },
  "with an event without id": { events: [event(1, { id: 7 })], checkpoint: "c1" },
  "with an event of another source": { events: [event(1, { source: "other" })], checkpoint: "c1" },
  "with an unknown type": { events: [event(1, { type: "x" })], checkpoint: "c1" },
  "without a timestamp": { events: [event(1, { timestamp: 0 })], checkpoint: "c1" },
  "without provenance": { events: [event(1, { provenance: null })], checkpoint: "c1" },
};
for (const [what, answer] of Object.entries(spoilt)) {
  test(`an answer ${what} is not used, and the same is asked again`, async (t) => {
    const { queue, source } = await started(t);
    queue.answer = answer;
    for (let repeats = 0; repeats < 3; repeats += 1) assert.deepEqual(await source.poll("c0"), nothing);
    assert.equal(complaints().length, 1, said);
    queue.answer = { events: [event(1)], checkpoint: "c1", resent: true };
    assert.equal((await source.poll("c0")).events.length, 1);
    assert.ok(queue.named("poll").every((body) => body.checkpoint === "c0"));
    assert.match(complaints()[1], /works again/);
  });
}

test("a batch that is sent again may be larger than what is asked for now", async (t) => {
  const { queue, source } = await started(t, { config: { limit: "2" } });
  queue.answer = { events: [event(1), event(2), event(3)], checkpoint: "c1", resent: true };
  assert.equal((await source.poll(null)).events.length, 3);
  assert.equal(queue.named("poll")[0].limit, 2);
});

test("an engine that had lost its checkpoint is told what may be in doubt", async (t) => {
  const { queue, source } = await started(t);
  queue.answer = { events: [], checkpoint: "c7", resent: false, warning: "checkpoint_regressed" };
  assert.deepEqual(await source.poll(null), { events: [], checkpoint: "c7" });
  assert.match(said, /had lost its checkpoint.*\n.*--state in_doubt --source hook --consumer orgloop/);
});

test("a queue that is down at the start does not keep the engine from starting", async (t) => {
  const queue = await new FakeQueue().start();
  await queue.stop();
  const { source } = await started(t, { queue });
  for (let repeats = 0; repeats < 3; repeats += 1) assert.deepEqual(await source.poll(null), nothing);
  assert.equal(complaints().length, 1);
  assert.match(said, /cannot reach the queue at http.*ECONNREFUSED.*\n.*orgloop-queue serve/);
  await queue.start(queue.port);
  queue.answer = { events: [event(1)], checkpoint: "c1" };
  assert.equal((await source.poll(null)).events.length, 1);
  assert.match(complaints()[1], /works again/);
});

test("each refusal is told once, with its mend", async (t) => {
  const { queue, source } = await started(t);
  for (const code of ["checkpoint_regressed", "checkpoint_ahead", "lineage_mismatch", "unknown_source"]) {
    queue.refusals.poll = [code === "unknown_source" ? 404 : 409, code];
    for (let repeats = 0; repeats < 3; repeats += 1) assert.deepEqual(await source.poll("c1"), nothing);
    assert.match(said, new RegExp(`refused for ${code}.*\n  mend of ${code}\n`));
  }
  queue.refusals = {};
  await source.poll("c1");
  assert.equal(complaints().length, 5);
});

test("an engine that was fenced says so once and is quiet for good", async (t) => {
  const { queue, source } = await started(t);
  queue.refusals.poll = [409, "session_fenced"];
  for (let repeats = 0; repeats < 3; repeats += 1) assert.deepEqual(await source.poll(null), nothing);
  assert.equal(queue.named("poll").length, 1);
  await source.shutdown();
  assert.equal(queue.named("session/close").length, 0);
  assert.equal(complaints().length, 1);
  assert.match(said, /another engine reads this source as consumer orgloop/);
});

for (const code of ["session_unknown", "session_closed"]) {
  test(`after ${code} a new session is opened in the same poll`, async (t) => {
    const { queue, source } = await started(t);
    queue.answer = { events: [event(1)], checkpoint: "c1" };
    await source.poll(null);
    queue.answer = (response) => {
      queue.answer = { events: [event(2)], checkpoint: "c2" };
      FakeQueue.refuse(response, 409, code);
    };
    assert.equal((await source.poll("c1")).events[0].id, "evt_0002");
    assert.deepEqual(queue.named("poll").map((body) => body.session), ["ses_1", "ses_1", "ses_2"]);
  });
}

test("the token file is read again when the token is refused", async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), "orgloop-queue-token-"));
  t.after(() => rm(directory, { recursive: true }));
  const file = path.join(directory, "token");
  const { queue, source } = await started(t, { config: { token: "", token_file: file } });
  assert.match(said, /does not take this engine's token.*\n.*looked for in .*token/);
  await writeFile(file, `${SECRET}\n`);
  await source.poll(null);
  assert.equal(queue.named("poll").length, 1);
  queue.token = `${SECRET}-2`;
  await writeFile(file, `${SECRET}-2\n`);
  await source.poll(null);
  assert.equal(queue.named("poll").length, 2);
  assert.equal(complaints().length, 2);
});

test("the token is found beside the service's database", async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), "orgloop-queue-token-"));
  const before = { ...process.env };
  t.after(() => {
    Object.assign(process.env, before);
    for (const name of ["ORGLOOP_QUEUE_DATABASE", "ORGLOOP_QUEUE_TOKEN"]) if (!before[name]) delete process.env[name];
    return rm(directory, { recursive: true });
  });
  delete process.env.ORGLOOP_QUEUE_TOKEN;
  process.env.ORGLOOP_QUEUE_DATABASE = path.join(directory, "queue.db");
  await writeFile(path.join(directory, "token"), SECRET);
  const { queue } = await started(t, { config: { token: undefined } });
  assert.equal(queue.sessions, 1);
});

test("a setting that cannot be used is told and nothing is read", async (t) => {
  const { queue, source } = await started(t, { config: { limit: "many" } });
  assert.deepEqual(await source.poll(null), nothing);
  assert.match(said, /limit many is not allowed\n  Allowed: 1 to 1000/);
  assert.equal(queue.calls.length, 0);
});

// --- Outcomes

/** Hands `count` events over. */
async function handOver(queue, source, count, checkpoint = "c1", before = null) {
  queue.answer = { events: Array.from({ length: count }, (_, index) => event(index + 1)), checkpoint };
  await source.poll(before);
}

const entry = (number, phase, more = {}) => ({ event_id: event(number).id, phase, ...more });
const a = { route: "a", target: "x" };
const b = { route: "b", target: "y" };
const attempt = (route) => ["deliver.attempt", route];
const verdicts = {
  "delivered": [[attempt(a), ["deliver.success", a]], "delivered"],
  "delivered twice": [[attempt(a), ["deliver.success", a], attempt(b), ["deliver.success", b]], "delivered"],
  "delivered beside a failure": [
    [attempt(a), ["deliver.success", a], attempt(b), ["deliver.failure", { ...b, error: "no\nline" }]],
    "delivered route b, target y: no line",
  ],
  "delivered after a drop": [[["transform.drop", a], attempt(b), ["deliver.success", b]], "delivered"],
  "failed": [[attempt(a), ["deliver.failure", { ...a, error: "gone" }]], "failed route a, target x: gone"],
  "failed beside a drop": [
    [["transform.drop", a], attempt(b), ["deliver.failure", b]], "failed route b, target y",
  ],
  "dropped": [[["transform.drop", { ...a, transform: "f" }]], "dropped route a, target x, transform f"],
  "dropped by an error": [
    [["transform.error_drop", { route: "a", transform: "f", error: "bad" }]],
    "dropped route a, transform f: bad",
  ],
  "halted": [[["transform.error_halt", { route: "a", error: "bad" }]], "failed route a: bad"],
  "held": [[attempt(a), ["audit.held", { ...a, result: "flags" }]], "dropped route a, target x: flags"],
  "a loop": [[["loop.circuit_broken", { result: "depth 6" }]], "dropped loop.circuit_broken: depth 6"],
  "no route": [[["route.no_match", {}]], "no_route"],
};
for (const [what, [phases, verdict]] of Object.entries(verdicts)) {
  test(`the outcome of what the engine logged: ${what}`, async (t) => {
    const { queue, source, logger } = await started(t, { loggers: 2 });
    await handOver(queue, source, 1);
    logger.log(entry(1, "source.emit", { source: "hook" }));
    for (const [phase, fields] of phases) logger.log(entry(1, phase, fields));
    await logger.flush();
    assert.deepEqual(queue.settled, [`evt_0001 ${verdict}`]);
    assert.equal(queue.named("settle")[0].session, "ses_1");
  });
}

test("an event is reported when the engine goes on to the next one of its batch", async (t) => {
  const { queue, source, logger } = await started(t);
  await handOver(queue, source, 3);
  logger.log(entry(1, "source.emit"));
  logger.log(entry(1, "deliver.attempt", a));
  logger.log(entry(1, "deliver.success", a));
  logger.log(entry(1, "route.match", b));
  // Whatever became of it on route b: the engine is behind it.
  logger.log(entry(2, "source.emit"));
  await queue.until(() => queue.settled.length > 0);
  assert.deepEqual(queue.settled, ["evt_0001 delivered route b: no result"]);
});

test("an event whose second route is being worked on is not reported, however long that takes", async (t) => {
  const { queue, source, logger } = await started(t);
  await handOver(queue, source, 2);
  logger.log(entry(1, "deliver.success", a));
  logger.log(entry(1, "deliver.attempt", b));
  await logger.flush();
  assert.deepEqual(queue.settled, []);
  logger.log(entry(1, "deliver.failure", { ...b, error: "late" }));
  await queue.until(() => queue.settled.length > 0);
  assert.deepEqual(queue.settled, ["evt_0001 delivered route b, target y: late"]);
});

test("an event that the engine says nothing more about is not reported", async (t) => {
  const { queue, source, logger } = await started(t);
  await handOver(queue, source, 3);
  logger.log(entry(1, "deliver.success", a));
  logger.log(entry(2, "deliver.attempt", a));
  await logger.flush();
  assert.deepEqual(queue.settled, ["evt_0001 delivered"]);
});

test("batches that the engine works on at once do not end each other's events", async (t) => {
  const { queue, source, logger } = await started(t);
  await handOver(queue, source, 2);
  queue.answer = { events: [event(8), event(9)], checkpoint: "c2" };
  await source.poll("c1");
  logger.log(entry(1, "deliver.success", a));
  logger.log(entry(1, "deliver.attempt", b));
  logger.log(entry(8, "deliver.success", a));
  logger.log(entry(9, "source.emit"));
  await logger.flush();
  assert.deepEqual(queue.settled, ["evt_0008 delivered"]);
});

test("entries about anything else are ignored, and nothing makes the logger throw", async (t) => {
  const { queue, source, logger } = await started(t);
  await handOver(queue, source, 1);
  const strange = [undefined, null, 7, {}, { event_id: "evt_other", phase: "deliver.success" }, { event_id: {} }];
  for (const one of strange) assert.equal(logger.log(one), undefined);
  logger.log({ event_id: "evt_0001", phase: "deliver.failure", get error() { throw new Error("no"); } });
  logger.log(entry(1, "deliver.failure", { route: Symbol("r"), error: { toString: null } }));
  await logger.flush();
  assert.deepEqual(queue.settled.filter((line) => !line.startsWith("evt_0001")), []);
});

test("the logger of a module that was imported under another address meets the source", async (t) => {
  const module = await import(`${moduleURL}?other`);
  assert.notEqual(module.register().logger, connector.register().logger);
  const { queue, source, logger } = await started(t, { module });
  await handOver(queue, source, 1);
  logger.log(entry(1, "route.no_match"));
  await logger.flush();
  assert.deepEqual(queue.settled, ["evt_0001 no_route"]);
});

test("outcomes wait for a queue that is down, and are reported once", async (t) => {
  const { queue, source, logger } = await started(t);
  await handOver(queue, source, 3);
  await queue.stop();
  for (const number of [1, 2, 3]) logger.log(entry(number, "deliver.success", a));
  assert.deepEqual(queue.settled, []);
  await queue.start(queue.port);
  await queue.until(() => queue.settled.length === 3);
  await logger.flush();
  assert.deepEqual(queue.settled, ["evt_0001 delivered", "evt_0002 delivered", "evt_0003 delivered"]);
});

test("outcomes that the queue refuses for good are given up with a word", async (t) => {
  const { queue, source, logger } = await started(t);
  await handOver(queue, source, 1);
  queue.refusals.settle = [409, "session_unknown"];
  logger.log(entry(1, "route.no_match"));
  await logger.flush();
  assert.match(said, /1 outcomes were refused: refused for session_unknown/);
  queue.refusals = {};
  await logger.flush();
  assert.equal(queue.named("settle").length, 1);
});

test("of too many outcomes the oldest are given up, with one message", async (t) => {
  const { queue, source, logger } = await started(t, { config: { limit: 1000 } });
  queue.refusals.settle = [503, "unavailable"];
  let presented = null;
  for (let round = 0; round < 11; round += 1) {
    const events = Array.from({ length: 1000 }, (_, index) => event(round * 1000 + index));
    queue.answer = { events, checkpoint: `c${round}` };
    await source.poll(presented);
    presented = `c${round}`;
    for (const { id } of events) logger.log({ event_id: id, phase: "route.no_match" });
  }
  queue.refusals = {};
  await logger.flush();
  assert.equal(queue.settled.length - queue.named("settle")[0].outcomes.length, 10_000);
  assert.equal(complaints().filter((line) => line.includes("more than 10000 outcomes")).length, 1);
});

for (const first of ["source", "logger"]) {
  test(`outcomes are reported before the session is closed, when the ${first} is shut down first`, async (t) => {
    const { queue, source, logger } = await started(t);
    await handOver(queue, source, 1);
    logger.log(entry(1, "deliver.success", a));
    for (const one of first === "source" ? [source, logger] : [logger, source]) await one.shutdown();
    assert.deepEqual(queue.calls.map(({ name }) => name), ["session", "poll", "settle", "session/close"]);
    assert.deepEqual(await source.poll("c1"), nothing);
  });
}

test("what the engine finishes behind the source's end is still reported", async (t) => {
  const { queue, source, logger } = await started(t);
  await handOver(queue, source, 1);
  logger.log(entry(1, "deliver.attempt", a));
  await source.shutdown();
  logger.log(entry(1, "deliver.success", a));
  await logger.shutdown();
  assert.deepEqual(queue.settled, ["evt_0001 delivered"]);
});

test("an end does not wait for a queue that does not answer", async (t) => {
  const { queue, source, logger } = await started(t);
  await handOver(queue, source, 1);
  logger.log(entry(1, "route.no_match"));
  queue.answer = () => {};
  const poll = source.poll("c1");
  await queue.until(() => queue.named("poll").length === 2);
  await queue.stop();
  const begun = performance.now();
  await source.shutdown();
  assert.deepEqual(await poll, nothing);
  assert.ok(performance.now() - begun < 8_000);
  assert.match(said, /outcomes are lost/);
});

test("a source that is reloaded begins again", async (t) => {
  const { queue, source, logger } = await started(t);
  await source.shutdown();
  await logger.shutdown();
  await source.init({ id: "hook", config: { url: queue.url, token: SECRET } });
  await logger.init({});
  await handOver(queue, source, 1);
  logger.log(entry(1, "route.no_match"));
  await logger.flush();
  assert.equal(queue.named("poll")[0].session, "ses_2");
  assert.deepEqual(queue.settled, ["evt_0001 no_route"]);
});

test("nothing of it keeps the process alive", async (t) => {
  const { queue } = await started(t, { loggers: 0 });
  queue.answer = { events: [event(1)], checkpoint: "c1" };
  queue.refusals.settle = [503, "unavailable"];
  const script = `
    const connector = await import(${JSON.stringify(moduleURL)});
    const logger = new (connector.register().logger)();
    const source = new (connector.default().source)();
    await source.init({ id: "hook", config: { url: ${JSON.stringify(queue.url)}, token: ${JSON.stringify(SECRET)} } });
    await source.poll(null);
    logger.log({ event_id: "evt_0001", phase: "deliver.success" });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "inherit", "ignore"], cwd: path.dirname(fileURLToPath(import.meta.url)),
  });
  const [status] = await once(child, "exit");
  assert.equal(status, 0);
});
