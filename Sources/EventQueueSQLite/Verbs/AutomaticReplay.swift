import EventQueue
import GRDB

/// The replay that a consumer with `in_doubt: replay` gets without an operator: recorded like any other.
struct AutomaticReplay {
    let cursor: CursorRow
    let key: EventQueue.Cursor.Key
    let name: Replay.ID
    let time: Timestamp

    private static let actor = "orgloop-queue"

    /// Orders everything that is in doubt; nothing when nothing is.
    func run(in database: Database) throws {
        let reason = try reason(in: database)
        let order = Replay.Order(cursor: key, actor: Self.actor, reason: reason, selection: .inDoubt)
        do {
            _ = try ReplayOrder(order: order, name: name, cursor: cursor, time: time).run(in: database)
        } catch ProtocolRefusal.nothingToReplay {}
    }

    private func reason(in database: Database) throws -> String {
        let dead = try database.first(
            """
            SELECT name, engine FROM session WHERE cursor_id = ? AND ended_at IS NOT NULL
            ORDER BY id DESC LIMIT 1
            """, [cursor.id])
        guard let dead else { return "an engine ended without finishing them" }
        let name: String = dead["name"]
        let engine: String = dead["engine"]
        return "session \(name) (\(engine)) ended without finishing them"
    }
}
