public import EventQueue
import GRDB

extension SQLiteEventStore {
    public func importEvents(_ events: [ImportedEvent]) async throws -> [Imported] {
        throw StoreFailure.unavailable("soon")
    }
}
