// Stands in for OrgLoop's engine: polls, saves, processes and logs in the order and with the flaws of the real
// one, as read in its sources and measured. Started as `node engine.mjs SETTINGS.json`; every step that a test
// waits for is one JSON line on stdout.
//
// Settings: module, project, source {id, config}, interval_ms, routes [{name, actor, drop?}], logger (false: none),
// logger_url (what is appended to the module's URL for the logger), actors {name: {delay_ms, hold_at, throw_at,
// fail_at}}, each `_at` the number of a delivery to that actor in this process.

import { EventEmitter } from "node:events";
import { appendFileSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

const settings = JSON.parse(await readFile(process.argv[2], "utf8"));
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

/** The real one's: a file for each source; whatever goes wrong with reading reads as null. */
const checkpoints = {
  file: path.join(settings.project, ".orgloop", "checkpoints", "checkpoints", `${settings.source.id}.json`),
  async get() {
    try {
      return JSON.parse(await readFile(this.file, "utf8")).checkpoint;
    } catch {
      return null;
    }
  },
  async set(checkpoint) {
    await mkdir(path.dirname(this.file), { recursive: true });
    await writeFile(`${this.file}.tmp`, JSON.stringify({ checkpoint }));
    await rename(`${this.file}.tmp`, this.file);
  },
};

class Actor {
  count = 0;

  constructor(name) {
    this.name = name;
    this.settings = settings.actors?.[name] ?? {};
  }

  async deliver(event) {
    this.count += 1;
    appendFileSync(path.join(settings.project, "deliveries"), `${event.id} ${this.name}\n`);
    say({ deliver: event.id, actor: this.name, count: this.count });
    if (this.settings.hold_at === this.count) await new Promise(() => {});
    await sleep(this.settings.delay_ms ?? 1);
    if (this.settings.throw_at === this.count) throw new Error("the actor threw");
    if (this.settings.fail_at === this.count) return { status: "error", error: new Error("the actor failed") };
    return { status: "delivered" };
  }
}

const actors = new Map(settings.routes.map(({ actor }) => [actor, new Actor(actor)]));

class Engine extends EventEmitter {
  loggers = [];
  isActive = true;

  async start() {
    const url = pathToFileURL(settings.module).href;
    const connector = await import(url);
    if (settings.logger !== false) {
      const { register } = await import(url + (settings.logger_url ?? ""));
      this.loggers.push(new (register().logger)());
    }
    this.source = new (connector.default().source)();
    if (typeof this.source.webhook === "function") throw new Error("events would be emitted twice");
    await this.source.init({ ...settings.source, connector: settings.module, poll: { interval: "1s" } });
    for (const logger of this.loggers) await logger.init({});
    say({ started: process.pid });
    // The first poll at once, then a plain interval: polls overlap when processing is slow.
    void this.poll();
    this.timer = setInterval(() => void this.poll(), settings.interval_ms ?? 50);
  }

  async stop() {
    this.isActive = false;
    clearInterval(this.timer);
    await this.source.shutdown();
    await Promise.allSettled(this.loggers.map((logger) => logger.shutdown()));
    await Promise.allSettled(this.loggers.map((logger) => logger.flush()));
    say({ stopped: process.pid });
    process.exit(0);
  }

  async poll() {
    if (!this.isActive) return;
    try {
      const checkpoint = await checkpoints.get();
      const result = await this.source.poll(checkpoint);
      if (result.checkpoint) await checkpoints.set(result.checkpoint);
      if (result.events.length > 0) say({ batch: result.events.map((event) => event.id) });
      for (const event of result.events) await this.process({ trace_id: `trc_${event.id}`, ...event });
      if (result.events.length > 0) say({ done: result.events.length });
    } catch {
      // Under the CLI nothing tells of it, and the rest of the batch is gone.
      say({ aborted: true });
    }
  }

  async process(event) {
    const about = { event_id: event.id, trace_id: event.trace_id };
    await this.log("source.emit", { ...about, source: event.source, event_type: event.type });
    const routes = settings.routes.filter((route) => !route.type || route.type === event.type);
    if (routes.length === 0) return this.log("route.no_match", { ...about, source: event.source });
    for (const route of routes) {
      const place = { ...about, route: route.name, target: route.actor };
      await this.log("route.match", { ...place, source: event.source });
      if (route.drop) {
        // Transforms log without being waited for.
        void this.log("transform.start", { ...about, route: route.name, transform: "filter" });
        await sleep(1);
        void this.log("transform.drop", { ...about, route: route.name, transform: "filter" });
        continue;
      }
      await this.deliver(event, place, actors.get(route.actor));
    }
  }

  async deliver(event, place, actor) {
    await this.log("deliver.attempt", place);
    try {
      const result = await actor.deliver(event);
      if (result.status === "delivered") return await this.log("deliver.success", place);
      return await this.log("deliver.failure", { ...place, error: result.error.message });
    } catch (error) {
      // Nobody listens to `error`, so this throws: what follows is never reached.
      this.emit("error", error);
      await this.log("deliver.failure", { ...place, error: error.message });
    }
  }

  async log(phase, fields) {
    const entry = { timestamp: new Date().toISOString(), phase, ...fields };
    await Promise.allSettled(this.loggers.map(async (logger) => logger.log(entry)));
  }
}

const engine = new Engine();
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => void engine.stop());
await engine.start();
