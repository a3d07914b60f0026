import ServiceLifecycle

/// Tells the supervisor that the service lives, for as long as its store answers.
///
/// A writer that hangs keeps the message from being sent, and the supervisor restarts the process: what was
/// acknowledged is on disk, and senders try again.
struct Watchdog: Service {
    let supervisor: Supervisor
    /// Returns once the store has answered; throws when it is gone.
    let probe: @Sendable () async throws -> Void

    func run() async throws {
        await cancelWhenGracefulShutdown {
            guard let interval = supervisor.watchdog else {
                // A service that returns would stop the others.
                try? await Task.sleep(for: Duration.longest)
                return
            }
            while !Task.isCancelled {
                if (try? await probe()) != nil { supervisor.alive() }
                // Half of it, as sd_watchdog_enabled(3) asks for.
                try? await Task.sleep(for: interval / 2)
            }
        }
    }
}
