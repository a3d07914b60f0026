// The receiver that `orgloop-queue bench compare` measures against: it does what the queue does for a request, and
// appends to a file: each line by itself, or those that come while a write is under way with the next one.
//
//   RECEIVER_SECRET=… node receiver.mjs FILE [--grouped] [--fsync]
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { fdatasyncSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { createServer } from "node:http";

const [path, ...flags] = process.argv.slice(2);
const isGrouped = flags.includes("--grouped");
const isSynced = flags.includes("--fsync");
const secret = process.env.RECEIVER_SECRET;
const file = await open(path, "a", 0o600);

function store(one) {
  if (!isGrouped) return storeAlone(one);
  waiting.push(one);
  if (!isWriting) storeWaiting();
}

/** The plain way: nothing else happens until the line is there. */
function storeAlone({ line, id, response }) {
  try {
    writeSync(file.fd, line);
    if (isSynced) fdatasyncSync(file.fd);
    answer(response, 200, { ok: true, event_id: id });
  } catch (error) {
    answer(response, 503, { error: error.code });
  }
}

/** Lines that wait for their write, each with the answer that waits for it. */
let waiting = [];
let isWriting = false;

async function storeWaiting() {
  isWriting = true;
  while (waiting.length > 0) {
    const group = waiting;
    waiting = [];
    try {
      await file.appendFile(group.map(({ line }) => line).join(""));
      if (isSynced) await file.datasync();
      for (const { id, response } of group) answer(response, 200, { ok: true, event_id: id });
    } catch (error) {
      for (const { response } of group) answer(response, 503, { error: error.code });
    }
  }
  isWriting = false;
}

function answer(response, status, content) {
  const body = JSON.stringify(content);
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) });
  response.end(body);
}

function isSigned(body, signature) {
  const expected = Buffer.from("sha256=" + createHmac("sha256", secret).update(body).digest("hex"));
  const given = Buffer.from(signature);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function receive(request, response, body) {
  const signature = request.headers["x-hub-signature-256"];
  if (!signature) return answer(response, 401, { error: "Missing signature" });
  if (!isSigned(body, signature)) return answer(response, 401, { error: "Invalid signature" });
  let payload;
  try {
    payload = JSON.parse(body);
  } catch {
    return answer(response, 400, { error: "Invalid JSON payload" });
  }
  const id = "evt_" + randomBytes(8).toString("hex");
  const event = {
    id, timestamp: new Date().toISOString(), source: "claude-code", type: "actor.stopped",
    provenance: { platform: "claude-code", platform_event: "session.exited", session_id: payload.session_id }, payload,
  };
  store({ id, line: JSON.stringify(event) + "\n", response });
}

const server = createServer((request, response) => {
  if (request.method !== "POST") return answer(response, 405, { error: "Method not allowed" });
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => receive(request, response, parts.length === 1 ? parts[0] : Buffer.concat(parts)));
});
server.keepAliveTimeout = 0;
server.listen(0, "127.0.0.1", () => console.log(`ready on http://127.0.0.1:${server.address().port}`));
