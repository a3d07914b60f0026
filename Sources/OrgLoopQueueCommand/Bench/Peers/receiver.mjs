// The receiver that `orgloop-queue bench compare` measures against: it does what the queue does for a request, and
// appends to a file. Lines that come while a write is under way share the next one, with one fdatasync if asked for.
//
//   RECEIVER_SECRET=… node receiver.mjs FILE [--fsync]
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { open } from "node:fs/promises";
import { createServer } from "node:http";

const [path, flag] = process.argv.slice(2);
const secret = process.env.RECEIVER_SECRET;
const file = await open(path, "a", 0o600);

/** Lines that wait for their write, each with the answer that waits for it. */
let waiting = [];
let isWriting = false;

async function write() {
  if (isWriting) return;
  isWriting = true;
  while (waiting.length > 0) {
    const group = waiting;
    waiting = [];
    try {
      await file.appendFile(group.map(({ line }) => line).join(""));
      if (flag === "--fsync") await file.datasync();
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
  waiting.push({ id, line: JSON.stringify(event) + "\n", response });
  write();
}

const server = createServer((request, response) => {
  if (request.method !== "POST") return answer(response, 405, { error: "Method not allowed" });
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => receive(request, response, parts.length === 1 ? parts[0] : Buffer.concat(parts)));
});
server.keepAliveTimeout = 0;
server.listen(0, "127.0.0.1", () => console.log(`ready on http://127.0.0.1:${server.address().port}`));
