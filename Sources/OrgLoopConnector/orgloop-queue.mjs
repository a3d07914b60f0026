// orgloop-queue connector, version 1
//
// Lets an OrgLoop engine read from orgloop-queue, and tells the queue what became of each event. Written into
// a project by `orgloop-queue connector install`, which replaces older versions; needs nothing but Node 20.
//
//   default export: the source. It hands over batches of the queue, each once.
//   `register`:     the logger. It turns what the engine's pipeline logs into outcomes of those events.

import { readFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import { homedir, hostname } from "node:os";
import path from "node:path";

/** Where `orgloop-queue serve` listens unless it is told otherwise. */
const URL_DEFAULT = "http://127.0.0.1:4810";
/** A larger batch keeps the engine's own HTTP server waiting while it is worked off. */
const LIMIT_DEFAULT = 25;
/** What the queue hands over at most. */
const LIMIT_MAX = 1000;
/** Batches end at 8 MiB; far more than that is not an answer of the queue. */
const ANSWER_BYTES_MAX = 64 << 20;
/** A queue that takes longer for a local transaction is stuck. */
const REQUEST_MS_MAX = 10_000;
/** The engine starts nothing else while a source is initialised. */
const INIT_MS_MAX = 2_000;
/** Supervisors kill what has not ended after some ten seconds. */
const FLUSH_MS_MAX = 3_000;
const CLOSE_MS_MAX = 2_000;
/** An engine saves a checkpoint within milliseconds; after this it is worth a message. */
const SAVE_MS_MAX = 60_000;
/** After an outcome the engine goes on to the next route at once, or is done with the event. */
const QUIET_MS = 500;
/** Outcomes travel together: one call for many events costs the engine next to nothing. */
const GATHER_MS = 25;
const SETTLE_MAX = 200;
const BACKOFF_MS_MIN = 500;
const BACKOFF_MS_MAX = 30_000;
/** Outcomes that wait for a queue that is down, and events that wait for their outcome. */
const WAITING_MAX = 10_000;
/** What a failed delivery says of itself; the queue keeps 2,000 bytes of it. */
const ERROR_LENGTH_MAX = 300;

const EVENT_TYPES = new Set(["actor.stopped", "resource.changed", "message.received"]);

/**
 * What sources and loggers of this process know together. The engine may import this file more than once,
 * under several URLs, and the logger must still meet the source.
 */
const shared = (globalThis[Symbol.for("orgloop-queue.connector/1")] ??= {
  /** How many loggers there are: with one, sessions promise outcomes. */
  loggers: 0,
  /** Event id → what is known of its handling. */
  handled: new Map(),
  /** Every source that may still have outcomes to report. */
  reporters: new Set(),
});

// --- Talking to the queue

/** Why the queue could not be asked, or what it refused; `help` says what a person can do. */
class Trouble extends Error {
  constructor(code, message, help = "", status = 0) {
    super(message);
    this.code = code;
    this.help = help;
    this.status = status;
  }

  /** Whether asking again later cannot help. */
  get isFinal() {
    return this.status >= 400 && this.status < 500 && ![401, 408, 429].includes(this.status);
  }
}

/** One request to its complete answer; a cut one is an error. */
function exchange(url, headers, body, signal) {
  return new Promise((resolve, reject) => {
    const client = url.protocol === "https:" ? https : http;
    // Without an agent no connection outlives its answer: none keeps the engine's process alive, and none is
    // found dead after the queue was restarted.
    const request = client.request(url, { method: "POST", headers, agent: false, signal }, (response) => {
      const chunks = [];
      let length = 0;
      response.on("data", (chunk) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length > ANSWER_BYTES_MAX) response.destroy(new Trouble("bad_answer", "the answer has no end"));
      });
      response.on("error", reject);
      response.on("close", () => {
        const announced = response.headers["content-length"];
        if (!response.complete || (announced !== undefined && Number(announced) !== length)) {
          reject(new Trouble("cut", "the answer was cut off"));
        } else {
          resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString("utf8") });
        }
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** What a person may be shown of a text that came from elsewhere: one line, not too long. */
function plain(value, length = 500) {
  const text = String(value ?? "").replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]+/g, " ");
  return text.length > length ? `${text.slice(0, length)}…` : text;
}

/** The bearer token: named in the configuration or the environment, else the service's own file. */
class Token {
  #given;
  #files;
  #value;

  constructor(config, url) {
    this.#given = config.token || (config.token_file ? "" : process.env.ORGLOOP_QUEUE_TOKEN || "");
    if (config.token_file) {
      this.#files = [config.token_file.replace(/^~(?=\/)/, homedir())];
    } else {
      // A token of this machine is nothing that another one should be sent.
      this.#files = isThisMachine(url) ? Token.ownFiles() : [];
    }
  }

  /** Where the service on this machine keeps it. */
  static ownFiles() {
    const { ORGLOOP_QUEUE_DATABASE: database, XDG_STATE_HOME: state } = process.env;
    const directories = [
      database && path.dirname(path.resolve(database)),
      path.join(state || path.join(homedir(), ".local", "state"), "orgloop-queue"),
    ];
    return directories.filter(Boolean).map((directory) => path.join(directory, "token"));
  }

  async value() {
    if (this.#given) return this.#given;
    if (!this.#value) await this.reread();
    return this.#value;
  }

  /** Reads the file again, which the service may have replaced meanwhile; tells whether that helped. */
  async reread() {
    if (this.#given) return false;
    const before = this.#value;
    for (const file of this.#files) {
      try {
        const text = (await readFile(file, "utf8")).trim();
        if (!text) continue;
        this.#value = text;
        return text !== before;
      } catch {
        // Not there, or not for us: what follows may be.
      }
    }
    return false;
  }

  /** What to do when the service does not take it. */
  get help() {
    if (this.#given) return "The configured token is not the one in the service's token file.";
    const places = this.#files.join(" or ") || "no file, since the service is on another machine";
    return `The token was looked for in ${places}; name it with token_file, or set ORGLOOP_QUEUE_TOKEN.`;
  }
}

function isThisMachine(url) {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
}

/** The calls of one consumer and source. */
class Queue {
  #base;
  #token;

  constructor(config, source) {
    const base = config.url || process.env.ORGLOOP_QUEUE_URL || URL_DEFAULT;
    const names = [config.consumer || "orgloop", source].map(encodeURIComponent);
    try {
      this.#base = new URL(`v1/consumers/${names[0]}/sources/${names[1]}/`, base.replace(/\/*$/, "/"));
    } catch {
      throw new Trouble("bad_url", `url ${plain(base, 100)} is not a URL`, `Write it like ${URL_DEFAULT}.`);
    }
    this.#token = new Token(config, this.#base);
  }

  /**
   * Sends one call and returns its checked answer.
   *
   * @param {{ms?: number, signal?: AbortSignal}} bounds how long it may take, and what ends it earlier
   * @throws {Trouble} for whatever else than a complete 200 with a JSON object
   */
  async call(name, body, bounds = {}) {
    let answer = await this.#send(name, body, bounds);
    if (answer.status === 401 && (await this.#token.reread())) answer = await this.#send(name, body, bounds);
    if (answer.status === 401) {
      throw new Trouble("unauthorized", "the queue does not take this engine's token", this.#token.help, 401);
    }
    let value;
    try {
      value = JSON.parse(answer.text);
    } catch {
      value = undefined;
    }
    if (answer.status !== 200) throw Queue.#refusal(answer.status, value);
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new Trouble("bad_answer", "the answer is not a JSON object", this.#otherHelp);
    }
    return value;
  }

  async #send(name, body, { ms = REQUEST_MS_MAX, signal }) {
    const content = Buffer.from(JSON.stringify(body));
    const headers = { "Content-Type": "application/json", "Content-Length": content.length };
    const token = await this.#token.value();
    if (token) headers.Authorization = `Bearer ${token}`;
    const bound = new AbortController();
    const timer = setTimeout(() => bound.abort(), ms);
    timer.unref();
    const forward = () => bound.abort();
    signal?.addEventListener("abort", forward);
    if (signal?.aborted) bound.abort();
    try {
      return await exchange(new URL(name, this.#base), headers, content, bound.signal);
    } catch (error) {
      if (error instanceof Trouble) throw error;
      if (bound.signal.aborted) throw new Trouble("timeout", `no answer within ${ms} ms`, this.#downHelp);
      const reason = plain(error.code ?? error.message, 60);
      throw new Trouble("down", `cannot reach the queue at ${this.#base.origin} (${reason})`, this.#downHelp);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", forward);
    }
  }

  static #refusal(status, value) {
    const code = plain(value?.error, 60) || `http_${status}`;
    const title = plain(value?.title) || "the queue refused";
    return new Trouble(code, `${title} (${status} ${code})`, plain(value?.detail), status);
  }

  get #downHelp() {
    return "Start it with: orgloop-queue serve. It is asked again at every poll.";
  }

  get #otherHelp() {
    return `Check that orgloop-queue is what listens at ${this.#base.origin}.`;
  }
}

/** Writes to stderr, because a failing poll is swallowed by the engine; once per change of state. */
class Voice {
  #name;
  #state = "";

  constructor(name) {
    this.#name = name;
  }

  /** Says a thing that has no end. */
  note(message, help = "") {
    const lines = [`orgloop-queue: ${this.#name}: ${message}`, help && `  ${help}`].filter(Boolean);
    try {
      process.stderr.write(`${lines.join("\n")}\n`);
    } catch {
      // Nobody listens; that is no reason to end the engine.
    }
  }

  trouble(error) {
    const code = error instanceof Trouble ? error.code : "unexpected";
    if (this.#state === code) return;
    this.#state = code;
    this.note(plain(error?.message), error instanceof Trouble ? error.help : "");
  }

  /** Everything works; worth a word after trouble only. */
  fine() {
    if (this.#state) this.note("works again");
    this.#state = "";
  }
}

// --- Outcomes

/** What each phase of the engine's pipeline says about an event on one route. */
const OUTCOME_OF_PHASE = {
  "deliver.success": "delivered",
  "deliver.failure": "failed",
  "transform.drop": "dropped",
  "transform.error_drop": "dropped",
  "transform.error_halt": "failed",
  "audit.held": "dropped",
  "route.no_match": "no_route",
  "loop.circuit_broken": "dropped",
};
/** With these the event is done: there is no other route. */
const LAST_PHASES = new Set(["route.no_match", "loop.circuit_broken"]);
/** With these a route has begun, and its outcome is yet to come, however long that takes. */
const BEGINNING_PHASES = new Set(["route.match", "transform.start", "deliver.attempt"]);

/** A batch whose events the engine works off one after the other. */
class HandedBatch {
  #events;
  #passed = 0;

  constructor(reporter, session, ids) {
    this.#events = ids.map((id, index) => new HandedEvent(reporter, session, id, this, index));
    for (const event of this.#events) remember(event);
  }

  /** The engine is at the event `index`, so it is done with those before it. */
  reach(index) {
    for (; this.#passed < index; this.#passed += 1) this.#events[this.#passed].finish();
  }
}

/** Keeps what is known of an event; of too many the oldest is forgotten and will be in doubt. */
function remember(event) {
  shared.handled.get(event.id)?.forget();
  shared.handled.set(event.id, event);
  if (shared.handled.size <= WAITING_MAX) return;
  const [oldest] = shared.handled.values();
  oldest.forget();
}

/**
 * One event in the engine's hands.
 *
 * The queue keeps the first outcome it is told, and the engine logs one per route and never "finished". So an
 * outcome is held back until the engine has gone on to the next event of the batch, or was quiet for a moment
 * with no route begun and unfinished. What never gets that far is not reported: the queue calls it in doubt.
 */
class HandedEvent {
  #reporter;
  #batch;
  #index;
  #begun = new Set();
  #results = new Map();
  #timer;

  constructor(reporter, session, id, batch, index) {
    this.#reporter = reporter;
    this.session = session;
    this.id = id;
    this.#batch = batch;
    this.#index = index;
  }

  belongsTo(reporter) {
    return this.#reporter === reporter;
  }

  note(entry) {
    this.#batch.reach(this.#index);
    const { phase } = entry;
    const route = String(entry.route ?? "");
    const outcome = OUTCOME_OF_PHASE[phase];
    if (BEGINNING_PHASES.has(phase)) this.#begun.add(route);
    if (outcome) {
      this.#begun.delete(route);
      this.#results.set(`${route}\n${phase}`, { outcome, detail: detailOf(entry) });
    }
    clearTimeout(this.#timer);
    if (LAST_PHASES.has(phase)) return this.finish();
    if (this.isQuiet) this.#timer = setTimeout(() => this.finish(), QUIET_MS).unref();
  }

  /** Whether there is an outcome and no route is being worked on. */
  get isQuiet() {
    return this.#results.size > 0 && this.#begun.size === 0;
  }

  /** Reports the outcome, if there is one. */
  finish() {
    if (shared.handled.get(this.id) !== this) return;
    this.forget();
    if (this.#results.size > 0) this.#reporter.add(this.session, this.id, ...this.#verdict());
  }

  forget() {
    clearTimeout(this.#timer);
    if (shared.handled.get(this.id) === this) shared.handled.delete(this.id);
  }

  #verdict() {
    const results = [...this.#results.values()];
    const of = (outcome) => results.filter((result) => result.outcome === outcome);
    const words = (list) => list.map((result) => result.detail).filter(Boolean);
    const failures = words(of("failed"));
    const unfinished = [...this.#begun].map((route) => `route ${plain(route, 100)}: no result`);
    if (of("delivered").length > 0) return ["delivered", [...failures, ...unfinished]];
    if (of("failed").length > 0) return ["failed", [...failures, ...unfinished]];
    if (of("dropped").length > 0) return ["dropped", [...words(of("dropped")), ...unfinished]];
    return ["no_route", []];
  }
}

/** Names the route, the target and the reason of what was not a plain success. */
function detailOf(entry) {
  if (entry.phase === "deliver.success" || entry.phase === "route.no_match") return "";
  const where = [
    entry.route && `route ${plain(entry.route, 100)}`,
    entry.target && `target ${plain(entry.target, 100)}`,
    entry.transform && `transform ${plain(entry.transform, 100)}`,
  ];
  const reason = plain(entry.error ?? entry.result ?? "", ERROR_LENGTH_MAX);
  return [where.filter(Boolean).join(", ") || entry.phase, reason].filter(Boolean).join(": ");
}

/** Brings outcomes to the queue in the background, in order, until it has them. */
class Reporter {
  #queue;
  #voice;
  #waiting = [];
  #timer;
  #sending;
  #backoff = BACKOFF_MS_MIN;
  #isOverfull = false;
  /** Whether its source is gone; then nothing new is handed over. */
  isClosed = false;

  constructor(queue, voice) {
    this.#queue = queue;
    this.#voice = voice;
    for (const other of shared.reporters) {
      if (other.isClosed && other.isEmpty) shared.reporters.delete(other);
    }
    shared.reporters.add(this);
  }

  get isEmpty() {
    return this.#waiting.length === 0;
  }

  add(session, id, outcome, details) {
    const detail = plain(details.join("; "), 1000);
    this.#waiting.push({ session, report: { event_id: id, outcome, ...(detail && { detail }) } });
    if (this.#waiting.length > WAITING_MAX) {
      this.#waiting.shift();
      if (!this.#isOverfull) {
        this.#voice.note(
          `more than ${WAITING_MAX} outcomes wait for the queue; the oldest are given up`,
          "Their events will be in doubt: orgloop-queue events --state in_doubt");
      }
      this.#isOverfull = true;
    }
    this.#wake(GATHER_MS);
  }

  /** Reports what the engine is done with, and waits until the queue has it, at most `ms`. */
  async flush(ms) {
    for (const event of [...shared.handled.values()]) {
      if (event.belongsTo(this) && event.isQuiet) event.finish();
    }
    const end = performance.now() + ms;
    while (!this.isEmpty) {
      const left = end - performance.now();
      if (left <= 0) return false;
      if (await this.#send(left)) continue;
      // This one may keep the process alive: somebody waits for it, and not for long.
      await new Promise((resolve) => setTimeout(resolve, Math.min(200, left)));
    }
    return true;
  }

  #wake(ms) {
    if (this.#timer || this.#sending) return;
    this.#timer = setTimeout(async () => {
      this.#timer = undefined;
      const isDone = await this.#send(REQUEST_MS_MAX);
      this.#backoff = isDone ? BACKOFF_MS_MIN : Math.min(2 * this.#backoff, BACKOFF_MS_MAX);
      if (!this.isEmpty) this.#wake(isDone ? 0 : this.#backoff);
    }, ms).unref();
  }

  /** Sends the oldest ones, or waits for the sending that is under way; tells whether they are gone. */
  async #send(ms) {
    this.#sending ??= this.#settle(Math.min(ms, REQUEST_MS_MAX)).finally(() => (this.#sending = undefined));
    return this.#sending;
  }

  async #settle(ms) {
    const session = this.#waiting[0]?.session;
    const batch = this.#waiting.filter((one) => one.session === session).slice(0, SETTLE_MAX);
    if (batch.length === 0) return true;
    try {
      await this.#queue.call("settle", { session, outcomes: batch.map((one) => one.report) }, { ms });
      this.#isOverfull = false;
    } catch (error) {
      // A queue that is down is what polls complain about.
      if (!error.isFinal) return false;
      this.#voice.note(`${batch.length} outcomes were refused: ${plain(error.message)}`, error.help);
    }
    const gone = new Set(batch);
    this.#waiting = this.#waiting.filter((one) => !gone.has(one));
    return true;
  }
}

// --- The source

/** The answer that says nothing: the engine saves no checkpoint from it. */
const nothing = () => ({ events: [], checkpoint: "" });

/** Reads one source of the queue. There is no `webhook()`: the engine would emit such events twice. */
class QueueSource {
  id = "orgloop-queue";
  #source = "";
  #consumer = "";
  #limit = LIMIT_DEFAULT;
  #queue;
  #voice = new Voice("source");
  #reporter;
  #session;
  /** The checkpoint that the engine must present next; `undefined` before the first answer of a session. */
  #newest;
  #unsavedSince;
  #isFenced = false;
  #isClosed = false;
  #polling;
  #ending = new AbortController();

  async init({ id, config } = {}) {
    // A module that is reloaded is shut down and initialised again.
    this.#isClosed = false;
    this.#isFenced = false;
    this.#session = undefined;
    this.#ending = new AbortController();
    const settings = config ?? {};
    this.#source = String(id ?? "");
    this.#consumer = settings.consumer || "orgloop";
    this.#voice = new Voice(plain(this.#source, 100));
    try {
      this.#limit = limitOf(settings.limit);
      this.#queue = new Queue(settings, this.#source);
    } catch (error) {
      return this.#voice.trouble(error);
    }
    this.#reporter = new Reporter(this.#queue, this.#voice);
    try {
      await this.#open(INIT_MS_MAX);
    } catch (error) {
      // The engine starts all the same; the next poll opens the session.
      this.#voice.trouble(error);
    }
  }

  /**
   * Hands over the next batch.
   *
   * It never throws: the engine would say nothing about it. Whatever goes wrong, nothing is handed over and
   * no checkpoint is named, so that the engine presents the same one again and the queue repeats itself.
   */
  async poll(checkpoint) {
    if (!this.#queue || this.#polling || this.#isClosed || this.#isFenced) return nothing();
    this.#polling = this.#next(checkpoint || null);
    try {
      return await this.#polling;
    } catch (error) {
      if (!this.#isClosed) this.#fail(error);
      return nothing();
    } finally {
      this.#polling = undefined;
    }
  }

  /** Reports outcomes and closes the session, each within a bound; the queue may be down. */
  async shutdown() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#ending.abort();
    await this.#polling?.catch(() => {});
    if (!this.#reporter) return;
    const isReported = await this.#reporter.flush(FLUSH_MS_MAX);
    this.#reporter.isClosed = true;
    if (this.#session && !this.#isFenced) {
      try {
        await this.#queue.call("session/close", { session: this.#session }, { ms: CLOSE_MS_MAX });
      } catch {
        // The next session of this source ends it.
      }
    }
    if (!isReported) {
      this.#voice.note(
        "the queue cannot be reached; outcomes are lost",
        `Later: orgloop-queue events --state in_doubt --source ${this.#source}`);
    }
  }

  async #open(ms) {
    const body = { engine: `${hostname()}/${process.pid}`, settles: shared.loggers > 0 };
    const { session } = await this.#queue.call("session", body, { ms, signal: this.#ending.signal });
    if (typeof session !== "string" || !session.startsWith("ses_")) {
      throw new Trouble("bad_answer", "the answer names no session");
    }
    this.#session = session;
    this.#newest = undefined;
  }

  async #next(presented) {
    if (!this.#session) await this.#open();
    if (this.#newest !== undefined && presented !== this.#newest) return this.#waitForSave();
    this.#unsavedSince = undefined;
    const answer = await this.#ask(presented);
    if (this.#isClosed) return nothing();
    check(answer, this.#source, answer.resent === true ? LIMIT_MAX : this.#limit, presented);
    this.#newest = answer.checkpoint;
    this.#voice.fine();
    if (answer.warning === "checkpoint_regressed") this.#warnOfRegression();
    const ids = answer.events.map((event) => event.id);
    if (ids.length > 0) new HandedBatch(this.#reporter, this.#session, ids);
    // The same one again is nothing to save.
    const isNews = answer.checkpoint !== null && answer.checkpoint !== presented;
    return { events: answer.events, checkpoint: isNews ? answer.checkpoint : "" };
  }

  async #ask(presented) {
    const poll = () =>
      this.#queue.call(
        "poll", { checkpoint: presented, session: this.#session, limit: this.#limit },
        { signal: this.#ending.signal });
    try {
      return await poll();
    } catch (error) {
      if (!["session_unknown", "session_closed"].includes(error.code)) throw error;
      this.#session = undefined;
      await this.#open();
      this.#voice.note("the queue had ended this engine's session, or was restored; a new one is open");
      return poll();
    }
  }

  /** The engine presents what it had before the newest batch: it has not saved its checkpoint yet. */
  #waitForSave() {
    const now = performance.now();
    this.#unsavedSince ??= now;
    if (now - this.#unsavedSince >= SAVE_MS_MAX) {
      this.#voice.trouble(
        new Trouble(
          "not_saved", "the engine has not saved its checkpoint for a minute, so it gets nothing more",
          "Check that .orgloop/checkpoints in the project can be written, then restart the engine."));
    }
    return nothing();
  }

  #warnOfRegression() {
    this.#voice.note(
      "the engine had lost its checkpoint; the queue went on behind the last batch, which may be in doubt",
      `See: orgloop-queue events --state in_doubt --source ${this.#source} --consumer ${this.#consumer}`);
  }

  #fail(error) {
    if (error.code !== "session_fenced") return this.#voice.trouble(error);
    // For good: two engines must not take the session from each other for ever.
    this.#isFenced = true;
    this.#voice.trouble(
      new Trouble(
        error.code,
        `another engine reads this source as consumer ${plain(this.#consumer, 100)}; this one stops reading`,
        "Stop the other one and restart this engine, or give each its own `consumer` in its config."));
  }
}

function limitOf(value) {
  if (value === undefined || value === null || value === "") return LIMIT_DEFAULT;
  const limit = Number(value);
  if (Number.isInteger(limit) && limit >= 1 && limit <= LIMIT_MAX) return limit;
  throw new Trouble("bad_limit", `limit ${plain(value, 40)} is not allowed`, `Allowed: 1 to ${LIMIT_MAX}.`);
}

/** Refuses an answer that is not exactly what the queue promises, before any of it reaches the engine. */
function check(answer, source, limit, presented) {
  const wrong = (what) =>
    new Trouble("bad_answer", `the queue's answer is not used: ${what}`, "See: orgloop-queue doctor");
  const { events, checkpoint } = answer;
  if (!Array.isArray(events)) throw wrong("it has no list of events");
  if (events.length > limit) throw wrong(`it has ${events.length} events, asked were ${limit}`);
  const isToken = typeof checkpoint === "string" && checkpoint.length > 0 && checkpoint.length <= 4096;
  if (!isToken && !(checkpoint === null && events.length === 0)) throw wrong("it has no checkpoint");
  if (events.length > 0 && checkpoint === presented) throw wrong("its checkpoint is the one before it");
  const ids = new Set();
  events.forEach((event, index) => {
    const fault = faultOf(event, source, ids);
    if (fault) throw wrong(`event ${index + 1} ${fault}`);
    ids.add(event.id);
  });
}

function faultOf(event, source, ids) {
  if (typeof event !== "object" || event === null || Array.isArray(event)) return "is no object";
  if (typeof event.id !== "string" || !event.id.startsWith("evt_")) return "has no id";
  if (ids.has(event.id)) return "stands there twice";
  if (typeof event.timestamp !== "string") return "has no timestamp";
  if (event.source !== source) return "is of another source";
  if (!EVENT_TYPES.has(event.type)) return "has an unknown type";
  if (typeof event.provenance?.platform !== "string") return "has no provenance";
  return "";
}

// --- The logger

/** Tells the queue what the pipeline did with each event that a source of this module handed over. */
class OutcomeLogger {
  id = "orgloop-queue";
  #isCounted = false;

  constructor() {
    // The engine makes its loggers before it initialises its sources, so that their sessions know.
    this.#count();
  }

  /** Outcomes go where the events came from, so there is nothing to configure. */
  async init() {
    this.#count();
  }

  /** The engine waits for this at every step, so it only takes note; events of others are not known. */
  log(entry) {
    try {
      shared.handled.get(entry?.event_id)?.note(entry);
    } catch {
      // A logger that throws helps nobody.
    }
  }

  async flush() {
    await Promise.all([...shared.reporters].map((reporter) => reporter.flush(FLUSH_MS_MAX)));
  }

  async shutdown() {
    if (this.#isCounted) shared.loggers -= 1;
    this.#isCounted = false;
    await this.flush();
  }

  #count() {
    if (!this.#isCounted) shared.loggers += 1;
    this.#isCounted = true;
  }
}

export default () => ({
  id: "orgloop-queue",
  source: QueueSource,
  setup: {
    env_vars: [
      {
        name: "ORGLOOP_QUEUE_TOKEN",
        description: "Token of orgloop-queue; not needed where its token file can be read",
        required: false,
      },
    ],
    integrations: [
      {
        id: "orgloop-queue",
        description: "The durable inbox that receives the webhooks and is read by this source",
        platform: "orgloop-queue",
        command: "orgloop-queue serve",
      },
    ],
  },
});

export function register() {
  return { id: "orgloop-queue", logger: OutcomeLogger };
}
