public import EventQueue
import Synchronization

/// The sources that are served now; a reload replaces them all in one step.
public final class SourceRegistry: Sendable {
    private let sources: Mutex<[Source.ID: Source]>

    /// - Parameter sources: Each with an id of its own; of two with one id the last counts.
    public init(_ sources: [Source]) {
        self.sources = Mutex(Self.byID(sources))
    }

    /// Serves `sources` from the next request on; those being answered keep what they found.
    public func replace(with sources: [Source]) {
        self.sources.withLock { $0 = Self.byID(sources) }
    }

    func find(_ name: String) -> Source? {
        guard let id = Source.ID(name) else { return nil }
        return sources.withLock { $0[id] }
    }

    private static func byID(_ sources: [Source]) -> [Source.ID: Source] {
        Dictionary(sources.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
    }
}
