// Stands between an engine and the queue and spoils answers to polls, as a failing network would. Started as
// `node proxy.mjs TARGET SPOIL`; SPOIL is JSON, the number of a poll that is answered with events → how it is
// spoilt: "cut" (half of the body, then the connection is gone) or "half" (half of it, as if that were all).

import http from "node:http";

const target = new URL(process.argv[2]);
const spoil = JSON.parse(process.argv[3]);
let polls = 0;

function forward(request, body, response) {
  const options = { host: target.hostname, port: target.port, path: request.url, method: request.method };
  const headers = { ...request.headers, host: target.host };
  const outgoing = http.request({ ...options, headers, agent: false }, (answer) => {
    const chunks = [];
    answer.on("data", (chunk) => chunks.push(chunk));
    answer.on("end", () => pass(request, answer, Buffer.concat(chunks), response));
  });
  outgoing.on("error", () => response.destroy());
  outgoing.end(body);
}

function pass(request, answer, body, response) {
  const hasEvents = request.url.endsWith("/poll") && body.includes('"evt_');
  if (hasEvents) polls += 1;
  const how = hasEvents ? spoil[polls] : undefined;
  if (how) process.stdout.write(`${JSON.stringify({ spoilt: polls, how })}\n`);
  const half = body.subarray(0, body.length / 2);
  const length = how === "half" ? half.length : body.length;
  response.writeHead(answer.statusCode, { ...answer.headers, "content-length": length, connection: "close" });
  if (how === "cut") return response.write(half, () => response.destroy());
  response.end(how === "half" ? half : body);
}

const server = http.createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => forward(request, Buffer.concat(chunks), response));
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` })}\n`);
});
