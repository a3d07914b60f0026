import ArgumentParser
import EventQueue
import Foundation

/// The names that most verbs take.
enum CursorArguments {
    static func key(source: String, consumer: String) throws -> Cursor.Key {
        Cursor.Key(consumer: try consumerID(consumer), source: try sourceID(source))
    }

    static func sourceID(_ text: String) throws -> Source.ID {
        guard let id = Source.ID(text) else {
            throw ValidationError("'\(text)' is not a source id: \(form).")
        }
        return id
    }

    static func consumerID(_ text: String) throws -> Consumer.ID {
        guard let id = Consumer.ID(text) else {
            throw ValidationError("'\(text)' is not a consumer id: \(form).")
        }
        return id
    }

    static func eventID(_ text: String) throws -> Event.ID {
        guard let id = Event.ID(text) else {
            throw ValidationError("'\(text)' is not an event id: evt_ and letters or digits.")
        }
        return id
    }

    private static let form = "1 to 128 letters, digits, '-', '_' and '.'"
}

/// Who orders something, and why: what the audit keeps.
enum AuditNote {
    static func check(reason: String, actor: String?) throws {
        if reason.trimmingCharacters(in: .whitespacesAndNewlines).isEmpty {
            throw ValidationError("--reason is empty; say why, it is recorded.")
        }
        if let actor, actor.trimmingCharacters(in: .whitespacesAndNewlines).isEmpty {
            throw ValidationError("--actor is empty; say who, it is recorded.")
        }
    }

    /// The named actor, else whoever is logged in.
    static func actor(_ named: String?) -> String { named ?? NSUserName() }
}

/// A point in time as a person gives it: absolute, or a duration back from now.
enum TimeArgument {
    static let form = "an ISO 8601 time with its zone, or how long ago, like 30m, 2h or 7d"

    static func parse(_ text: String) throws -> Timestamp {
        if let time = Timestamp(iso8601: text) { return time }
        guard let ago = Quantities.duration(text), ago <= Duration.longest else {
            throw ValidationError("'\(text)' is not a time: \(form).")
        }
        return Timestamp.now().advanced(by: .zero - ago)
    }
}

/// A duration as the configuration spells it.
enum DurationArgument {
    static func parse(_ text: String) throws -> Duration {
        guard let duration = Quantities.duration(text), duration <= Duration.longest else {
            throw ValidationError("'\(text)' is not \(Quantities.durationForm).")
        }
        return duration
    }
}

/// One of the words of an enumeration.
enum WordArgument {
    static func parse<Value: RawRepresentable<String> & CaseIterable>(
        _ text: String, _ type: Value.Type = Value.self
    ) throws -> Value {
        guard let value = Value(rawValue: text) else {
            throw ValidationError("'\(text)' is not one of: \(allowed(type)).")
        }
        return value
    }

    static func allowed<Value: RawRepresentable<String> & CaseIterable>(_ type: Value.Type) -> String {
        type.allCases.map(\.rawValue).joined(separator: ", ")
    }
}

/// A header as it is typed: its name, a colon, its value.
struct HeaderArgument {
    let pair: (name: String, value: String)

    static func parse(_ text: String) throws -> HeaderArgument {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        let isName = parts.first.map { !$0.isEmpty && $0.utf8.allSatisfy(Self.isNameByte) } ?? false
        guard parts.count == 2, isName, !parts[1].contains(where: \.isNewline) else {
            throw ValidationError("A header has the form NAME: VALUE.")
        }
        return HeaderArgument(pair: (parts[0], String(parts[1].trimmingPrefix { $0 == " " })))
    }

    /// The letters, digits and marks of a token (RFC 9110, section 5.6.2) that headers are made of in practice.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
