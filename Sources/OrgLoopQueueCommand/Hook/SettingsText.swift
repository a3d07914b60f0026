import EventQueue

/// A settings file of Claude Code as the text it is: what is not ours keeps every byte.
struct SettingsText: Sendable {
    /// Why a text cannot be used as settings, and where.
    struct Problem: Error, Equatable {
        /// Counted from 1.
        let line: Int
        let column: Int
        let message: String
        let mend: String
    }

    /// A hook and its place.
    struct Hook: Sendable {
        let event: String
        let value: JSONText.Value
        /// What it says: its command or its URL; empty when it has neither.
        let text: String
        let command: String?
        let arguments: [String]?
        let target: String?
        fileprivate(set) var place: Place
    }

    /// The containers around a hook, and where it stands in them.
    struct Place: Sendable {
        /// The value of the event's member of `hooks`.
        let groups: JSONText.Value
        let groupIndex: Int
        /// The array `hooks` of the group.
        let list: JSONText.Value
        let index: Int
    }

    let bytes: [UInt8]
    let json: JSONText

    /// Reads a text; one that is missing or blank is an empty object.
    ///
    /// - Throws: ``Problem`` when it is not strict JSON, or not an object.
    init(_ content: [UInt8]?) throws(Problem) {
        let isBlank = content?.allSatisfy { [0x20, 0x09, 0x0A, 0x0D].contains($0) } ?? true
        bytes = isBlank ? Array("{}\n".utf8) : content ?? []
        do {
            json = try JSONText(bytes)
        } catch {
            throw Self.problem(error, in: bytes)
        }
        guard json.root.kind == .object else {
            throw problem(at: json.root.range.lowerBound, "settings are a JSON object, and this is none")
        }
    }

    /// Every hook that can be made out, in the order of the text; what has another form is passed over.
    var hooks: [Hook] {
        guard let hooks = json["hooks"] else { return [] }
        return json.members(of: hooks).flatMap { event -> [Hook] in
            let name = json.name(of: event)
            return json.elements(of: event.value).enumerated().flatMap { groupIndex, group -> [Hook] in
                guard let list = member("hooks", of: group) else { return [] }
                return json.elements(of: list).enumerated().map { index, value in
                    let place = Place(groups: event.value, groupIndex: groupIndex, list: list, index: index)
                    return hook(value, event: name, at: place)
                }
            }
        }
    }

    /// Whether all hooks are switched off by the file itself.
    var disablesAllHooks: Bool { json["disableAllHooks"]?.kind == .true }

    /// The value of an object's member.
    func member(_ name: String, of value: JSONText.Value) -> JSONText.Value? {
        json.members(of: value).first { json.name(of: $0) == name }?.value
    }

    /// A problem at a place of this text.
    func problem(at offset: Int, _ message: String) -> Problem {
        let (line, column) = Self.position(of: offset, in: bytes)
        return Problem(
            line: line, column: column, message: message,
            mend: "Mend it as https://code.claude.com/docs/en/hooks shows, then run this again.")
    }

    private func hook(_ value: JSONText.Value, event: String, at place: Place) -> Hook {
        func text(_ name: String) -> String? { member(name, of: value).flatMap(json.string) }
        let type = text("type")
        let command = type == "http" ? nil : text("command")
        let target = type == "http" ? text("url") : nil
        let list = member("args", of: value)
        return Hook(
            event: event, value: value, text: command ?? target ?? "", command: command,
            arguments: list.map { json.elements(of: $0).compactMap(json.string) }, target: target, place: place)
    }

    // MARK: Problems

    private static func problem(_ error: JSONError, in bytes: [UInt8]) -> Problem {
        let (line, column) = position(of: error.offset, in: bytes)
        return Problem(
            line: line, column: column, message: error.reason.rawValue,
            mend: "\(mend(error, bytes)) Claude Code reads strict JSON; then run this again.")
    }

    private static func mend(_ error: JSONError, _ bytes: [UInt8]) -> String {
        let byte = error.offset < bytes.count ? bytes[error.offset] : nil
        let before = bytes[..<error.offset].last { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        switch (error.reason, byte) {
        case (.unexpectedByte, UInt8(ascii: "/")): return "Remove the comment."
        case (.unexpectedByte, UInt8(ascii: "}")), (.unexpectedByte, UInt8(ascii: "]")):
            return before == UInt8(ascii: ",") ? "Remove the comma before it." : "Remove it, or add what is missing."
        case (.unexpectedByte, UInt8(ascii: "\"")): return "Add the comma before it."
        case (.unexpectedByte, UInt8(ascii: "'")): return "Use double quotes."
        case (_, 0xEF) where error.offset == 0: return "Save it without a byte order mark."
        case (.duplicateName, _): return "Remove one of the two."
        case (.unexpectedEnd, _): return "Add what is missing at the end."
        case (.trailingBytes, _): return "Remove what follows the settings."
        default: return "Mend this place."
        }
    }

    private static func position(of offset: Int, in bytes: [UInt8]) -> (line: Int, column: Int) {
        let before = bytes[..<offset]
        let start = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        // Columns count characters, as editors do.
        let column = String(decoding: before[start...], as: UTF8.self).count + 1
        return (before.count { $0 == 0x0A } + 1, column)
    }
}
