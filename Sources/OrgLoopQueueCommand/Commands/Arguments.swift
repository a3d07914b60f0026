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
