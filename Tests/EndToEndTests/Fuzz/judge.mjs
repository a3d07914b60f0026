// Reads records of a body, a payload and an envelope, and says of each what JSON.parse says.
//
// One line each: `json` or `broken` for the body; then `same`, `changed` or `broken` for the envelope's payload.
import { readFileSync } from "node:fs";

const data = readFileSync(process.argv[2]);
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
let place = 0;

function take() {
  const length = data.readUInt32LE(place);
  const start = place + 4;
  place = start + length;
  return data.subarray(start, place);
}

function parse(bytes) {
  try {
    return { value: JSON.parse(utf8.decode(bytes)) };
  } catch {
    return undefined;
  }
}

const lines = [];
while (place < data.length) {
  const [body, payload, envelope] = [take(), take(), take()];
  const words = [parse(body) ? "json" : "broken"];
  if (envelope.length > 0) {
    const event = parse(envelope)?.value;
    const sent = payload.length > 0 ? parse(payload)?.value : event?.payload;
    const isSame = JSON.stringify(event?.payload) === JSON.stringify(sent);
    words.push(event === undefined ? "broken" : isSame ? "same" : "changed");
  }
  lines.push(words.join(" "));
}
console.log(lines.join("\n"));
