/// The envelope of an event that a replay emits again: the stored one, with its replay named as the last
/// member of `provenance`.
///
/// All other bytes stay as they are, so the same replay makes the same envelope every time it is sent. An
/// imported envelope may name an earlier replay, whose place the new one then takes. One without an object
/// `provenance` is returned as it is.
package func envelope(
    _ stored: [UInt8], withReplay id: Replay.ID, emission: Int, reason: String
) -> [UInt8] {
    guard let text = try? JSONText(stored, depthMax: Limits.envelopeDepthMax), let provenance = text["provenance"],
        provenance.kind == .object
    else { return stored }
    var replay = JSONBytes(capacity: reason.utf8.count + 96)
    replay.literal(#"{"id":"#)
    replay.string(id.rawValue)
    replay.literal(#","emission":"#)
    replay.integer(emission)
    replay.literal(#","reason":"#)
    replay.string(reason)
    replay.literal("}")

    let members = text.members(of: provenance)
    if let earlier = members.first(where: { text.name(of: $0) == "replay" }) {
        return replacing(earlier.value.range, of: stored, with: replay.bytes)
    }
    let name = Array((members.isEmpty ? #""replay":"# : #","replay":"#).utf8)
    let place = provenance.range.upperBound - 1
    return replacing(place..<place, of: stored, with: name + replay.bytes)
}

private func replacing(_ range: Range<Int>, of bytes: [UInt8], with new: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count + new.count)
    result += bytes[..<range.lowerBound]
    result += new
    result += bytes[range.upperBound...]
    return result
}
