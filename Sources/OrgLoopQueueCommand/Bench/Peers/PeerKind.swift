/// What the service is compared with, in the order of the table.
enum PeerKind: String, CaseIterable, Sendable {
    case service = "orgloop-queue"
    case node = "Node, no fsync"
    case nodeSynced = "Node, fsync"
    case nodeGrouped = "Node, no fsync, grouped"
    case nodeGroupedSynced = "Node, fsync, grouped"
    case redis = "Redis Streams, fsync"
    case responder = "bare SwiftNIO"

    /// What its answer means.
    var promise: String {
        switch self {
        case .service: "durable"
        case .node, .nodeGrouped: "written"
        case .nodeSynced, .nodeGroupedSynced: "durable"
        case .redis: "durable; no HTTP, no HMAC"
        case .responder: "nothing"
        }
    }

    /// How many times as many requests a second the service is to answer.
    ///
    /// `nil` for the service itself and for the grouped receivers: the bounds are those of receivers that write each
    /// line by itself.
    var target: Double? {
        switch self {
        case .service, .nodeGrouped, .nodeGroupedSynced: nil
        case .node: 2
        case .nodeSynced: 6
        case .redis: 0.8
        case .responder: 0.6
        }
    }

    /// Starts it in a directory of its own.
    ///
    /// - Throws: ``PeerMissing`` when it is not installed.
    func start(in scratch: BenchScratch, connections: Int) async throws -> any Peer {
        switch self {
        case .service:
            let place = try ServicePlace("service", in: scratch, connections: connections)
            return try await BenchService.start(place, in: scratch)
        case .node: return try await NodePeer.start([], in: scratch)
        case .nodeSynced: return try await NodePeer.start([.fsync], in: scratch)
        case .nodeGrouped: return try await NodePeer.start([.grouped], in: scratch)
        case .nodeGroupedSynced: return try await NodePeer.start([.grouped, .fsync], in: scratch)
        case .redis: return try await RedisPeer.start(in: scratch)
        case .responder: return try await ResponderPeer.start(in: scratch)
        }
    }
}

/// A peer that is not installed here.
struct PeerMissing: Error {
    let program: String
}
