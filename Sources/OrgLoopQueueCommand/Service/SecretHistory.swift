import EventQueue
import Logging
import ServiceLifecycle

/// Keeps on record which secrets the sources are configured with: from the start on, and after every
/// ``record(_:)``.
///
/// A record that cannot be made now, because the disk is full for example, is made later. Neither the start nor
/// senders wait for it.
actor SecretHistory: Service {
    /// The store's verb.
    typealias Recording = @Sendable ([Secret.Use]) async throws -> Secret.Changes

    private let recording: Recording
    private let logger: Logger
    /// How long after a failed attempt the next one is made.
    private let pause: Duration
    /// What is still to be recorded.
    private var pending: [Secret.Use]?
    private var isRecording = false
    private var isTold = false

    /// A full disk is not mended within less.
    private static let pause: Duration = .seconds(5)

    /// - Parameter sources: What is configured at the start; ``run()`` records it.
    init(
        _ sources: [SourceConfiguration], logger: Logger, pause: Duration = pause, recording: @escaping Recording
    ) {
        pending = Self.uses(sources)
        self.logger = logger
        self.pause = pause
        self.recording = recording
    }

    /// Records that `sources`, and no others, are configured from now on.
    ///
    /// It returns when that is on record, or has to wait.
    func record(_ sources: [SourceConfiguration]) async {
        pending = Self.uses(sources)
        isTold = false
        await attempt()
    }

    func run() async throws {
        // Also in a service that is told to stop at once.
        await attempt()
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await Task.sleep(for: self.pause)
                await self.attempt()
            }
        }
    }

    /// One after the other: an older configuration must not be recorded after a newer one.
    private func attempt() async {
        guard !isRecording else { return }
        isRecording = true
        defer { isRecording = false }
        while let uses = pending {
            do {
                tell(try await recording(uses))
                if pending == uses { pending = nil }
            } catch {
                return warn((error as? StoreFailure)?.explanation ?? "\(error)")
            }
        }
    }

    private func tell(_ changes: Secret.Changes) {
        let dropped = Set(changes.dropped.map(Key.init))
        let kept = dropped.intersection(changes.configured.map(Key.init))
        for use in changes.configured {
            let since = kept.contains(Key(use)) ? "under another scheme" : "from now on"
            logger.notice("a secret is in use \(since)", metadata: Self.metadata(use))
        }
        for use in changes.dropped where !kept.contains(Key(use)) {
            logger.notice("a secret was dropped", metadata: Self.metadata(use))
        }
    }

    private func warn(_ reason: String) {
        guard !isTold else { return }
        isTold = true
        logger.warning(
            "which secrets are in use could not be recorded; it is tried again", metadata: ["reason": "\(reason)"])
    }

    /// A secret, whatever it is used for.
    private struct Key: Hashable {
        let source: Source.ID
        let keyID: String

        init(_ use: Secret.Use) {
            source = use.source
            keyID = use.keyID
        }
    }

    private static func metadata(_ use: Secret.Use) -> Logger.Metadata {
        ["source": "\(use.source)", "key_id": "\(use.keyID)", "scheme": "\(use.scheme)"]
    }

    private static func uses(_ sources: [SourceConfiguration]) -> [Secret.Use] {
        sources.flatMap { source in
            source.verification.keyIDs.map {
                Secret.Use(source: source.id, keyID: $0, scheme: source.verification.scheme)
            }
        }
    }
}
